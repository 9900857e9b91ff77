"""Numbers before running: memory by component, time of a step and of a trial, each with an interval and its source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench.plan import formula, observe
from bench.plan.calibrate import Calibration, Pace
from bench.plan.quantity import Estimate, times, together
from bench.plan.residual import Correction, Setting
from bench.result import DataUse, Prediction, Quantity, Source, Training
from models.config import ModelConfig
from models.cost import Part

COUNTED: Final = "counted, exact"

PRIOR_WIDTH: Final = 3.0
"""Times that a wait of an accelerator may be longer than the formula says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """Bytes at the highest peak of a training, its scoring included; the components' values add up to the total's."""

    weights: Estimate
    """With their copies in half precision."""
    gradients: Estimate
    """Those that are there at the peak: the backward pass makes them while it frees activations."""
    optimizer: Estimate
    activations: Mapping[Part, Estimate]
    """What the forward pass keeps for backward, by part of the network."""
    workspace: Estimate
    """Gradients of activations, what scoring needs beyond training, libraries; on a CPU the process itself."""
    loader: Estimate
    """Batches in flight; on a CPU the decoded pairs that were read, if they were asked for."""
    total: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeEstimate:
    """Seconds of a trial; the components' values add up to the total's."""

    start: Estimate
    """What is neither training nor scoring."""
    steps: Estimate
    branches: Estimate
    """Extra steps of the decayed branch of each rung."""
    scoring: Estimate
    """Embedding and search, before training, at each rung and at the end."""
    total: Estimate


def memory(
    model: ModelConfig,
    *,
    batch_pairs: int,
    calibration: Calibration,
    mapped_bytes: float = 0.0,
    branches: bool = False,
) -> MemoryEstimate:
    """The peak of a training: of the process on a CPU, of the allocator on an accelerator.

    Args:
        mapped_bytes: of the decoded pairs that a process on a CPU reads: they count in its memory, but not in what it
            needs, since the kernel can take them back (`observe.mapped_bytes`).
        branches: whether rungs are scored on the way, for which a CPU holds the state twice.
    """
    terms = formula.memory_terms(
        model, batch_pairs=batch_pairs, precision=calibration.precision, device_kind=calibration.device_kind
    )
    found = calibration.memory.correction(observe.setting(model, terms.dynamic))
    working = _corrected(terms.working, found)
    loader = _corrected(terms.loader, found)
    process = _process(model, calibration, branches=branches)
    mapped = _exact(mapped_bytes, "decoded pairs that are read")
    weights, optimizer = _exact(terms.weights, COUNTED), _exact(terms.optimizer, COUNTED)
    return MemoryEstimate(
        weights=weights,
        gradients=_corrected(terms.gradients, found),
        optimizer=optimizer,
        activations={part: _corrected(size, found) for part, size in terms.activations.items()},
        workspace=together(working, process),
        loader=together(loader, mapped),
        # one correction moves all that depends on the batch at once
        total=together(weights, optimizer, _corrected(terms.dynamic, found), process, mapped),
    )


def step_seconds(model: ModelConfig, *, batch_pairs: int, calibration: Calibration) -> Estimate | None:
    """Of one training step; None: nothing is known of the machine's speed."""
    work = formula.step_work(model, batch_pairs=batch_pairs, precision=calibration.precision)
    found = _seconds(work, observe.setting(model, work), calibration.step)
    if found and found.source == "prior" and calibration.device_kind == "cuda":
        waits = formula.LAUNCH_SECONDS * formula.block_passes(model)
        return replace(found, value=max(waits, found.value), high=max(PRIOR_WIDTH * waits, found.high))
    return found


def embed_seconds(model: ModelConfig, *, pairs: int, calibration: Calibration) -> Estimate | None:
    """Of embedding both images of so many pairs; None: unknown."""
    work = formula.embed_work(model)
    return _seconds(pairs * work, observe.setting(model, work), calibration.embed)


def trial_seconds(
    model: ModelConfig,
    training: Training,
    data: DataUse,
    calibration: Calibration,
    *,
    rungs: Sequence[int] = (),
    steps_saved: int = 0,
) -> TimeEstimate | None:
    """Of a whole trial; None: nothing is known of the machine's speed.

    Args:
        rungs: shorter trainings that are scored on the way, each on a decayed branch.
        steps_saved: of the training, made before and kept in a checkpoint.
    """
    step = step_seconds(model, batch_pairs=training.batch_pairs, calibration=calibration)
    embedding = embed_seconds(model, pairs=data.query_pairs + data.archive_pairs, calibration=calibration)
    searching = observe.search_work(model, data)
    search = _seconds(searching, observe.setting(model, searching), calibration.search)
    if step is None or embedding is None or search is None:
        return None
    branches = sum(replace(training, steps=rung).decay_steps for rung in rungs)
    main = training.steps - steps_saved
    low, value, high = calibration.start_seconds
    start = Estimate(
        value=value,
        low=low,
        high=high,
        source="calibrated" if calibration.start_measured else "prior",
        basis="starts measured here" if calibration.start_measured else "ours, not measured",
    )
    scoring = times(together(embedding, search), 2 + len(rungs))
    return TimeEstimate(
        start=start,
        steps=times(step, main),
        branches=times(step, branches),
        scoring=scoring,
        total=together(start, times(step, main + branches), scoring),
    )


def predictions(
    model: ModelConfig,
    training: Training,
    data: DataUse,
    calibration: Calibration,
    *,
    rungs: Sequence[int] = (),
    steps_saved: int = 0,
) -> tuple[Prediction, ...]:
    """What a trial's plan says beforehand, to be kept beside what it measures; arguments as for `trial_seconds`.

    Each batch is taken to be trained whole. Times are left out where nothing is known of the machine's speed.
    """
    on_cpu = calibration.device_kind == "cpu"
    peak = memory(
        model,
        batch_pairs=training.batch_pairs,
        calibration=calibration,
        mapped_bytes=observe.mapped_bytes(model, data, training) if on_cpu else 0.0,
        branches=bool(rungs),
    ).total
    step = step_seconds(model, batch_pairs=training.batch_pairs, calibration=calibration)
    trial = trial_seconds(model, training, data, calibration, rungs=rungs, steps_saved=steps_saved)
    told: dict[Quantity, Estimate | None] = {
        "peak_rss_bytes" if on_cpu else "peak_memory_bytes": peak,
        "step_seconds": step,
        "total_seconds": trial.total if trial else None,
    }
    return tuple(
        Prediction(quantity=quantity, value=e.value, low=e.low, high=e.high, source=e.source, basis=e.basis)
        for quantity, e in told.items()
        if e
    )


def _exact(size: float, basis: str) -> Estimate:
    return Estimate(value=size, low=size, high=size, source="prior", basis=basis)


def _corrected(amount: float, found: Correction) -> Estimate:
    """What a formula says, corrected by what was measured."""
    source: Source = "measured" if found.same else "calibrated" if found.seen else "prior"
    basis = {
        "measured": f"formula held to {found.same} of this very setting and {found.seen - found.same} other runs here",
        "calibrated": f"formula corrected by {found.seen} runs here, {found.alike} of this size",
        "prior": "formula alone, nothing measured here",
    }[source]
    return Estimate(
        value=amount * found.factor, low=amount * found.low, high=amount * found.high, source=source, basis=basis
    )


def _seconds(work: float, setting: Setting, pace: Pace) -> Estimate | None:
    if pace.work_per_second is None:
        return None
    return _corrected(work / pace.work_per_second, pace.residuals.correction(setting))


def _process(model: ModelConfig, calibration: Calibration, *, branches: bool) -> Estimate:
    """What a process on a CPU holds beside its training; nothing on an accelerator."""
    low, value, high = calibration.process_bytes
    if calibration.device_kind == "cuda":
        return _exact(0.0, COUNTED)
    beside = formula.BUFFER_BYTES + formula.LIBRARY_BYTES + observe.fixed_bytes(model) * branches
    reach = 1.96 * observe.heap_deviation(model)
    return Estimate(
        value=value + beside,
        low=value + beside - ((value - low) ** 2 + reach**2) ** 0.5,
        high=value + beside + ((high - value) ** 2 + reach**2) ** 0.5,
        source="calibrated" if calibration.process_measured else "prior",
        basis="process measured here" if calibration.process_measured else "process not measured here",
    )
