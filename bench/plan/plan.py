"""The plan: what is asked, what will run, and what will not with its one reason."""

from dataclasses import dataclass
from typing import Final

from bench.result import (
    Candidate,
    Costs,
    DataUse,
    Outcome,
    Precision,
    Prediction,
    Provenance,
    Training,
    TrialResult,
)
from models.config import VARIANTS, ModelConfig

CONTENDERS: Final = tuple(name for name, variant in VARIANTS.items() if not variant.baseline)
"""The variants that can be recommended."""

TRAINED_BASELINES: Final = tuple(name for name, variant in VARIANTS.items() if variant.baseline)
"""The variants that the others are compared with."""

DEFAULT_STEPS: Final = 200
"""Of a trial without a time budget: about 20 s at nano size on two cores, enough to double cross-sensor scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A trial that a plan file asks for."""

    candidate: Candidate
    seed: int
    steps: int
    rungs: tuple[int, ...] = ()
    """Shorter trainings to score on the way, ascending; the full length is always scored."""
    train_pairs: int | None = None
    """Of the nested subset to train on; None: all."""

    def __post_init__(self) -> None:
        """Refuse rungs that are no way to the end."""
        if self.steps < 1 or self.seed < 0:
            raise ValueError(f"steps={self.steps}, seed={self.seed}: need at least 1 step, and a seed from 0")
        if list(self.rungs) != sorted({step for step in self.rungs if 0 < step < self.steps}):
            raise ValueError(f"rungs={list(self.rungs)} do not rise from 1 to below steps={self.steps}")
        if self.train_pairs is not None and self.train_pairs < 2:
            raise ValueError(f"train_pairs={self.train_pairs}: training needs 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a user asks of a run, before anything is known of machine or data."""

    data: str = "synthetic"
    """A path, or "synthetic" with options: "synthetic:train=1024,level=hard"."""
    variants: tuple[str, ...] = CONTENDERS
    sizes: tuple[str, ...] = ("nano",)
    seeds: int = 3
    """How many trainings of each candidate."""
    steps: int | None = None
    """Training steps of each trial; None: the default, or what fits the time budget."""
    time_budget_seconds: float | None = None
    device: str = "auto"
    """"auto", "cpu", "cuda" or "cuda:1"."""
    precision: Precision | None = None
    """None: the fastest that the probe measures."""
    batch_pairs: int = 32
    learning_rate: float = 1e-3
    k: int = 10
    margin: float = 0.01
    """Difference in score below which candidates count as equally good (a share: 0.01 is one point)."""
    refine: bool = True
    """Whether time that is left after the planned trials goes into more seeds, smaller data and longer training."""
    baselines: tuple[str, ...] = TRAINED_BASELINES
    """Variants to train once a size beside several others, to compare with; never at the cost of their trials."""
    wishes: tuple[Wish, ...] = ()
    """The trials of a plan file, in order; they replace variants, sizes, seeds, steps and baselines."""
    from_scratch: bool = False
    """Whether no trial goes on from an earlier training or leaves more than its row: no weights, no descriptors."""
    command: str = "csmae-bench run"
    """The command line that asks for the same, for the record."""

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What is to be trained: of the wishes if there are any, else every variant at every size."""
        wished = dict.fromkeys(wish.candidate for wish in self.wishes)
        asked = (Candidate(variant=variant, size=size) for size in self.sizes for variant in self.variants)
        return tuple(wished or asked)

    @property
    def trained_baselines(self) -> tuple[Candidate, ...]:
        """What is to be trained beside the candidates, to compare with them; nothing where there is but one variant."""
        if self.wishes or len(self.variants) < 2:
            return ()
        names = [name for name in self.baselines if name not in self.variants]
        return tuple(Candidate(variant=name, size=size) for size in self.sizes for name in names)


DEFAULTS: Final = Request()
"""What is asked when nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPlan:
    """One trial, complete: its process needs nothing else."""

    trial_id: str
    run_id: str
    candidate: Candidate
    seed: int
    model: ModelConfig
    training: Training
    k: int
    data: DataUse
    cache: str
    """Folder of the decoded, normalised pairs (`bench.data.cache`)."""
    device: str
    precision: Precision
    threads: int
    predicted_seconds: float
    """Of the whole trial."""
    timeout_seconds: float
    """When it is stopped and recorded as timed out."""
    rungs: tuple[int, ...] = ()
    """Shorter trainings to score on the way, each on a decayed branch; ascending, below `training.steps`."""
    predictions: tuple[Prediction, ...] = ()
    purpose: str = ""
    """Why this trial, in a few words: "first result", "baseline", "another seed", "half of the pairs"."""
    checkpoints: str = ""
    """Folder for what a later, longer or resumed training of the same trunk can go on from; empty: none is kept."""
    descriptors: str = ""
    """Folder in which its descriptors are left (`bench.data.descriptors`); empty: nowhere."""
    micro_batches: int = 1
    """Parts to train each batch in from the start."""
    memory_limit_bytes: int | None = None
    """Private memory that its process may hold on a CPU; None: no limit but the system's."""
    retry_of: str | None = None
    """The trial that this one repeats."""

    def cut_off(self, cause: str, provenance: Provenance) -> TrialResult:
        """Its result when nothing that it measured is known."""
        return TrialResult(
            trial_id=self.trial_id,
            run_id=self.run_id,
            candidate=self.candidate,
            seed=self.seed,
            model=self.model,
            training=self.training,
            k=self.k,
            data=self.data,
            device=self.device,
            precision=self.precision,
            threads=self.threads,
            outcome=Outcome.INTERRUPTED,
            cause=cause,
            steps_done=0,
            provenance=provenance,
            costs=Costs(micro_batches=self.micro_batches),
            predictions=self.predictions,
            retry_of=self.retry_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A candidate that will not run, with its one reason."""

    candidate: Candidate
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A candidate that gets no further trial, with its one reason."""

    candidate: Candidate
    reason: str

    @property
    def words(self) -> str:
        """In a sentence."""
        return f"{self.candidate.title} gets no further trial: it {self.reason}."


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """A candidate whose step is to be measured."""

    candidate: Candidate
    model: ModelConfig
    training: Training
    cache: str
    device: str
    precisions: tuple[Precision, ...]
    """Those to try; the fastest is measured on real steps and told."""
    threads: int
    budget_seconds: float
    """Time for the steps of each precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A few real steps of a candidate, measured before planning."""

    candidate: Candidate
    precision: Precision
    """The fastest of those tried."""
    matmul_flops: dict[Precision, float]
    """FLOP/s of a matrix product in each precision tried; one left out cannot be computed here."""
    step_seconds: float
    """Median."""
    embed_pairs_per_second: float
    """Both sensors of a pair."""
    start_seconds: float
    """From the request to the first step: process, model, data."""
    steps: int
    """Steps that the median is over."""
    model: ModelConfig | None = None
    """What was measured; a probe without it calibrates nothing."""
    batch_pairs: int = 0
    device: str = "cpu"
    threads: int = 1
    process_bytes: int | None = None
    """Memory of the process before it had a network, files that it maps included; None: not told, or on a GPU."""
    grown_bytes: int | None = None
    """Private memory that it gained by the highest peak of steps and embedding; None: not told, or on a GPU."""
    peak_memory_bytes: int | None = None
    """Of the accelerator, by its allocator; None on a CPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Everything a run will do, in order."""

    run_id: str
    trials: tuple[TrialPlan, ...]
    refusals: tuple[Refusal, ...]
    predicted_seconds: float
    """Of all trials, from now."""
    notes: tuple[str, ...]
    """What was decided and why, a sentence each: precision, steps, seeds."""
    request: Request = DEFAULTS
    """What was asked."""

    @property
    def contenders(self) -> tuple[Candidate, ...]:
        """Who is trained and can be recommended, in the order of the trials."""
        return self._trained(baseline=False)

    @property
    def baselines(self) -> tuple[Candidate, ...]:
        """Who is trained to compare with only."""
        return self._trained(baseline=True)

    def _trained(self, *, baseline: bool) -> tuple[Candidate, ...]:
        trained = dict.fromkeys(trial.candidate for trial in self.trials)
        return tuple(one for one in trained if VARIANTS[one.variant].baseline == baseline)
