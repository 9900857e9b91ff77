"""What was tried to find the largest batch that really trains."""

from dataclasses import dataclass

from bench.result import PROTOCOL, Candidate, Precision
from models.config import ModelConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeTry:
    """One batch size, tried with real steps in a process of its own."""

    machine: str
    """`HardwareProfile.id`."""
    device: str
    """"cpu" or "cuda:0"."""
    precision: Precision
    candidate: Candidate
    model: ModelConfig
    batch_pairs: int
    fits: bool
    """Whether every step was made, the optimiser's state and an embedding pass included."""
    cause: str
    """Why it does not fit, in words; empty when it does."""
    peak_bytes: int | None
    """Of the accelerator by its allocator, of the process on a CPU; None: not measured."""
    memory_limit_bytes: int | None
    """Where the process would have been stopped; None: at the system's own limit."""
    steps: int
    """Training steps made; 0 when the first did not end."""
    seconds: float
    """From the start of the process to its end."""
    measured_at: str
    """UTC, ISO 8601."""
    tool_version: str
    protocol: int = PROTOCOL

    def __post_init__(self) -> None:
        """Refuse a verdict without its evidence."""
        if self.fits and self.steps < 1:
            raise ValueError(f"batch_pairs={self.batch_pairs} was not run (steps={self.steps}): it is not known to fit")
        if self.fits == bool(self.cause):
            raise ValueError(f"fits={self.fits}, cause={self.cause!r}: a cause belongs to a size that does not fit")
