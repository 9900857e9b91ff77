"""The course of a full training: laps, checkpoints, and the end that a user may wish for earlier."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Final

import torch

from bench.full.keep import Checkpoint, write_checkpoint, write_lap
from bench.full.plan import FullPlan
from bench.full.ranks import Ranks
from bench.full.trainer import FullTrainer
from bench.full.wire import Lap, Noted, Saved
from bench.run.clock import Clock
from bench.run.curve import DivergedError

LAP_STEPS: Final = 20
"""Steps between two looks at the losses, which wait for the device."""

Tell = Callable[[Lap | Saved | Noted], None]


class Course:
    """Trains from where the trainer is; the first process writes and tells, all others keep step."""

    def __init__(
        self,
        plan: FullPlan,
        folder: Path,
        trainer: FullTrainer,
        ranks: Ranks,
        tell: Tell,
        *,
        seconds_before: float = 0.0,
    ) -> None:
        """Begin at the trainer's step.

        Args:
            folder: for checkpoints and metrics.
            seconds_before: of training that led to that step.
        """
        self._plan, self._folder, self._trainer, self._ranks, self._tell = plan, folder, trainer, ranks, tell
        self._clock = Clock(trainer.device)
        self._seconds_before = seconds_before

    def run(self, asked: Callable[[], bool], *, limit_steps: int | None = None) -> bool:
        """Train to the end, and say whether that was reached; otherwise a checkpoint of the last step is there.

        Args:
            asked: whether to end early; looked at after each step of a process alone, after each lap of several.
            limit_steps: steps to make at most.
        Raises: DivergedError: a loss is not finite. OSError, RuntimeError: a file cannot be written.
        """
        trainer, epoch_steps = self._trainer, self._plan.epoch_steps
        steps = trainer.training.steps
        last = steps if limit_steps is None else min(steps, trainer.steps_done + limit_steps)
        trainer.model.train()
        parts = trainer.micro_batches
        ending = self._ranks.any(asked())
        while trainer.steps_done < last and not ending:
            begun = trainer.steps_done
            next_epoch = (begun // epoch_steps + 1) * epoch_steps
            self._lap(min((begun // LAP_STEPS + 1) * LAP_STEPS, next_epoch, last), asked)
            if trainer.micro_batches > parts:
                parts = trainer.micro_batches
                self._say(Noted(note=f"each batch is trained in {parts} parts: the whole does not fit in memory"))
            ending = self._ranks.any(asked())
            epoch_due = trainer.steps_done % (epoch_steps * self._plan.save_every) == 0
            if epoch_due or ending or trainer.steps_done == last:
                self._save()
        return trainer.steps_done == steps

    def _lap(self, until: int, asked: Callable[[], bool]) -> None:
        trainer, begun = self._trainer, self._trainer.steps_done
        losses: dict[str, list[torch.Tensor]] = {}
        with self._clock.stretch():
            while trainer.steps_done < until:
                for name, loss in trainer.step().items():
                    losses.setdefault(name, []).append(loss)
                if self._ranks.count == 1 and asked():
                    break
        self._clock.end_lap()
        means = {name: torch.stack(values).mean().item() for name, values in losses.items()}
        if not all(math.isfinite(mean) for mean in means.values()):
            raise DivergedError(
                f"the loss was {means['total']} at step {trainer.steps_done}: train with a lower --learning-rate "
                "or another --precision, into another folder"
            )
        made = trainer.steps_done - begun
        lap = Lap(
            epoch=(trainer.steps_done - 1) // self._plan.epoch_steps + 1,
            step=trainer.steps_done,
            learning_rate=trainer.rate(trainer.steps_done - 1),
            seconds=self._seconds,
            pairs_per_second=made * self._plan.batch_pairs / max(self._clock.laps[-1], 1e-9),
            **means,
        )
        if self._ranks.leads:
            write_lap(self._folder, lap)
        self._say(lap)

    @property
    def _seconds(self) -> float:
        return self._seconds_before + self._clock.seconds

    def _save(self) -> None:
        if self._ranks.leads:
            checkpoint = Checkpoint(key=self._plan.key, seconds=self._seconds, state=self._trainer.state())
            write_checkpoint(self._folder, checkpoint)
        self._say(Saved(step=self._trainer.steps_done))

    def _say(self, event: Lap | Saved | Noted) -> None:
        if self._ranks.leads:
            self._tell(event)
