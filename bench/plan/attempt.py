"""One try of one batch size: what a process is asked, and what it tells."""

from dataclasses import dataclass

from bench.result import Candidate, Precision
from models.config import ModelConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgePlan:
    """A batch size to be tried with real steps."""

    candidate: Candidate
    model: ModelConfig
    batch_pairs: int
    steps: int
    """Training steps, at least 2: the second is the first with the optimiser's state in memory."""
    cache: str
    """Folder of the decoded, normalised pairs (`bench.data.cache`)."""
    device: str
    precision: Precision
    threads: int
    memory_limit_bytes: int | None
    """Of the process on a CPU, of its allocator on an accelerator; None: no limit but the system's."""

    def __post_init__(self) -> None:
        """Refuse what would prove nothing."""
        if self.batch_pairs < 2 or self.steps < 2:
            raise ValueError(f"batch_pairs={self.batch_pairs}, steps={self.steps}: a try needs 2 pairs and 2 steps")


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeTried:
    """How far a try has come; a later one replaces it."""

    steps: int
    embedded: bool
    """Whether the embedding after the steps is done too."""
    peak_bytes: int | None
    """Of the accelerator by its allocator, of the process's private memory on a CPU; None: not measured."""
