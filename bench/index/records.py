"""What is asked of a measurement of indexes, and what follows from it for another archive. Imports no faiss."""

from dataclasses import dataclass
from typing import Literal

from bench.plan.index import IndexDirection


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPlan:
    """What the process that measures is asked to do; it needs nothing else."""

    trial_id: str
    descriptors: str
    """Folder of `bench.data.descriptors`."""
    directions: tuple[IndexDirection, ...]
    kinds: tuple[str, ...]
    """Keys of `bench.index.kinds.KINDS`."""
    k: int
    items: int
    """Images in the archive to advise for; none larger is measured."""
    threads: int
    time_limit_seconds: float
    memory_limit_bytes: int
    """That the process may hold; a larger archive is not tried."""
    machine: str
    """`HardwareProfile.id`."""
    tool_version: str

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        if self.k < 1 or self.items < 1 or self.threads < 1:
            raise ValueError(f"k={self.k}, items={self.items}, threads={self.threads}: each must be at least 1")
        if not self.time_limit_seconds > 0 or not self.memory_limit_bytes > 0:
            raise ValueError(
                f"time_limit_seconds={self.time_limit_seconds}, memory_limit_bytes={self.memory_limit_bytes}: "
                "both must be above 0"
            )
        if not self.directions or not self.kinds:
            raise ValueError("there is no direction or no kind of index to measure")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexNeed:
    """What the archive that is to be has to offer."""

    items: int
    """Images."""
    recall: float = 0.95
    """Least share of the k exact nearest that a search must find."""
    latency_seconds: float | None = None
    """Most that a query asked alone may take; None: `bench.index.advise.FINE_SECONDS`."""

    def __post_init__(self) -> None:
        """Refuse what nothing can offer."""
        if self.items < 1 or not 0 < self.recall <= 1:
            raise ValueError(f"items={self.items}, recall={self.recall}: need 1 item, and a share up to 1")
        if self.latency_seconds is not None and not self.latency_seconds > 0:
            raise ValueError(f"latency_seconds={self.latency_seconds} is no time")


IndexEvidence = Literal["measured", "interpolated", "extrapolated", "formula"]
"""Where an estimate comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEstimate:
    """A number at the size of an archive that is to be."""

    value: float
    low: float
    high: float
    """Ends of the interval that is meant to hold in 95 % of cases."""
    source: IndexEvidence
    basis: str
    """In words: what the number rests on."""

    def __post_init__(self) -> None:
        """Refuse an interval that does not hold its own value."""
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} does not lie between {self.low} and {self.high}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOutlook:
    """What one kind of index with one setting comes to for the archive that is to be."""

    kind: str
    """A key of `bench.index.kinds.KINDS`."""
    parameter: int
    index_bytes: IndexEstimate
    latency_seconds: IndexEstimate | None
    """Of a query asked alone; None: too few sizes were measured."""
    batch_seconds: IndexEstimate | None
    """A query, when many are asked at once."""
    build_seconds: IndexEstimate | None
    recall: IndexEstimate | None
    """In the direction where it is lowest."""
    no_recall: str = ""
    """Why nothing is said of the recall; empty when something is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexAdvice:
    """Which index, and why."""

    need: IndexNeed
    trial_id: str
    width: int
    k: int
    threads: int
    outlooks: tuple[IndexOutlook, ...]
    chosen: IndexOutlook | None
    """None: no kind is known to offer what is needed."""
    sentences: tuple[str, ...]
    """For users, the most important first."""
