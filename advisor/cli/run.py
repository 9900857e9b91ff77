"""csmae-bench run: train and score candidates, then say what to train."""

from pathlib import Path
from typing import Unpack

import rich_click as click

from advisor.cli import options
from advisor.cli.asked import Asked, as_request, given_options, run_options
from bench.errors import ExitCode, UsageError


@click.command(
    "run",
    epilog=options.examples(
        "csmae-bench run",
        "csmae-bench run --data my-pairs --time-budget 40m",
        "csmae-bench run --data my-pairs --variants secd,sesd --sizes tiny,small",
        "csmae-bench run --plan plan.toml",
        "csmae-bench run --resume",
        "csmae-bench run --dry-run --time-budget 10m",
        "csmae-bench run --json > advice.json",
    ),
)
@run_options
@options.weighted_goal
@options.database
@click.option(
    "--resume",
    metavar="[RUN]",
    is_flag=False,
    flag_value="",
    help="Go on with a run that was stopped or cut off: RUN, or the last one. Of the options that say what to run, "
    "only --time-budget may be given with it, counted from now.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Profile, measure and plan, but train and store nothing.")
@options.as_json
@click.option("-q", "--quiet", is_flag=True, help="No progress and no talk; errors are still told.")
@click.pass_context
def command(
    context: click.Context,
    *,
    goal: str,
    database: Path,
    resume: str | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    **asked: Unpack[Asked],
) -> ExitCode:
    """Train and score candidates in short trials, then say what to train and why.

    A candidate is a variant at a size. Every trial runs in a process of its own, and its outcome is in the store before
    the next one starts: Ctrl-C loses nothing that is finished. The advice goes to standard output, progress to
    standard error.
    """
    from advisor.cli.conduct import carry_on, conduct, preview  # noqa: PLC0415  --help does without DuckDB, NumPy and SciPy

    if resume is not None:
        clash = sorted(given_options(context) - {"--time-budget"}) + ["--dry-run"] * dry_run
        if clash:
            raise UsageError(f"{', '.join(clash)} cannot be given with --resume: the stored run says what to run")
        budget = asked["time_budget"]
        return carry_on(resume or None, time_budget=budget, database=database, goal=goal, as_json=as_json, quiet=quiet)
    request = as_request(context, asked)
    if dry_run:
        return preview(request, database=database, as_json=as_json, quiet=quiet)
    return conduct(request, database=database, goal=goal, as_json=as_json, quiet=quiet)
