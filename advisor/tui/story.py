"""What a run has told so far, folded from its events into one record that can be shown. Knows no Textual."""

from dataclasses import dataclass, replace
from statistics import fmean

from bench.plan.plan import RunPlan, TrialPlan
from bench.result import CROSS_DIRECTIONS, Losses, Outcome, Score
from bench.run.events import (
    Event,
    Phase,
    PhaseEntered,
    Planned,
    Preparing,
    Probed,
    Profiled,
    RunFinished,
    RungScored,
    StepMeasured,
    TrialFinished,
    TrialStarted,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStory:
    """One trial of the plan as far as it has come."""

    plan: TrialPlan
    started: bool = False
    phase: Phase | None = None
    losses: tuple[Losses, ...] = ()
    scores: tuple[Score, ...] = ()
    outcome: Outcome | None = None
    """None: it has not ended."""
    cause: str = ""
    """Why it ended otherwise than completed, in words."""
    total_seconds: float | None = None
    left_out: bool = False
    """The run ended before its turn."""

    @property
    def running(self) -> bool:
        """Whether it has begun and not ended."""
        return self.started and self.outcome is None

    @property
    def status(self) -> str:
        """In words: "waiting", "running", "not run" or how it ended."""
        if self.outcome is not None:
            return self.outcome.value.replace("_", " ")
        return "not run" if self.left_out else "running" if self.started else "waiting"

    @property
    def step(self) -> int:
        """Training steps known to be made."""
        return self.losses[-1].step if self.losses else 0

    @property
    def share(self) -> float:
        """How much of it is over, between 0 and 1."""
        return 1.0 if self.outcome is not None else self.step / self.plan.training.steps

    @property
    def score(self) -> float | None:
        """Mean of the two cross-sensor directions of the trained descriptors, newest step; None before."""
        metric = "f1_of_means" if self.plan.data.labelled else "partner_recall"
        newest = {
            (s.query, s.archive): s.value
            for s in sorted(self.scores, key=lambda s: s.step)
            if s.subject == "trained" and s.metric == metric and s.k == self.plan.k
        }
        found = [newest[direction] for direction in CROSS_DIRECTIONS if direction in newest]
        return fmean(found) if len(found) == len(CROSS_DIRECTIONS) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One run as far as it has come."""

    begun_seconds: float
    """On the app's clock."""
    profiled: Profiled | None = None
    """Machine and data as the run found them."""
    preparing: Preparing | None = None
    """What goes on before the first trial."""
    plan: RunPlan | None = None
    trials: tuple[TrialStory, ...] = ()
    stopping: bool = False
    """It was asked to stop, and has not yet."""
    ended_seconds: float | None = None
    """On the app's clock; None while it goes on."""
    ending: str = ""
    """How it ended, in words; empty while it goes on."""

    @property
    def going(self) -> bool:
        """Whether it has not ended."""
        return self.ended_seconds is None

    @property
    def current(self) -> TrialStory | None:
        """The trial that runs, else the last that did."""
        begun = [trial for trial in self.trials if trial.started]
        return begun[-1] if begun else None

    @property
    def share(self) -> float | None:
        """How much of the planned time is over, or of the preparing before; between 0 and 1, None when unknown."""
        if self.preparing and self.preparing.total:
            return self.preparing.done / self.preparing.total
        predicted = sum(t.plan.predicted_seconds for t in self.trials)
        return sum(t.share * t.plan.predicted_seconds for t in self.trials) / predicted if predicted else None

    @property
    def seconds_left(self) -> float | None:
        """What the trials to come should take, at the pace of those that completed; None before the plan."""
        if not self.plan:
            return None
        over = [t for t in self.trials if t.outcome is Outcome.COMPLETED and t.total_seconds]
        predicted = sum(t.plan.predicted_seconds for t in over)
        pace = sum(t.total_seconds or 0 for t in over) / predicted if predicted else 1.0
        return pace * sum((1 - t.share) * t.plan.predicted_seconds for t in self.trials)

    def after(self, event: Event) -> "Story":
        """The story with this event in it."""
        match event:
            case Profiled():
                return replace(self, profiled=event)
            case Preparing():
                return replace(self, preparing=event)
            case Probed():
                return self
            case Planned():
                trials = tuple(TrialStory(plan=trial) for trial in event.plan.trials)
                return replace(self, preparing=None, plan=event.plan, trials=trials)
            case RunFinished():
                ending = f"{event.completed} of {event.planned} trials completed"
                return replace(self, ending=f"{ending}; {event.stopped}" if event.stopped else ending)
            case _:
                trials = self.trials
                if isinstance(event, TrialStarted) and event.plan.trial_id not in {t.plan.trial_id for t in trials}:
                    trials = (*trials, TrialStory(plan=event.plan))  # chosen on the way
                return replace(self, trials=tuple(_after(trial, event) for trial in trials))

    def ended(self, now_seconds: float, *, failed: bool) -> "Story":
        """The story after its last event, whatever that was."""
        cause = self.ending or ("the run failed" if failed else "stopped by the user")
        trials = tuple(
            replace(trial, outcome=Outcome.CANCELLED, cause=cause)
            if trial.running
            else replace(trial, left_out=not trial.started)
            for trial in self.trials
        )
        return replace(self, ended_seconds=now_seconds, stopping=False, preparing=None, trials=trials, ending=cause)


def _after(trial: TrialStory, event: Event) -> TrialStory:
    """The trial with this event in it, when the event is its own."""
    match event:
        case TrialStarted() if event.plan.trial_id == trial.plan.trial_id:
            return replace(trial, started=True)
        case TrialFinished() if event.result.trial_id == trial.plan.trial_id:
            result = event.result
            return replace(
                trial,
                started=True,
                phase=None,
                losses=result.losses,
                scores=result.scores,
                outcome=result.outcome,
                cause=result.cause,
                total_seconds=result.costs.total_seconds,
            )
        case PhaseEntered() if event.trial_id == trial.plan.trial_id:
            return replace(trial, phase=event.phase)
        case StepMeasured() if event.trial_id == trial.plan.trial_id:
            return replace(trial, losses=(*trial.losses, event.losses))
        case RungScored() if event.trial_id == trial.plan.trial_id:
            return replace(trial, scores=trial.scores + event.scores)
        case _:
            return trial
