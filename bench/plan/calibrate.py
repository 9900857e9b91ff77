"""What was measured on this machine, held against the formulas: by how much, and how surely, to correct them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from statistics import median
from typing import Final

from bench.plan import formula, observe
from bench.plan.formula import DeviceKind
from bench.plan.observe import Lap
from bench.plan.plan import Probe
from bench.plan.residual import Observation, Residuals, Spread
from bench.result import Outcome, Precision, TrialResult

MATMUL_SHARE: Final = 1.1
"""Speed of a step over that of the probe's matrix product, in the formula's FLOPs."""

SEARCH_SHARE: Final = 0.25
"""Speed of a search over that of the matrix product."""

UTILISATION: Final = 0.35
"""Share of a vendor's peak that a step reaches (ours: large transformers reach about half, small ones a tenth)."""

START_SECONDS: Final = (0.1, 0.5, 3.0)
"""Low, value, high when nothing was measured: of a trial, what is neither training nor scoring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast one kind of work goes."""

    work_per_second: float | None
    """None: unknown."""
    residuals: Residuals


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What is known of one device of one machine in one arithmetic."""

    device_kind: DeviceKind
    precision: Precision
    step: Pace
    embed: Pace
    search: Pace
    memory: Residuals
    """Of what depends on the batch (`formula.MemoryTerms.dynamic`)."""
    process_bytes: tuple[float, float, float]
    """Low, value, high: of a trial's process before it has a network; zero on an accelerator."""
    process_measured: bool
    start_seconds: tuple[float, float, float]
    """Low, value, high: of a trial, what is neither training nor scoring."""
    start_measured: bool


def calibrate(
    probes: Sequence[Probe] = (),
    history: Sequence[TrialResult] = (),
    *,
    machine: str = "",
    device: str = "cpu",
    precision: Precision = "fp32",
    threads: int = 1,
    peak_flops: float | None = None,
    matmul_flops: float | None = None,
) -> Calibration:
    """Take in what was measured here; with nothing, the formulas alone.

    Args:
        probes: of this machine; those of another device, arithmetic or number of threads are left out.
        history: stored trials; those of another machine, device, arithmetic or number of threads are left out.
        machine: `HardwareProfile.id`.
        peak_flops: the vendor's, used when nothing was measured; None: unknown.
        matmul_flops: of a matrix product measured here, better than the vendor's; without either, times are unknown.
    """
    kind: DeviceKind = "cpu" if device == "cpu" else "cuda"
    mine = [p for p in probes if p.model and (p.device, p.precision, p.threads) == (device, precision, threads)]
    trials = [
        t
        for t in history
        if (t.provenance.machine, t.device, t.precision, t.threads) == (machine, device, precision, threads)
        and t.outcome is Outcome.COMPLETED
        and t.costs.micro_batches == 1  # a batch in parts takes less memory and more time
    ]
    spread = observe.STEP_SPREAD if kind == "cpu" else observe.GPU_STEP_SPREAD
    product = median(p.matmul_flops[precision] for p in mine) if mine else matmul_flops
    believed = MATMUL_SHARE * product if product else peak_flops and UTILISATION * peak_flops
    step = _pace([*observe.step_laps(mine, trials, spread)], spread, believed)
    believed = believed or step.work_per_second
    sizes = observe.process_sizes(mine, trials) if kind == "cpu" else [0.0]
    process = (0.95 * min(sizes), median(sizes), 1.05 * max(sizes)) if sizes else formula.PROCESS_BYTES
    starts = [p.start_seconds for p in mine] + [*observe.rest_seconds(trials)]
    peaks = observe.peaks(mine, trials, kind=kind, process_bytes=process[1])
    return Calibration(
        device_kind=kind,
        precision=precision,
        step=step,
        embed=_pace([*observe.embed_laps(mine, trials)], observe.SCORING_SPREAD, believed),
        search=_pace([*observe.search_laps(trials)], observe.SCORING_SPREAD, believed and SEARCH_SHARE * believed),
        memory=Residuals(observe.MEMORY_SPREAD, [*peaks]),
        process_bytes=process,
        process_measured=bool(sizes),
        start_seconds=(0.5 * min(starts), median(starts), 2 * max(starts)) if starts else START_SECONDS,
        start_measured=bool(starts),
    )


def _pace(laps: Sequence[Lap], spread: Spread, believed: float | None) -> Pace:
    """The speed in the middle of the laps, and how far each lies from it; without any, the one believed in."""
    if not laps:
        return Pace(work_per_second=believed, residuals=Residuals(spread))
    speed = median(lap.setting.work / lap.seconds for lap in laps)
    observations = [
        Observation(setting=lap.setting, residual=log(lap.seconds * speed / lap.setting.work), noise=lap.noise)
        for lap in laps
    ]
    return Pace(work_per_second=speed, residuals=Residuals(spread, observations))
