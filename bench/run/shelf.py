"""A trial's dealings with the checkpoints of its trunk: trouble with them is noted and never ends the trial."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Final

from bench.plan.keys import result_key, trunk_key
from bench.plan.plan import TrialPlan
from bench.run.causes import explain_exception
from bench.run.checkpoint import CheckpointError, Trunk, read_rungs, read_trunk, write_rungs, write_trunk
from bench.run.curve import Curve, Progress
from bench.run.events import RungScored
from bench.run.train import Trainer

SAVE_SECONDS: Final = 60.0
"""Training that a killed trial loses, at most, while it is in the trunk."""

SAVE_SHARE: Final = 0.05
"""Of the wall time, at most, that saving takes: a slow disk is written to less often."""


class Shelf:
    """Reads and writes the files of one trunk; without a folder, nothing."""

    def __init__(self, plan: TrialPlan, note: Callable[[str], None]) -> None:
        """Look up what was scored before.

        Args:
            note: told in words what could not be read or written.
        """
        self._plan, self._key = plan, trunk_key(plan)
        self._folder = Path(plan.checkpoints) / self._key if plan.checkpoints else None
        self._note, self._noted = note, set[str]()
        self._newest_step = -1
        self._due_at = perf_counter() + SAVE_SECONDS
        self._rungs: dict[str, RungScored] = {}
        if self._folder:
            try:
                self._rungs = read_rungs(self._folder)
            except CheckpointError as error:
                self._note_once(f"the scores kept of its trunk cannot be used: {error}")

    def scored(self, rung: int) -> RungScored | None:
        """What a training of this length scored before, if it did."""
        found = self._rungs.get(self._rung_key(rung))
        return replace(found, trial_id=self._plan.trial_id) if found else None

    def resume(self, trainer: Trainer, *, latest: int) -> Progress | None:
        """Put the trainer where the newest checkpoint left off, unless that is too far.

        Args:
            latest: the first step at which the schedule leaves the trunk.
        Returns: the curve up to there; None when the training starts from scratch.
        """
        if not self._folder:
            return None
        try:
            found = read_trunk(self._folder, self._key)
            if found is None:
                return None
            trunk, state = found
            if trunk.step <= latest:
                trainer.restore(state)
        except (CheckpointError, ValueError) as error:
            self._note_once(f"a checkpoint of its trunk cannot be used, trained from scratch: {error}")
            return None
        self._newest_step = trunk.step
        if trunk.step > latest:
            return None
        self._note_once(f"went on from a checkpoint at step {trunk.step}")
        return trunk.progress

    @property
    def due(self) -> bool:
        """Whether the last checkpoint is old enough for another."""
        return self._folder is not None and perf_counter() >= self._due_at

    def save(self, trainer: Trainer, curve: Curve) -> None:
        """Keep the trunk as it stands, unless a checkpoint as far on is there."""
        start = perf_counter()
        if self._folder and trainer.steps_done > self._newest_step:
            trunk = Trunk(key=self._key, step=trainer.steps_done, progress=curve.progress)
            try:
                write_trunk(self._folder, trunk, trainer.state())
                self._newest_step = trunk.step
            except (OSError, RuntimeError) as error:
                self._note_unwritten(error)
        self._due_at = perf_counter() + max(SAVE_SECONDS, (perf_counter() - start) / SAVE_SHARE)

    def keep(self, scored: RungScored) -> None:
        """Keep what a training of this length scored."""
        self._rungs[self._rung_key(scored.step)] = scored
        if self._folder:
            try:
                write_rungs(self._folder, self._rungs)
            except OSError as error:
                self._note_unwritten(error)

    def _rung_key(self, rung: int) -> str:
        return result_key(replace(self._plan, training=replace(self._plan.training, steps=rung)))

    def _note_unwritten(self, error: Exception) -> None:
        self._note_once(f"went on without a checkpoint: {explain_exception(error)[1]}")

    def _note_once(self, note: str) -> None:
        if note not in self._noted:
            self._noted.add(note)
            self._note(note)
