"""What was measured of indexes over a trial's descriptors."""

from dataclasses import dataclass
from typing import Literal

from bench.result import Gallery
from models.config import Sensor

IndexDirection = tuple[Sensor, Gallery]
"""Sensor of the query; what is searched."""

IndexSource = Literal["real", "enlarged"]
"""Whose vectors were indexed: the trial's own, or more of them, drawn from its own: their neighbours are not real."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexMeasurement:
    """One index over one archive, searched in one direction with one setting."""

    trial_id: str
    kind: str
    """A key of `bench.index.kinds.KINDS`."""
    parameter: int
    """The setting of its search: nprobe or efSearch; 0 where there is none."""
    query: Sensor
    archive: Gallery
    source: IndexSource
    items: int
    """Vectors in the index."""
    width: int
    k: int
    queries: int
    """That recall is over; of an enlarged archive, those that were timed."""
    recall_at_k: float | None
    """Share of the k exact nearest that are found; None for an enlarged archive."""
    recall_standard_error: float | None
    """Over queries."""
    latency_seconds: float
    """Of a query asked alone: the median."""
    latency_p95_seconds: float
    """The time that 95 % of queries asked alone keep."""
    batch_seconds: float
    """A query, when all are asked at once."""
    build_seconds: float
    """Training and filling."""
    index_bytes: int
    """As serialized."""
    threads: int
    machine: str
    """`HardwareProfile.id`."""
    tool_version: str
    measured_at: str
    """UTC, ISO 8601."""

    @property
    def direction(self) -> IndexDirection:
        """Sensor of the query, and what is searched."""
        return self.query, self.archive
