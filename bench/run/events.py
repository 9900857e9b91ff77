"""What a run tells while it goes on. One stream serves the command line, the terminal interface and the store."""

from dataclasses import dataclass
from typing import Literal

from bench.data.places import Queries
from bench.plan.plan import Dropped, Probe, RunPlan, TrialPlan
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import HardwareProfile
from bench.result import ClassScore, Costs, Losses, Outcome, QueryScores, Score, TrialResult

Phase = Literal["loading", "training", "embedding", "searching"]
"""What a trial is doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparing:
    """Something slow before the first trial: making or decoding pairs, probing, waiting for the store."""

    what: str
    """In words: "decoding 512 training pairs"."""
    done: int = 0
    total: int = 0
    """0: unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """An earlier run on this store whose process ended without a word; what it had in hand is now `interrupted`."""

    run_id: str
    finished: int
    """Trials that had ended before; all are kept."""
    planned: int
    trials: tuple[str, ...]
    """What was running, as "SECD nano seed 1"."""

    @property
    def words(self) -> str:
        """In a sentence."""
        running = f" while {', '.join(self.trials)} ran" if self.trials else ""
        return f"Run {self.run_id} was cut off{running}: {self.finished} of {self.planned} trials are kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiled:
    """Machine and data are known."""

    hardware: HardwareProfile
    dataset: DatasetProfile
    queries: Queries


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """A candidate's step was measured."""

    probe: Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The trials are chosen."""

    plan: RunPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStarted:
    """A trial's process runs."""

    plan: TrialPlan
    number: int
    """From 1, within the run."""
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEntered:
    """A trial goes on to its next phase."""

    trial_id: str
    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMeasured:
    """Losses at the end of a lap."""

    trial_id: str
    losses: Losses


@dataclass(frozen=True, slots=True, kw_only=True)
class RungScored:
    """The descriptors were searched and scored."""

    trial_id: str
    step: int
    scores: tuple[Score, ...]
    query_scores: tuple[QueryScores, ...]
    seconds: float = 0.0
    """Training seconds that a trial of `step` steps alone would have taken."""
    class_scores: tuple[ClassScore, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CostsMeasured:
    """What the trial has used so far; a later one replaces it."""

    trial_id: str
    costs: Costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Something that whoever reads the trial's numbers should know."""

    trial_id: str
    note: str
    """A sentence, as in `TrialResult.marks`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The trial's process says how it ended, as far as it lived to say it."""

    trial_id: str
    outcome: Outcome
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFinished:
    """A trial is over, its result is in the store."""

    result: TrialResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """Nothing more will come."""

    run_id: str
    completed: int
    planned: int
    seconds: float
    stopped: str
    """Why it ended before its plan did; empty when it did not."""


TrialEvent = PhaseEntered | StepMeasured | RungScored | CostsMeasured | Noted | Ended
"""What a trial's own process sends."""

Event = (
    CutOff | Preparing | Profiled | Probed | Planned | TrialStarted | TrialEvent | TrialFinished | Dropped | RunFinished
)
"""What a run sends."""
