"""A training's learning curve: its steps in laps, each timed and averaged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch

from bench.result import Losses
from bench.run.clock import Clock
from bench.run.train import Trainer, learning_rate

LAPS: Final = 40
"""Points of a learning curve, at least and fewer than twice as many, of a training that has so many steps."""


class DivergedError(Exception):
    """The loss left the finite numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A curve up to some step, to go on from in another process."""

    seconds: float = 0.0
    """Training seconds."""
    losses: tuple[Losses, ...] = ()
    lap: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Losses of each step since the last of `losses`, by name."""


class Curve:
    """Trains to any step, also in the middle of a lap: laps depend on the length of the training alone."""

    def __init__(self, trainer: Trainer, *, inherited: Progress | None = None) -> None:
        """Begin at the step where the trainer is.

        Args:
            inherited: what was trained before, in another process.
        """
        self._trainer = trainer
        self._clock = Clock(trainer.device)
        inherited = inherited or Progress()
        self._inherited_seconds = inherited.seconds
        self._losses = [*inherited.losses]
        self._lap = {
            name: [*torch.tensor(values, device=trainer.device)] for name, values in inherited.lap.items() if values
        }
        self._begun = self._losses[-1].step if self._losses else 0
        self._timed_from = trainer.steps_done
        self._lap_steps = max(1, trainer.training.steps // LAPS)
        self.step_seconds: list[float] = []
        """Seconds a step in each lap that ended here."""

    @property
    def seconds(self) -> float:
        """Of the whole training so far."""
        return self._inherited_seconds + self.seconds_here

    @property
    def seconds_here(self) -> float:
        """Of the part trained in this process."""
        return self._clock.seconds

    @property
    def progress(self) -> Progress:
        """To go on from in another process."""
        lap = {name: tuple(torch.stack(values).tolist()) for name, values in self._lap.items()}
        return Progress(seconds=self.seconds, losses=tuple(self._losses), lap=lap)

    def train(self, until: int, broken_off: Callable[[], bool]) -> Iterator[Losses]:
        """Train up to a step, a `Losses` after each lap; only the steps are timed, not what the caller does.

        Args:
            until: at most the length of the training.
            broken_off: asked after each step and each lap told; true ends this call early.
        Raises: DivergedError: a loss of the lap is not finite.
        """
        trainer = self._trainer
        trainer.model.train()
        going_on = True
        while going_on and trainer.steps_done < until:
            # a curve that another training began may have longer laps
            lap_end = min(max(self._begun + self._lap_steps, trainer.steps_done + 1), trainer.training.steps)
            with self._clock.stretch():
                while going_on and trainer.steps_done < min(lap_end, until):
                    for name, loss in trainer.step().items():
                        self._lap.setdefault(name, []).append(loss)
                    going_on = not broken_off()
            if trainer.steps_done == lap_end:
                yield self._end_lap()
                going_on = going_on and not broken_off()

    def _end_lap(self) -> Losses:
        step = self._trainer.steps_done
        means = {name: torch.stack(values).mean().item() for name, values in self._lap.items()}
        if not all(np.isfinite(value) for value in means.values()):
            raise DivergedError(f"the loss was {means['total']} at step {step} of {self._trainer.training.steps}")
        self._clock.end_lap()
        self.step_seconds.append(self._clock.laps[-1] / (step - self._timed_from))
        self._lap, self._begun, self._timed_from = {}, step, step
        rate = learning_rate(step - 1, self._trainer.training)
        self._losses.append(Losses(step=step, seconds=self.seconds, learning_rate=rate, **means))
        return self._losses[-1]
