"""A few real steps of a candidate: which arithmetic is fastest here, and how long a step takes."""

from statistics import median
from time import perf_counter
from typing import Final

import numpy as np
import torch

from bench.data.cache import CachedSplit, open_split
from bench.plan.plan import Probe, ProbePlan
from bench.result import Precision
from bench.run.clock import settler
from bench.run.embed import EMBED_BATCH, autocast, embed
from bench.run.train import Trainer, step_seconds
from models import csmae

MATMUL_SIZE: Final = 512
MATMUL_SECONDS: Final = 0.3
"""An arithmetic that the machine only emulates shows that within the first product."""

WORTH_TRYING: Final = 0.8
"""A precision whose matrix products reach less than this share of float32's is not tried on real steps."""


def probe(plan: ProbePlan) -> Probe:
    """Measure the candidate in each precision worth trying and tell the fastest."""
    started = perf_counter()
    device = torch.device(plan.device)
    torch.set_num_threads(plan.threads)
    split = open_split(plan.cache, "train")
    flops = {precision: matmul_flops(device, precision) for precision in plan.precisions}
    reference = max(flops.values())
    start_seconds = None
    found: dict[Precision, tuple[float, ...]] = {}
    for precision in plan.precisions:
        if flops[precision] < WORTH_TRYING * flops.get("fp32", reference):
            continue
        trainer = Trainer(
            csmae.build(plan.model, seed=0).to(device),
            split,
            plan.training,
            seed=0,
            device=device,
            precision=precision,
        )
        start_seconds = start_seconds or perf_counter() - started
        found[precision] = step_seconds(trainer, budget_seconds=plan.budget_seconds)
    fastest = min(found, key=lambda precision: median(found[precision]))
    return Probe(
        candidate=plan.candidate,
        precision=fastest,
        matmul_flops=flops,
        step_seconds=median(found[fastest]),
        embed_pairs_per_second=_embed_rate(trainer, split, fastest),
        start_seconds=start_seconds or 0.0,
        steps=len(found[fastest]),
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


def _embed_rate(trainer: Trainer, split: CachedSplit, precision: Precision) -> float:
    rows = np.arange(min(EMBED_BATCH, len(split.ids)))
    few = split.rows(rows)
    embed(trainer.model, few, trainer.device, precision)
    start = perf_counter()
    embed(trainer.model, few, trainer.device, precision)
    return len(rows) / (perf_counter() - start)
