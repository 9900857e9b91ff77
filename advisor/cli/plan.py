"""csmae-bench plan: what a run would do, as a file to edit and to run."""

import shlex
from pathlib import Path
from typing import Final, Unpack

import rich_click as click

from advisor.cli import options
from advisor.cli.asked import Asked, as_request, run_options
from advisor.cli.streams import envelope, stderr
from bench.errors import ExitCode, UsageError

FORMATS: Final = ("toml", "json")


@click.command(
    "plan",
    epilog=options.examples(
        "csmae-bench plan --time-budget 40m -o plan.toml",
        "csmae-bench run --plan plan.toml",
        "csmae-bench plan --data my-pairs --variants secd,sesd --format json",
        "csmae-bench plan --plan plan.toml -o plan.toml --force",
        "csmae-bench plan --sizes base --simulate machine.json",
    ),
)
@run_options
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the plan to this file and show it as a table. Left out: print it.",
)
@click.option(
    "--format",
    "form",
    metavar="NAME",
    callback=options.one_of("format", ("auto", *FORMATS)),
    default="auto",
    show_default=True,
    help="toml, json, or auto: json where FILE ends in .json, toml elsewhere.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@options.simulate
@options.gpu_memory
@options.database
@options.as_json
@click.option("-q", "--quiet", is_flag=True, help="No progress and no table; errors are still told.")
@click.pass_context
def command(
    context: click.Context,
    *,
    output: Path | None,
    form: str,
    force: bool,
    recording: Path | None,
    gpu_memory_bytes: int | None,
    database: Path,
    as_json: bool,
    quiet: bool,
    **asked: Unpack[Asked],
) -> ExitCode:
    """Profile, measure and plan a run, and write its trials down.

    Nothing is trained or stored. The file lists every trial with its predicted time and memory, and what will not run
    with the reason. Edit it, then run it with csmae-bench run --plan FILE. With --plan, an edited file is planned anew.
    Predictions rest on what the store and a few real steps say of this machine; for a simulated one, on formulas alone.
    """
    from advisor.cli.conduct import foresee  # noqa: PLC0415  --help does without DuckDB, NumPy and SciPy
    from advisor.cli.planned import show_plan  # noqa: PLC0415  the same
    from bench.plan.file import write  # noqa: PLC0415  --help does without tomlkit
    from bench.plan.text import dumps  # noqa: PLC0415  the same
    from bench.profile.simulate import machine  # noqa: PLC0415  the same

    path = _place(output, form, force=force)
    request = as_request(context, asked)
    simulated = machine(recording, gpu_memory_bytes) if recording or gpu_memory_bytes else None
    told = foresee(request, database=database, simulated=simulated, quiet=quiet)
    if output:
        write(told.plan, request, hardware=told.hardware, dataset=told.dataset, path=path)
        console = stderr(quiet=quiet)
        show_plan(console, told.plan, told.hardware)
        console.print(f"\nTo run it: csmae-bench run --plan {shlex.quote(str(path))}", soft_wrap=True)
    if as_json:
        data = {"plan": told.plan, "file": str(output) if output else None}
        envelope("plan", ExitCode.DONE, data, warnings=told.warnings)
    elif not output:
        text = dumps(told.plan, request, hardware=told.hardware, dataset=told.dataset, path=path)
        click.echo(text, nl=False)
    return ExitCode.DONE


def _place(output: Path | None, form: str, *, force: bool) -> Path:
    """Where the plan goes, or what it would be called; refused before anything slow is done.

    Raises: UsageError: there is no such place, something is there, or its name tells another format.
    """
    if output is None:
        return Path("plan.json" if form == "json" else "plan.toml")
    by_name = "json" if output.suffix.lower() == ".json" else "toml"
    if form not in ("auto", by_name):
        raise UsageError(f"-o {output}: a file of this name is read as {by_name}: leave out --format {form}, or rename")
    if not output.parent.is_dir():
        raise UsageError(f"-o {output}: there is no folder {output.parent}: make it, or name another file")
    if output.exists() and not force:
        raise UsageError(f"-o {output} is there already: name another file, or replace it with --force")
    return output
