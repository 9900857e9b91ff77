"""Probes and stored trials as observations: what each says of steps, scoring and memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log
from statistics import median
from typing import Final

from bench.plan import formula
from bench.plan.formula import DeviceKind
from bench.plan.plan import Probe
from bench.plan.residual import Observation, Setting, Spread
from bench.result import DataUse, Precision, Training, TrialResult
from models import cost
from models.config import ModelConfig

STEP_SPREAD: Final = Spread(machine=0.35, size=0.05, variant=0.03, setting=0.06, noise=0.1, probe=0.1)
GPU_STEP_SPREAD: Final = Spread(machine=0.7, size=0.15, variant=0.08, setting=0.2, noise=0.05, probe=0.08)
SCORING_SPREAD: Final = Spread(machine=0.5, size=0.15, variant=0.03, setting=0.15, noise=0.15, probe=0.2)
MEMORY_SPREAD: Final = Spread(machine=0.06, size=0.05, variant=0.03, setting=0.08, noise=0.04, probe=0.04)
"""Of the formulas' residuals: seen on the machine that they were fitted on, wider where no machine could tell.

The noise of times is that of a virtual machine: its speed drifts by a quarter within minutes though nothing else runs.
"""

DISTURBED: Final = 3.0
"""Times that a trial's measurement is noisier when its record says that something disturbed it."""

HEAP_BYTES: Final = 20e6
HEAP_SHARE: Final = 0.01
"""Standard deviation of a process's memory that does not depend on the batch: so much, and so much of its state."""

LEAST_SHARE: Final = 0.2
"""Of what the batch should take; a peak below that says only that the rest was overestimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """Some work, and how long it took."""

    setting: Setting
    seconds: float
    noise: float
    """Standard deviation of the seconds' logarithm from one measurement to the next."""


def setting(model: ModelConfig, work: float) -> Setting:
    """What tells this network's measurements from others'."""
    return Setting(size=model.size, variant=(model.encoder, model.decoder), work=work)


def step_laps(probes: Sequence[Probe], trials: Sequence[TrialResult], spread: Spread) -> Iterator[Lap]:
    """How long a training step took."""

    def lap(model: ModelConfig, batch_pairs: int, precision: Precision, seconds: float, noise: float) -> Lap:
        work = formula.step_work(model, batch_pairs=batch_pairs, precision=precision)
        return Lap(setting=setting(model, work), seconds=seconds, noise=noise)

    for p in probes:
        if p.model:
            yield lap(p.model, p.batch_pairs, p.precision, p.step_seconds, spread.probe)
    for t in trials:
        if t.costs.step_seconds:
            seconds = median(t.costs.step_seconds)
            yield lap(t.model, t.training.batch_pairs, t.precision, seconds, _trouble(t) * spread.noise)


def embed_laps(probes: Sequence[Probe], trials: Sequence[TrialResult]) -> Iterator[Lap]:
    """How long embedding a pair took."""
    for p in probes:
        if p.model:
            work = setting(p.model, formula.embed_work(p.model))
            yield Lap(setting=work, seconds=1 / p.embed_pairs_per_second, noise=SCORING_SPREAD.probe)
    for t in trials:
        if t.costs.embed_seconds:
            seconds = t.costs.embed_seconds / (t.data.query_pairs + t.data.archive_pairs)
            work = setting(t.model, formula.embed_work(t.model))
            yield Lap(setting=work, seconds=seconds, noise=_trouble(t) * SCORING_SPREAD.noise)


def search_laps(trials: Sequence[TrialResult]) -> Iterator[Lap]:
    """How long the searches of a scoring took."""
    for t in trials:
        if t.costs.search_seconds:
            work = setting(t.model, search_work(t.model, t.data))
            yield Lap(setting=work, seconds=t.costs.search_seconds, noise=_trouble(t) * SCORING_SPREAD.noise)


def search_work(model: ModelConfig, data: DataUse) -> float:
    """Of one scoring."""
    return formula.search_flops(model, queries=data.query_pairs, archive=data.archive_pairs)


def rest_seconds(trials: Sequence[TrialResult]) -> Iterator[float]:
    """Of each trial, what was neither training nor scoring."""
    for t in trials:
        costs = t.costs
        if costs.total_seconds and costs.train_seconds and costs.embed_seconds and costs.search_seconds:
            scorings = 1 + max(1, len(t.rungs))
            scored = scorings * (costs.embed_seconds + costs.search_seconds)
            yield max(0.0, costs.total_seconds - costs.train_seconds - scored)


def peaks(
    probes: Sequence[Probe], trials: Sequence[TrialResult], *, kind: DeviceKind, process_bytes: float
) -> Iterator[Observation]:
    """What the batch took of each peak, beside what it should take."""
    for p in probes:
        found = p.grown_bytes if kind == "cpu" else p.peak_memory_bytes
        if p.model and found is not None:
            buffers = formula.BUFFER_BYTES if kind == "cpu" else 0.0
            yield _peak(p.model, p.batch_pairs, p.precision, found - fixed_bytes(p.model) - buffers, kind)
    for t in trials:
        found = t.costs.peak_rss_bytes if kind == "cpu" else t.costs.peak_memory_bytes
        if found is not None:
            fixed = fixed_bytes(t.model)
            if kind == "cpu":
                fixed = process_bytes + beside_bytes(t.model, t.data, t.training, branches=len(t.rungs) > 1)
            yield _peak(t.model, t.training.batch_pairs, t.precision, found - fixed, kind)


def _peak(
    model: ModelConfig, batch_pairs: int, precision: Precision, dynamic_bytes: float, kind: DeviceKind
) -> Observation:
    expected = formula.memory_terms(model, batch_pairs=batch_pairs, precision=precision, device_kind=kind).dynamic
    blur = heap_deviation(model) / expected if kind == "cpu" else 0.0
    return Observation(
        setting=setting(model, expected),
        residual=log(max(dynamic_bytes, LEAST_SHARE * expected) / expected),
        noise=(MEMORY_SPREAD.noise**2 + blur**2) ** 0.5,
    )


def process_sizes(probes: Sequence[Probe], trials: Sequence[TrialResult]) -> list[float]:
    """Bytes of a process before it had a network: told by probes, else what stored peaks leave for it."""
    told = [float(p.process_bytes) for p in probes if p.process_bytes is not None]
    return told or [left for t in trials if (left := _process_beside(t)) is not None]


def _process_beside(trial: TrialResult) -> float | None:
    if trial.costs.peak_rss_bytes is None:
        return None
    terms = formula.memory_terms(
        trial.model, batch_pairs=trial.training.batch_pairs, precision=trial.precision, device_kind="cpu"
    )
    beside = beside_bytes(trial.model, trial.data, trial.training, branches=len(trial.rungs) > 1)
    return max(formula.PROCESS_BYTES[0], trial.costs.peak_rss_bytes - beside - terms.dynamic)


def beside_bytes(model: ModelConfig, data: DataUse, training: Training, *, branches: bool) -> float:
    """Of a trial's process on a CPU, what depends neither on the batch nor on what the process was before.

    Args:
        branches: whether it trains decayed branches, for which it keeps a copy of weights and optimiser state.
    """
    copies = 2 if branches else 1
    return (
        formula.BUFFER_BYTES + formula.LIBRARY_BYTES + copies * fixed_bytes(model) + mapped_bytes(model, data, training)
    )


def mapped_bytes(model: ModelConfig, data: DataUse, training: Training) -> float:
    """Of the decoded pairs, what a trial reads: its process counts it, though the kernel could take it back."""
    read = min(data.train_pairs, training.steps * training.batch_pairs) + data.query_pairs + data.archive_pairs
    return float(read * formula.stored_bytes(model))


def fixed_bytes(model: ModelConfig) -> float:
    """Weights and optimiser state: known exactly."""
    return 3.0 * cost.FLOAT_BYTES * cost.parameters(model)


def heap_deviation(model: ModelConfig) -> float:
    """Of a process's memory, the standard deviation of what no formula knows."""
    return HEAP_BYTES + HEAP_SHARE * fixed_bytes(model)


def _trouble(trial: TrialResult) -> float:
    return DISTURBED if trial.marks else 1.0
