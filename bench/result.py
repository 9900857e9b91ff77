"""What a trial was, how it ended and what it measured: the records that are stored and reasoned about.

Plain frozen values, so that they travel as JSON between processes and as rows into the store.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from models.config import VARIANTS, ModelConfig, Sensor

PROTOCOL: Final = 1
"""Goes up when what a trial measures changes; only results of equal protocols are compared."""

Direction = tuple[Sensor, Sensor]
"""Sensor of the query, sensor of the archive."""

DIRECTIONS: Final[tuple[Direction, ...]] = (("s1", "s1"), ("s2", "s2"), ("s1", "s2"), ("s2", "s1"))

CROSS_DIRECTIONS: Final[tuple[Direction, ...]] = (("s1", "s2"), ("s2", "s1"))

Gallery = Sensor | Literal["both"]
"""What is searched: one sensor's archive, or one that mixes the images of both."""

MIXED_DIRECTIONS: Final[tuple[tuple[Sensor, Gallery], ...]] = (("s1", "both"), ("s2", "both"))
"""Sensor of the query, in an archive of both: what is found should not depend on the sensor that took it."""

Precision = Literal["fp32", "bf16", "fp16"]
"""Arithmetic of the forward pass; weights stay in float32."""


class Outcome(StrEnum):
    """How a trial ended."""

    COMPLETED = "completed"
    OUT_OF_MEMORY = "out_of_memory"
    DIVERGED = "diverged"
    """The loss left the finite numbers."""
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    """Stopped by the user."""
    INTERRUPTED = "interrupted"
    """Cut off together with its run: nobody was left to say how it ended."""
    FAILED = "failed"
    """Anything else; the cause says what."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Candidate:
    """What could be trained: a variant at a size."""

    variant: str
    """A key of `VARIANTS`."""
    size: str
    """A key of `SIZES`."""

    @property
    def title(self) -> str:
        """As people read it: "SECD nano"."""
        return f"{VARIANTS[self.variant].title} {self.size}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a trial is trained: AdamW, linear warm-up, constant, linear decay to zero at the end."""

    steps: int
    batch_pairs: int
    learning_rate: float = 1e-3
    warmup_steps: int = 20
    decay_share: float = 0.3
    """Share of the steps, at the end, over which the rate falls to zero."""
    weight_decay: float = 0.05
    """On matrices only."""
    betas: tuple[float, float] = (0.9, 0.95)

    def __post_init__(self) -> None:
        """Refuse a schedule that cannot be run."""
        if self.steps < 1 or self.batch_pairs < 2:
            raise ValueError(f"steps={self.steps}, batch_pairs={self.batch_pairs}: need at least 1 step of 2 pairs")
        if not 0 < self.learning_rate < 1:
            raise ValueError(f"learning_rate={self.learning_rate} is not between 0 and 1")
        if not 0 <= self.decay_share <= 1 or self.warmup_steps < 0:
            raise ValueError(f"decay_share={self.decay_share}, warmup_steps={self.warmup_steps} are no schedule")

    @property
    def decay_steps(self) -> int:
        """Steps at the end over which the rate falls."""
        return round(self.steps * self.decay_share)

    @property
    def trunk_steps(self) -> int:
        """Steps before the rate falls: what longer trainings of the same kind share."""
        return self.steps - self.decay_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUse:
    """Which pairs a trial saw. Enough to tell whether two trials may be compared."""

    name: str
    """The data set as its owner calls it."""
    layout: str
    """How it is stored: a key of `bench.data.pairs.LAYOUTS`."""
    fingerprint: str
    """SHA-256 over ids, splits, labels, bands and shapes; same data, same string, wherever it lies."""
    synthetic: bool
    """Whether the images were generated; said wherever a score of it appears."""
    labelled: bool
    train_pairs: int
    query_pairs: int
    archive_pairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The loss and its parts after a step, each the mean over the lap that ended there; None: not in the objective."""

    step: int
    seconds: float
    """Training seconds so far, scoring not counted."""
    learning_rate: float
    total: float
    umr: float | None = None
    cmr: float | None = None
    mim: float | None = None
    mde: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A length of training at which a trial was scored, the learning rate decayed to zero as at its end."""

    step: int
    """Training steps, those of the decay included."""
    seconds: float
    """Training seconds that a trial of this many steps alone would have taken."""


Source = Literal["measured", "calibrated", "prior"]
"""Where a number comes from: measured here, a formula fitted to measurements here, or a formula alone."""

Quantity = Literal["peak_memory_bytes", "peak_rss_bytes", "step_seconds", "total_seconds"]
"""What can be predicted of a trial: the fields of `Costs` with these names (of `step_seconds` the median)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A number said before it could be measured; the store keeps it beside the measurement."""

    quantity: Quantity
    value: float
    low: float
    high: float
    """Ends of the interval that is meant to hold in 95 % of cases."""
    source: Source
    basis: str
    """In words: what the number rests on."""

    def __post_init__(self) -> None:
        """Refuse an interval that does not hold its own value."""
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.quantity}: {self.value} does not lie between {self.low} and {self.high}")


Subject = Literal["trained", "untrained", "chance", "band_statistics", "thumbnail"]
"""Whose descriptors were scored: the trial's at this step, the same network's before any step, none at all, or two that
need no network: mean and deviation of each band, and the image shrunk to 8 x 8 grey pixels."""

BASELINES: Final[tuple[Subject, ...]] = ("untrained", "band_statistics", "thumbnail", "chance")
"""What a trained candidate has to beat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One number of the retrieval matrix."""

    subject: Subject
    step: int
    """Training steps made when it was measured."""
    query: Sensor
    archive: Gallery
    metric: str
    """A key of `bench.score.METRICS`."""
    k: int | None
    """Neighbours looked at; None where the metric looks at all."""
    value: float
    """In the unit of its metric, as a rule a share between 0 and 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """One number of the retrieval matrix for the queries that carry one class."""

    subject: Subject
    step: int
    query: Sensor
    archive: Gallery
    metric: str
    """A key of `bench.score.METRICS`."""
    k: int | None
    label: int
    """Column of the label matrix, from 0: its name is in `DatasetProfile.classes`."""
    queries: int
    """How many queries carry it."""
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryScores:
    """One metric of the trained descriptors for each query, in the order of the query split."""

    query: Sensor
    archive: Gallery
    metric: str
    k: int | None
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a result came from, so that it can be made again."""

    tool_version: str
    commit: str | None
    """Git commit of the tool, with "+" when the tree was changed; None outside a checkout."""
    machine: str
    """`HardwareProfile.id`."""
    versions: dict[str, str]
    """Of Python and the packages that can change a number."""
    started_at: str
    """UTC, ISO 8601."""
    command: str
    """What was run, home paths left out."""
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a trial used. None: not measured, because it ended before or the machine does not tell."""

    parameters: int | None = None
    """Trainable."""
    step_seconds: tuple[float, ...] = ()
    """Laps: seconds a step, each the mean of the steps between two `Losses`; warm-up left out."""
    train_seconds: float | None = None
    embed_seconds: float | None = None
    """Both sensors, queries and archive."""
    search_seconds: float | None = None
    total_seconds: float | None = None
    """From the start of the trial's process to its last event."""
    pairs_per_second: float | None = None
    """Median over the laps."""
    peak_memory_bytes: int | None = None
    """Of the accelerator, by its allocator."""
    peak_reserved_bytes: int | None = None
    """Of the accelerator, held by its allocator whether used or not."""
    peak_rss_bytes: int | None = None
    """Of the trial's process."""
    energy_joules: float | None = None
    """Of the accelerator, idle power included, from the trial's start to its end."""
    micro_batches: int = 1
    """Parts that each batch was trained in because the whole did not fit; the optimiser's step stays the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """One trial, however it ended."""

    trial_id: str
    run_id: str
    candidate: Candidate
    seed: int
    model: ModelConfig
    training: Training
    k: int
    """Neighbours that count in the scores."""
    data: DataUse
    device: str
    """"cpu" or "cuda:0"."""
    precision: Precision
    threads: int
    outcome: Outcome
    cause: str
    """Why it ended so, in words; empty when completed."""
    steps_done: int
    provenance: Provenance
    costs: Costs = field(default_factory=Costs)
    losses: tuple[Losses, ...] = ()
    scores: tuple[Score, ...] = ()
    query_scores: tuple[QueryScores, ...] = ()
    """Of the longest training."""
    class_scores: tuple[ClassScore, ...] = ()
    """Of the longest training, for the classes that queries carry."""
    rungs: tuple[Rung, ...] = ()
    """Where the trained descriptors were scored, the shortest first."""
    predictions: tuple[Prediction, ...] = ()
    marks: tuple[str, ...] = ()
    """What disturbed the measurement, a sentence each: another process on the GPU, a busy processor, throttling."""
    retry_of: str | None = None
    """The trial that this one repeats with another setting, because it diverged or was cut off."""

    def score(self, query: Sensor, archive: Gallery, metric: str, *, subject: Subject = "trained") -> float | None:
        """The last value of this metric for the subject at the trial's k, or None where it was not measured."""
        found = [
            s
            for s in self.scores
            if (s.subject, s.query, s.archive, s.metric) == (subject, query, archive, metric) and s.k in (None, self.k)
        ]
        return max(found, key=lambda s: s.step).value if found else None
