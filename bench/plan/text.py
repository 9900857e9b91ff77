"""A plan as text: TOML with comments for who edits it, or the same in JSON."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import tomlkit
from tomlkit.items import AoT

from bench.errors import UsageError
from bench.plan.form import REQUEST, VERSION
from bench.plan.plan import Request, RunPlan, TrialPlan
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import HardwareProfile
from bench.result import Prediction, Quantity
from bench.units import duration, gib

SPOKEN: Final[dict[Quantity, str]] = {
    "total_seconds": "time",
    "peak_memory_bytes": "memory of the GPU",
    "peak_rss_bytes": "memory of the process",
}
"""The predictions that a plan tells."""

NO_BUDGET: Final = 'time_budget = "40m"  would set how long the whole run may take: 90s, 40m or 1h30m'

ON_REFUSED: Final = "not planned; to try it all the same, head it [[trial]] and give it a seed and steps"


def in_json(path: Path) -> bool:
    """Whether a plan file of this name is JSON."""
    return path.suffix.lower() == ".json"


def dumps(plan: RunPlan, request: Request, *, hardware: HardwareProfile, dataset: DatasetProfile, path: Path) -> str:
    """The text of the plan's file.

    Args:
        request: what the plan was made from.
        path: how the file will be called: its ending decides the form, and the text tells how to run it.
    Raises: UsageError: the name of the data cannot stand in a file.
    """
    try:
        request.data.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{request.data!a} cannot stand in a plan file: it is no text in UTF-8") from error
    head, notes = _lines(_head(plan, hardware, dataset, path)), _lines(plan.notes)
    asked, trials = _asked(request), [_trial(trial, dataset) for trial in plan.trials]
    abouts = [_lines(_about(trial)) for trial in plan.trials]
    refused = [
        {"variant": refusal.candidate.variant, "size": refusal.candidate.size, "reason": _lines([refusal.reason])[0]}
        for refusal in plan.refusals
    ]
    if not in_json(path):
        return _toml([*head, *(f"- {note}" for note in notes)], asked, zip(abouts, trials, strict=True), refused)
    listed = [{"about": about} | trial for about, trial in zip(abouts, trials, strict=True)]
    document = {"about": head, "notes": notes, "version": VERSION, "request": asked, "trial": listed}
    return json.dumps(document | {"refused": refused}, indent=2, ensure_ascii=False) + "\n"


def _lines(texts: Iterable[str]) -> list[str]:
    """The texts, with what a comment or a file cannot hold replaced: names come from data, reasons from libraries."""
    return ["".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text) for text in texts]


def _head(plan: RunPlan, hardware: HardwareProfile, dataset: DatasetProfile, path: Path) -> list[str]:
    """What the file is and how to run it, a line each."""
    some = plan.trials[0]
    simulated = (f"SIM: the machine is simulated ({hardware.simulated}).",) if hardware.simulated else ()
    devices = ", ".join(gpu.name for gpu in hardware.gpus) or "no GPU"
    pairs = ", ".join(f"{count} {split}" for split, count in dataset.pairs.items())
    run = f"csmae-bench run --plan {shlex.quote(str(path))}"
    return [
        f"A plan of csmae-bench, made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
        *simulated,
        f"Machine {hardware.id}: {hardware.cpu_name or 'unknown processor'}, {devices}; trials on {some.device}",
        f"Data {dataset.name}{', generated' if dataset.synthetic else ''}: pairs {pairs}",
        f"{len(plan.trials)} trials, about {duration(plan.predicted_seconds)}",
        f"To run it:              {run}",
        f"To see it anew, edited: {run} --dry-run",
        "Trials run in this order. Change, add, delete and move them. Left out: train_pairs is all, rungs is none.",
    ]


def _about(trial: TrialPlan) -> list[str]:
    """Why the trial, and what was predicted of it, a line each."""
    told = {prediction.quantity: prediction for prediction in trial.predictions}
    time = [] if "total_seconds" in told else [f"time about {duration(trial.predicted_seconds)}"]
    lines = [_said(name, told[quantity]) for quantity, name in SPOKEN.items() if quantity in told]
    return [*([trial.purpose] if trial.purpose else []), *time, *lines]


def _said(name: str, prediction: Prediction) -> str:
    shown = duration if prediction.quantity == "total_seconds" else gib
    interval = f"{shown(prediction.low)} to {shown(prediction.high)}"
    return f"{name} {shown(prediction.value)} ({interval}), {prediction.source}: {prediction.basis}"


def _toml(
    head: Sequence[str],
    asked: Mapping[str, object],
    trials: Iterable[tuple[Sequence[str], Mapping[str, object]]],
    refused: Sequence[Mapping[str, object]],
) -> str:
    document = tomlkit.document()
    for line in head:
        document.add(tomlkit.comment(line))
    document.add("version", tomlkit.item(VERSION))
    document.add(tomlkit.nl())
    request = tomlkit.table()
    for name, value in asked.items():
        request.add(name, tomlkit.item(value).comment(REQUEST[name].comment))
    if "time_budget" not in asked:
        request.add(tomlkit.comment(NO_BUDGET))
    document.add("request", request)
    document.add("trial", _tables(trials))
    if refused:
        document.add("refused", _tables(([ON_REFUSED], table) for table in refused))
    return tomlkit.dumps(document)


def _tables(entries: Iterable[tuple[Sequence[str], Mapping[str, object]]]) -> AoT:
    """Tables of one name, each with its comments below its head, so that they move together."""
    tables = tomlkit.aot()
    for comments, values in entries:
        table = tomlkit.table()
        for line in comments:
            table.add(tomlkit.comment(line))
        for name, value in values.items():
            table.add(name, value)
        tables.append(table)
    return tables


def _asked(request: Request) -> dict[str, Any]:
    """The table of what all trials share."""
    budget = request.time_budget_seconds
    return {
        "data": request.data,
        "device": request.device,
        **({} if budget is None else {"time_budget": _typed(budget)}),
        "precision": request.precision or "auto",
        "batch_pairs": request.batch_pairs,
        "learning_rate": request.learning_rate,
        "k": request.k,
        "margin": request.margin,
        "refine": request.refine,
    }


def _typed(seconds: float) -> str:
    """A duration as `parse_duration` reads it: "1h30m"."""
    if seconds != int(seconds):
        return f"{Decimal(repr(seconds)):f}s"
    minutes, rest = divmod(int(seconds), 60)
    parts = ((minutes // 60, "h"), (minutes % 60, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def _trial(trial: TrialPlan, dataset: DatasetProfile) -> dict[str, Any]:
    """The table of one trial."""
    pairs = trial.data.train_pairs
    return {
        "variant": trial.candidate.variant,
        "size": trial.candidate.size,
        "seed": trial.seed,
        "steps": trial.training.steps,
        **({"rungs": [*trial.rungs]} if trial.rungs else {}),
        **({"train_pairs": pairs} if pairs != dataset.pairs["train"] else {}),
    }
