"""csmae-bench recommend: the advice of a stored run again."""

from pathlib import Path

import rich_click as click

from advisor.cli import options
from advisor.cli.streams import envelope, stdout
from bench.errors import ExitCode, UsageError


@click.command(
    "recommend",
    epilog=options.examples(
        "csmae-bench recommend",
        "csmae-bench recommend --run 3fa9c1d2 --goal uni",
        "csmae-bench recommend --db colleague.duckdb --json",
    ),
)
@click.option("--run", "run_id", metavar="ID", help="Which run. Left out: the latest in the store.")
@options.weighted_goal
@options.database
@options.as_json
def command(*, run_id: str | None, goal: str, database: Path, as_json: bool) -> ExitCode:
    """Say what to train and why, from trials that are in the store.

    Nothing is trained. Another goal may get another answer from the same trials.
    """
    from advisor.cli.advice import advise, show_advice  # noqa: PLC0415  --help does without NumPy and SciPy
    from bench.store.results import Results  # noqa: PLC0415  --help does without DuckDB

    store = Results(database)
    run_id = run_id or store.latest_run_id()
    if run_id is None:
        raise UsageError(f"{database} holds no run yet: csmae-bench run makes one")
    run = store.run(run_id)
    trials = store.trials(run_id=run_id)
    queries = store.queries(run.dataset.fingerprint)
    counsel = advise(
        trials,
        hardware=run.hardware,
        dataset=run.dataset,
        goal=goal,
        queries=queries,
        indexes=store.index_measurements(),
    )
    if as_json:
        envelope("recommend", ExitCode.DONE, {"run_id": run_id, "store": str(database), "advice": counsel.document})
    else:
        show_advice(stdout(), counsel)
        stdout().print(f"\nFrom {len(trials)} trials in {database} (run {run_id})", soft_wrap=True)
    return ExitCode.DONE
