"""The training of a trial: a trunk at a constant rate, a decayed branch for each rung, the decay to the end.

A branch is trained from a copy of the trunk and thrown away, so a rung scores what a trial of its length alone scores.
"""

from collections.abc import Callable
from dataclasses import replace

from bench.plan.plan import TrialPlan
from bench.run.curve import Curve
from bench.run.events import PhaseEntered, RungScored, StepMeasured, TrialEvent
from bench.run.shelf import Shelf
from bench.run.stop import StopRequest
from bench.run.train import Trainer


class Course:
    """Trains and has every rung scored, from the newest checkpoint of the trunk where there is one."""

    def __init__(
        self,
        plan: TrialPlan,
        trainer: Trainer,
        shelf: Shelf,
        stop: StopRequest,
        *,
        score: Callable[[int, float], RungScored],
        emit: Callable[[TrialEvent], None],
    ) -> None:
        """Go to where the training begins.

        Args:
            score: scores the network as it stands, after this many steps and seconds of training.
        """
        self._plan, self._trainer, self._shelf, self._stop = plan, trainer, shelf, stop
        self._score, self._emit = score, emit
        to_make = [rung for rung in plan.rungs if not shelf.scored(rung)]
        latest = min(self._trunk_steps(steps) for steps in (*to_make, plan.training.steps))
        progress = shelf.resume(trainer, latest=latest)
        self._curve = Curve(trainer, inherited=progress)
        self._branch_seconds = 0.0
        for losses in progress.losses if progress else ():
            emit(StepMeasured(trial_id=plan.trial_id, losses=losses))

    @property
    def step_seconds(self) -> tuple[float, ...]:
        """Of each lap made here, but the first, which also sets up kernels and caches."""
        laps = self._curve.step_seconds
        return tuple(laps[1:] or laps)

    @property
    def seconds_here(self) -> float:
        """Of all training in this process, branches included."""
        return self._curve.seconds_here + self._branch_seconds

    def run(self) -> None:
        """Train to the end.

        Raises: StoppedError: it was asked to end; the trunk is kept. DivergedError: a loss is not finite.
        """
        self._enter_training()
        for rung in self._plan.rungs:
            known = self._shelf.scored(rung)
            if known:
                self._emit(known)
            else:
                self._trunk(rung)
                self._branch(rung)
        steps = self._plan.training.steps
        self._trunk(steps)
        self._follow(steps)
        self._tell_score(steps, self._curve.seconds)

    def _trunk(self, steps: int) -> None:
        """Train the trunk to where a training of this length leaves it."""
        self._follow(self._trunk_steps(steps), in_trunk=True)
        self._shelf.save(self._trainer, self._curve)

    def _follow(self, until: int, *, in_trunk: bool = False) -> None:
        """Train up to a step and tell the curve."""
        while True:
            if self._stop.asked and in_trunk:
                self._shelf.save(self._trainer, self._curve)
            self._stop.check()
            if self._trainer.steps_done >= until:
                return
            for losses in self._curve.train(until, lambda: self._stop.asked or (in_trunk and self._shelf.due)):
                self._emit(StepMeasured(trial_id=self._plan.trial_id, losses=losses))
            if in_trunk and self._shelf.due:
                self._shelf.save(self._trainer, self._curve)

    def _branch(self, rung: int) -> None:
        """Train a copy of the trunk to its end, score it and throw it away."""
        with self._trainer.branch(rung):
            branch = Curve(self._trainer)
            list(branch.train(rung, lambda: self._stop.asked))  # its losses belong to no curve that is told
            self._branch_seconds += branch.seconds_here
            self._stop.check()
            self._tell_score(rung, self._curve.seconds + branch.seconds_here)
        self._enter_training()

    def _tell_score(self, steps: int, seconds: float) -> None:
        scored = self._score(steps, seconds)
        self._shelf.keep(scored)
        self._emit(scored)

    def _enter_training(self) -> None:
        self._emit(PhaseEntered(trial_id=self._plan.trial_id, phase="training"))

    def _trunk_steps(self, steps: int) -> int:
        return replace(self._plan.training, steps=steps).trunk_steps
