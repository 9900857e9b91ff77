"""Measurements of indexes as tests need them."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.data.descriptors import Descriptors, save
from bench.index.kinds import KINDS
from bench.index.records import IndexPlan
from bench.plan.index import IndexMeasurement, IndexSource
from models.config import SENSORS

PLAIN = IndexMeasurement(
    trial_id="trial",
    kind="exact",
    parameter=0,
    query="s1",
    archive="s2",
    source="real",
    items=1000,
    width=32,
    k=10,
    queries=100,
    recall_at_k=1.0,
    recall_standard_error=0.001,
    latency_seconds=0.001,
    latency_p95_seconds=0.002,
    batch_seconds=0.0005,
    build_seconds=0.1,
    index_bytes=1000 * 32 * 4,
    threads=2,
    machine="machine",
    tool_version="0.1.0",
    measured_at="2026-01-02T03:04:05+00:00",
)


def measured(
    kind: str,
    parameter: int,
    items: int,
    *,
    seconds: float = 0.001,
    recall: float | None = None,
    error: float = 0.002,
    source: IndexSource = "real",
) -> IndexMeasurement:
    """One measurement, its size by the formula."""
    return replace(
        PLAIN,
        kind=kind,
        parameter=parameter,
        items=items,
        source="real" if recall is not None else source,
        latency_seconds=seconds,
        recall_at_k=recall,
        recall_standard_error=None if recall is None else error,
        index_bytes=KINDS[kind].size_bytes(items, PLAIN.width),
    )


def leave_descriptors(root: Path, trial_id: str, *, archive: int, queries: int = 40, width: int = 16) -> None:
    """Random descriptors of a trial, the sensors' views of one place near each other."""
    random = np.random.default_rng(7)

    def sides(count: int) -> dict[str, np.ndarray]:
        place = random.normal(size=(count, width))
        return {s: (place + 0.3 * random.normal(size=place.shape)).astype(np.float32) for s in SENSORS}

    save(trial_id, Descriptors(query=sides(queries), archive=sides(archive)), root=root)  # type: ignore[arg-type]  # keys are sensors


def plan(root: Path, *, items: int, kinds: tuple[str, ...] = ("exact", "ivf_flat", "hnsw")) -> IndexPlan:
    """A small measurement."""
    return IndexPlan(
        trial_id="trial",
        descriptors=str(root),
        directions=(("s1", "s2"), ("s2", "s1")),
        kinds=kinds,
        k=10,
        items=items,
        threads=1,
        time_limit_seconds=60.0,
        memory_limit_bytes=10**9,
        machine="machine",
        tool_version="0.1.0",
    )
