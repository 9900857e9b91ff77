"""The plan of a run as text: what would be trained, what each trial may cost, and what will not run and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rich.console import Console
from rich.table import Table

from advisor.cli.blocks import count, items, number_table
from bench.plan.plan import RunPlan, TrialPlan
from bench.profile.hardware import HardwareProfile
from bench.result import Candidate, Prediction, Source
from bench.units import duration

WIDE: Final = 100
"""Columns from which on an interval stands beside its value and a purpose in a column of its own."""

MARKS: Final[dict[Source, str]] = {"measured": "m", "calibrated": "c", "prior": "p"}

LEGEND: Final[dict[Source, str]] = {
    "measured": "m: measured here",
    "calibrated": "c: a formula, fitted to measurements here",
    "prior": "p: a formula alone",
}

_SECONDS: Final = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))
_BYTES: Final = ((1024.0**3, "GiB"), (1024.0**2, "MiB"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What trials of one row have in common."""

    candidate: Candidate
    steps: int
    rungs: tuple[int, ...]
    train_pairs: int
    purpose: str


def show_plan(console: Console, plan: RunPlan, hardware: HardwareProfile, *, now: datetime | None = None) -> None:
    """Print the trials by kind, then what was decided and refused.

    Args:
        now: when the run would start, with its time zone; the present when left out.
    """
    some = plan.trials[0]  # what all trials have in common
    data = some.data
    where = "synthetic data" if data.synthetic else data.name
    total = f"{count(len(plan.trials), 'trial')} on {where}, about {duration(plan.predicted_seconds)} in all"
    if hardware.simulated:
        console.print(f"SIM: the machine is simulated ({hardware.simulated})", style="bold yellow")
        console.print(f"{total}\n", style="bold")
    else:
        start = now or datetime.now().astimezone()
        console.print(f"{total}, until {_clock(start, plan.predicted_seconds)}\n", style="bold")
    console.print(_table(plan.trials, wide=console.width >= WIDE))
    sources = {prediction.source for trial in plan.trials for prediction in _told(trial) if prediction}
    if sources:
        legend = ", ".join(words for source, words in LEGEND.items() if source in sources)
        console.print(f"\nTime and memory of one trial, in brackets what holds in 95 % of cases. {legend}")
    sentences = (
        f"{data.name}: {data.query_pairs} queries, archive of {data.archive_pairs}",
        f"device {some.device}, {some.precision}, {count(some.threads, 'thread')}, "
        f"{some.training.batch_pairs} pairs a step",
        *plan.notes,
        *(f"{refusal.candidate.title} will not run: {refusal.reason}" for refusal in plan.refusals),
    )
    console.print()
    console.print(items(*(("-", sentence) for sentence in sentences)))


def _table(trials: Iterable[TrialPlan], *, wide: bool) -> Table:
    kinds: dict[Kind, list[TrialPlan]] = {}
    for trial in trials:
        kinds.setdefault(_kind(trial), []).append(trial)
    purposes = any(kind.purpose for kind in kinds)
    table = number_table("Candidate", "Seeds", "Steps", "Rungs", "Pairs", "Time", "Memory")
    if wide and purposes:
        table.add_column("Purpose")
    for kind, alike in kinds.items():
        longest = max(alike, key=lambda trial: trial.predicted_seconds)
        time, memory = _told(longest)
        title = kind.candidate.title if wide or not kind.purpose else f"{kind.candidate.title}\n{kind.purpose}"
        table.add_row(
            title,
            _numbers(trial.seed for trial in alike),
            str(kind.steps),
            " ".join(map(str, kind.rungs)),
            str(kind.train_pairs),
            _spread(time, _SECONDS, wide=wide) if time else duration(longest.predicted_seconds),
            _spread(memory, _BYTES, wide=wide) if memory else "–",
            *((kind.purpose,) if wide and purposes else ()),
        )
    return table


def _kind(trial: TrialPlan) -> Kind:
    return Kind(
        candidate=trial.candidate,
        steps=trial.training.steps,
        rungs=trial.rungs,
        train_pairs=trial.data.train_pairs,
        purpose=trial.purpose,
    )


def _told(trial: TrialPlan) -> tuple[Prediction | None, Prediction | None]:
    """What was predicted of the trial's time and memory: that of the accelerator where it has one."""
    found = {prediction.quantity: prediction for prediction in trial.predictions}
    return found.get("total_seconds"), found.get("peak_memory_bytes", found.get("peak_rss_bytes"))


def _numbers(seeds: Iterable[int]) -> str:
    """Seeds, a row of them as "0-4"."""
    rows: list[list[int]] = []
    for seed in sorted(seeds):
        if rows and seed == rows[-1][-1] + 1:
            rows[-1].append(seed)
        else:
            rows.append([seed])
    return ", ".join(str(row[0]) if len(row) == 1 else f"{row[0]}-{row[-1]}" for row in rows)


def _spread(prediction: Prediction, units: Iterable[tuple[float, str]], *, wide: bool) -> str:
    """The value, its interval in the same unit, and the mark of its source: "4.1 min (3.7-4.8) c"."""
    *larger, smallest = units
    unit, name = next((row for row in larger if prediction.value >= row[0]), smallest)
    low, value, high = (
        f"{amount:.0f}" if amount >= 100 else f"{amount:.1f}"
        for amount in (prediction.low / unit, prediction.value / unit, prediction.high / unit)
    )
    return f"{value} {name} {MARKS[prediction.source]}{' ' if wide else chr(10)}({low}-{high})"


def _clock(start: datetime, seconds: float) -> str:
    """The time of day at the end; with its date if that is another day."""
    end = start + timedelta(seconds=seconds)
    return f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
