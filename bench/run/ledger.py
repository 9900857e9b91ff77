"""What is known of a running trial, gathered from its events: the one way by which a result comes to be."""

from dataclasses import replace
from typing import assert_never

from bench.plan.plan import TrialPlan
from bench.result import ClassScore, Costs, Losses, Outcome, Provenance, QueryScores, Rung, Score, TrialResult
from bench.run.events import CostsMeasured, Ended, Noted, PhaseEntered, RungScored, StepMeasured, TrialEvent


class Ledger:
    """Collects a trial's events; `result` can be asked at any moment, so that nothing measured is lost."""

    def __init__(self, plan: TrialPlan, provenance: Provenance) -> None:
        self.plan, self.provenance = plan, provenance
        self._losses: list[Losses] = []
        self._scores: list[Score] = []
        self._query_scores: tuple[QueryScores, ...] = ()
        self._class_scores: tuple[ClassScore, ...] = ()
        self._rungs: list[Rung] = []
        self._costs = Costs()
        self._notes: list[str] = []
        self._outcome, self._cause = Outcome.FAILED, "its process never said how it ended"

    def add(self, event: TrialEvent) -> None:
        """Take in one event."""
        match event:
            case StepMeasured():
                self._losses.append(event.losses)
            case RungScored():
                self._scores.extend(event.scores)
                self._query_scores = event.query_scores or self._query_scores
                self._class_scores = event.class_scores or self._class_scores
                if any(score.subject == "trained" for score in event.scores):
                    self._rungs.append(Rung(step=event.step, seconds=event.seconds))
            case CostsMeasured():
                self._costs = event.costs
            case Noted():
                self._notes.append(event.note)
            case Ended():
                self._outcome, self._cause = event.outcome, event.cause
            case PhaseEntered():
                return
            case _:
                assert_never(event)

    def cancel(self, cause: str) -> None:
        """Note that the trial was stopped on purpose."""
        self._outcome, self._cause = Outcome.CANCELLED, cause

    def result(
        self, *, total_seconds: float, energy_joules: float | None = None, marks: tuple[str, ...] = ()
    ) -> TrialResult:
        """The trial as far as it is known.

        Args:
            total_seconds: since the trial was started, for a trial that did not live to measure it.
            energy_joules: that the accelerator used meanwhile.
            marks: what disturbed it.
        """
        plan, costs = self.plan, self._costs
        if costs.total_seconds is None:
            costs = replace(costs, total_seconds=total_seconds)
        if energy_joules is not None:
            costs = replace(costs, energy_joules=energy_joules)
        return replace(
            plan.cut_off(self._cause, self.provenance),
            outcome=self._outcome,
            steps_done=self._losses[-1].step if self._losses else 0,
            costs=costs,
            losses=tuple(self._losses),
            scores=tuple(self._scores),
            query_scores=self._query_scores,
            class_scores=self._class_scores,
            rungs=tuple(self._rungs),
            marks=(*self._notes, *marks),
        )
