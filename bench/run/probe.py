"""A few real steps of a candidate: which arithmetic is fastest here, how long a step takes, how much memory."""

from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Final

import numpy as np
import psutil
import torch

from bench.data.cache import CachedSplit, open_split
from bench.plan.plan import Probe, ProbePlan
from bench.result import Precision
from bench.run.clock import Clock, settler
from bench.run.embed import EMBED_BATCH, autocast, embed
from bench.run.memory import private_peak_bytes
from bench.run.train import Trainer
from models import csmae

MATMUL_SIZE: Final = 512
MATMUL_SECONDS: Final = 0.3
"""An arithmetic that the machine only emulates shows that within the first product."""

WORTH_TRYING: Final = 0.8
"""A precision whose matrix products reach less than this share of float32's is not tried on real steps."""

PATIENCE: Final = 4.0
"""Times the budget that the first steps of a slow candidate may take."""

MOST_LAPS: Final = 16
"""More steps would narrow the median by less than a machine's speed changes until the trial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """The candidate in one precision."""

    step_seconds: tuple[float, ...]
    start_seconds: float
    embed_pairs_per_second: float
    peak_memory_bytes: int | None


def probe(plan: ProbePlan) -> Probe:
    """Measure the candidate in each precision worth trying and tell the fastest."""
    process_bytes, private_bytes = psutil.Process().memory_info().rss, private_peak_bytes()
    device = torch.device(plan.device)
    torch.set_num_threads(plan.threads)
    split = open_split(plan.cache, "train")
    flops = {precision: matmul_flops(device, precision) for precision in plan.precisions}
    least = WORTH_TRYING * flops.get("fp32", max(flops.values()))
    found = {
        precision: _measure(plan, precision, split, device)
        for precision in plan.precisions
        if flops[precision] >= least
    }
    fastest = min(found, key=lambda precision: median(found[precision].step_seconds))
    best = found[fastest]
    # on a CPU a second precision's peak would hold what the first has left behind
    peak = private_peak_bytes() if device.type == "cpu" and len(found) == 1 else None
    return Probe(
        candidate=plan.candidate,
        precision=fastest,
        matmul_flops=flops,
        step_seconds=median(best.step_seconds),
        embed_pairs_per_second=best.embed_pairs_per_second,
        start_seconds=next(iter(found.values())).start_seconds,
        steps=len(best.step_seconds),
        model=plan.model,
        batch_pairs=plan.training.batch_pairs,
        device=plan.device,
        threads=plan.threads,
        process_bytes=process_bytes if device.type == "cpu" else None,
        grown_bytes=None if peak is None or private_bytes is None else peak - private_bytes,
        peak_memory_bytes=best.peak_memory_bytes,
    )


def matmul_flops(device: torch.device, precision: Precision) -> float:
    """FLOP/s of one matrix product of the size that a small transformer makes; the fastest of a few."""
    settle = settler(device)
    a, b = torch.randn(2, MATMUL_SIZE, MATMUL_SIZE, device=device)
    seconds: list[float] = []
    with autocast(device, precision):
        while len(seconds) < 4 and sum(seconds) < MATMUL_SECONDS:  # the first also sets up the library
            start = perf_counter()
            torch.mm(a, b)
            settle()
            seconds.append(perf_counter() - start)
    return 2 * MATMUL_SIZE**3 / min(seconds)


def _measure(plan: ProbePlan, precision: Precision, split: CachedSplit, device: torch.device) -> _Measured:
    """Steps, then an embedding as large as scoring begins with; the memory is free again afterwards."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    start = perf_counter()
    model = csmae.build(plan.model, seed=0).to(device)
    trainer = Trainer(model, split, plan.training, seed=0, device=device, precision=precision)
    started = perf_counter()
    laps = _laps(trainer, plan.budget_seconds)
    rows = np.arange(min(EMBED_BATCH, len(split.ids)))
    embedding = perf_counter()
    embed(model, split.rows(rows), device, precision)
    return _Measured(
        step_seconds=laps,
        start_seconds=started - start,
        embed_pairs_per_second=len(rows) / (perf_counter() - embedding),
        peak_memory_bytes=torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
    )


def _laps(trainer: Trainer, budget_seconds: float) -> tuple[float, ...]:
    """Times of single steps after a warm-up: as many as fit the budget; three at least, or one of a slow candidate."""
    clock = Clock(trainer.device)
    trainer.model.train()
    while len(clock.laps) < MOST_LAPS:
        budget = budget_seconds if len(clock.laps) >= 4 else PATIENCE * budget_seconds
        if len(clock.laps) >= 2 and clock.seconds >= budget:
            break
        with clock.lap():
            trainer.step()
    return tuple(clock.laps[1 if len(clock.laps) < 8 else 2 :])
