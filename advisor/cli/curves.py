"""csmae-bench curves: learning curves of stored trials."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click
from rich.console import Console
from rich.table import Table

from advisor.cli import options
from advisor.cli.blocks import count, number_table
from advisor.cli.streams import envelope, stdout
from bench.errors import ExitCode, UsageError
from bench.score import METRICS
from bench.units import duration, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from advisor.curves import Curve, Point, Spread

HEADS: Final = {"steps": "Steps", "pairs": "Pairs seen", "seconds": "Time"}

WHOLE: Final = tuple(name for name, metric in METRICS.items() if not metric.per_class)
"""Metrics that have one value for all classes."""

EACH_ROW: Final = "Each row: trainings of that length, the rate decayed to zero; mean ± sd over seeds."


def _metric(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    return None if text is None else options.one_of("metric", WHOLE)(context, parameter, text)


@click.command(
    "curves",
    epilog=options.examples(
        "csmae-bench curves",
        "csmae-bench curves --goal all --against seconds",
        "csmae-bench curves --run 3fa9c1d2 --metric partner_recall --json",
    ),
)
@click.option("--run", "run_id", metavar="ID", help="Which run. Left out: the latest in the store.")
@options.goal
@click.option(
    "--metric",
    metavar="KEY",
    callback=_metric,
    help=f"Which score: {', '.join(WHOLE)}. Left out: f1_of_means for labelled data, otherwise partner_recall.",
)
@click.option(
    "--against",
    metavar="NAME",
    callback=options.one_of("column", HEADS),
    default="steps",
    show_default=True,
    help=f"What the score is set against: {', '.join(HEADS)}.",
)
@options.database
@options.as_json
def command(
    *, run_id: str | None, goal: str, metric: str | None, against: str, database: Path, as_json: bool
) -> ExitCode:
    """Show how scores rise with training, from trials that are in the store.

    A row for each length at which a candidate was scored, in each direction of the goal; nothing is trained.
    """
    from advisor.curves import curves  # noqa: PLC0415  --help does without DuckDB, NumPy and SciPy
    from bench.score.goal import GOALS  # noqa: PLC0415  the same
    from bench.store.results import Results  # noqa: PLC0415  the same

    store = Results(database)
    run_id = run_id or store.latest_run_id()
    if run_id is None:
        raise UsageError(f"{database} holds no run yet: csmae-bench run makes one")
    dataset = store.run(run_id).dataset
    metric = metric or ("f1_of_means" if dataset.classes else "partner_recall")
    trials = store.trials(run_id=run_id)
    found = curves(trials, metric, GOALS[goal].directions)
    if not found:
        raise UsageError(
            f"run {run_id} holds no {GOALS[goal].name} score {metric}: another --goal or --metric may be there"
        )
    if as_json:
        data = {
            "run_id": run_id,
            "store": str(database),
            "synthetic": dataset.synthetic,
            "metric": metric,
            "goal": goal,
        }
        envelope("curves", ExitCode.DONE, {**data, "curves": found})
        return ExitCode.DONE
    name = METRICS[metric].title + ("" if found[0].k is None else f"@{found[0].k}")
    name += " in %" if METRICS[metric].unit == "share" else ""
    on = " on synthetic data" if dataset.synthetic else ""
    stdout().print(f"Learning curves{on}: {GOALS[goal].name} {name}", style="bold")
    _show(stdout(), found, metric, against)
    stdout().print(f"\n{EACH_ROW}", style="dim")
    stdout().print(f"From {count(len(trials), 'trial')} in {database} (run {run_id})", soft_wrap=True)
    return ExitCode.DONE


def _show(console: Console, found: "Sequence[Curve]", metric: str, against: str) -> None:
    """A table for each subset of the training pairs."""
    for setting in dict.fromkeys((curve.train_pairs, curve.batch_pairs) for curve in found):
        own = [curve for curve in found if (curve.train_pairs, curve.batch_pairs) == setting]
        console.print(f"\n{setting[0]:,} training pairs, batches of {setting[1]}\n")
        console.print(_table(own, metric, against))


def _table(found: "Sequence[Curve]", metric: str, against: str) -> Table:
    directions = tuple(dict.fromkeys(direction for curve in found for direction in curve.directions))
    with_mean = 1 < len(directions) < 4
    arrows = (f"{query.upper()} → {archive.upper()}" for query, archive in directions)
    table = number_table("Candidate", HEADS[against], *arrows, *(("Mean",) if with_mean else ()), "Seeds")
    table.padding = (0, 1, 0, 0)  # else four directions are wider than a terminal, and so is their mean
    for curve in found:
        for number, point in enumerate(curve.points):
            scores = dict(zip(curve.directions, point.scores, strict=True))
            cells = [_spread(scores[way], metric) if way in scores else "–" for way in directions]
            table.add_row(
                "" if number else curve.candidate.title,
                _length(point, against),
                *cells,
                *((_spread(point.mean, metric),) if with_mean else ()),
                str(point.seeds),
            )
        table.add_section()
    return table


def _length(point: "Point", against: str) -> str:
    return duration(point.seconds) if against == "seconds" else f"{getattr(point, against):,}"


def _spread(spread: "Spread", metric: str) -> str:
    """As "36.4 ± 0.7"; without a deviation where there is one seed."""
    numbers = [number for number in (spread.mean, spread.deviation) if number is not None]
    match METRICS[metric].unit:
        case "share":
            return " ± ".join(map(percent, numbers))
        case "rank":
            return " ± ".join(f"{number:,.1f}" for number in numbers)
    return " ± ".join(f"{number:.3f}" for number in numbers)
