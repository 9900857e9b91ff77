"""csmae-bench index: what searching the full archive costs, exactly or with an index."""

from pathlib import Path

import rich_click as click

from advisor.cli import options
from bench.errors import ExitCode


@click.command(
    "index",
    epilog=options.examples(
        "csmae-bench index",
        "csmae-bench index --archive-size 480038 --latency 10",
        "csmae-bench index 3fa9c1d2-04 --goal all --recall 0.99 --time-limit 10m",
        'csmae-bench sql "from index_measurements"',
    ),
)
@click.argument("trial", required=False)
@click.option(
    "--archive-size",
    "items",
    metavar="COUNT",
    type=click.IntRange(min=1),
    help="Images in the archive that will be searched. Left out: an image for each pair of the trial's data set.",
)
@click.option(
    "--k",
    metavar="COUNT",
    type=click.IntRange(min=1, max=1000),
    default=10,
    show_default=True,
    help="Neighbours that a search returns.",
)
@click.option(
    "--recall",
    metavar="SHARE",
    type=click.FloatRange(min=0, max=1, min_open=True),
    default=0.95,
    show_default=True,
    help="Least share of the exact neighbours that an index has to find, at the lower end of its interval.",
)
@click.option(
    "--latency",
    "latency_ms",
    metavar="MS",
    type=click.FloatRange(min=0, min_open=True),
    help="Most milliseconds that a query may take. Left out: 50, which a person does not notice.",
)
@options.goal
@click.option(
    "--time-limit",
    metavar="TIME",
    callback=options.seconds,
    default="60s",
    show_default=True,
    help="How long may be measured: larger archives are tried while it lasts.",
)
@options.database
@options.as_json
@click.option("-q", "--quiet", is_flag=True, help="No progress and no talk; errors are still told.")
def command(
    *,
    trial: str | None,
    items: int | None,
    k: int,
    recall: float,
    latency_ms: float | None,
    goal: str,
    time_limit: float,
    database: Path,
    as_json: bool,
    quiet: bool,
) -> ExitCode:
    """Measure exact search and approximate indexes on a trial's own descriptors, and say which suits the archive.

    TRIAL is a trial's name or the beginning of one. Left out: the newest that was completed and whose descriptors are
    still there. How many neighbours an index finds is measured on real descriptors only; time and memory also on more
    vectors drawn from them. What was measured is kept in the store.
    """
    from advisor.cli.indexes import Question, compare  # noqa: PLC0415  --help does without DuckDB, NumPy and psutil

    question = Question(
        trial=trial,
        items=items,
        k=k,
        recall=recall,
        latency_seconds=None if latency_ms is None else latency_ms / 1000,
        goal=goal,
        time_limit_seconds=time_limit,
    )
    return compare(question, database=database, as_json=as_json, quiet=quiet)
