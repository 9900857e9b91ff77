"""What the trials say: standings, effects of sharing, and whether either exceeds the noise."""

from dataclasses import dataclass
from typing import Literal

from bench.result import Candidate, Direction
from bench.score.interval import Contrast


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is searched for: the directions whose scores are averaged."""

    name: str
    directions: tuple[Direction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One candidate's trials in sum."""

    candidate: Candidate
    completed: int
    """Trials that were trained and scored."""
    other: tuple[str, ...]
    """The other endings, each with its cause."""
    score: float | None
    """Mean over seeds of the goal's metric; None without a completed trial."""
    seed_deviation: float | None
    """Standard deviation over seeds; None below two."""
    untrained: float | None
    """The same metric before any training."""
    parameters: int | None
    pairs_per_second: float | None
    """Median over trials."""
    train_seconds: float | None
    """Mean over trials."""
    peak_memory_bytes: int | None
    """Largest over trials: of the accelerator where there is one, else of the process."""
    to_best: Contrast | None
    """Its score minus the highest mean; None for the highest itself and where noise is unknown."""
    tied: bool
    """Whether the trials cannot tell it from the highest mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Specific minus common, for encoder or decoder, averaged over the other choice."""

    part: Literal["encoder", "decoder"]
    contrast: Contrast | None
    """None when the trials do not hold both kinds, or only one seed."""
    cost: float | None
    """Training time of a step with the specific kind over the common kind, minus 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """One direction of the retrieval matrix for one candidate."""

    direction: Direction
    trained: float
    seed_deviation: float | None
    untrained: float | None
    chance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything the trials of one comparable set say for a goal."""

    goal: Goal
    metric: str
    """"f1_of_means" for labelled data, "partner_recall" without labels."""
    k: int
    standings: tuple[Standing, ...]
    """Highest mean first, candidates without a score last; baselines among them."""
    effects: tuple[Effect, ...]
    noise: float | None
    """Standard deviation between seeds of the same candidate, pooled: differences below it mean nothing."""
    seeds: int
    """Fewest completed trials of any candidate that has one."""
    queries: int
    archive: int
    train_pairs: int
    synthetic: bool
    matrices: dict[str, tuple[MatrixRow, ...]]
    """By candidate title."""
