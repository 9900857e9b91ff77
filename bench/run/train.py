"""Training: batches, the learning rate, the step."""

from collections.abc import Iterator
from time import perf_counter
from typing import Final

import numpy as np
import torch

from bench.data.cache import CachedSplit
from bench.result import Losses, Precision, Training
from bench.run.clock import Clock
from bench.run.embed import autocast, to_tensor
from models.config import SENSORS, Sensor
from models.csmae import CSMAE

Images = dict[Sensor, torch.Tensor]

LAPS: Final = 40
"""Points of a learning curve, at most: one lap is a fortieth of the training."""


class DivergedError(Exception):
    """The loss left the finite numbers."""


def learning_rate(step: int, training: Training) -> float:
    """Rate of a step (from 0): linear warm-up, constant, linear decay to zero over the last share."""
    warm = (step + 1) / training.warmup_steps if step < training.warmup_steps else 1.0
    decay_steps = training.steps * training.decay_share
    left = (training.steps - step) / decay_steps if decay_steps else 1.0
    return training.learning_rate * min(warm, left, 1.0)


def batches(split: CachedSplit, batch_pairs: int, seed: int, device: torch.device) -> Iterator[Images]:
    """Endless batches: each pair once an epoch, both images of a pair flipped alike (p = 0.5 each way).

    The order and the flips depend on the seed alone. An epoch's incomplete last batch is left out, so that every
    step is of the same size.
    """
    random = np.random.default_rng(seed)
    while True:
        order = random.permutation(len(split.ids))
        for start in range(0, len(order) - batch_pairs + 1, batch_pairs):
            rows = np.sort(order[start : start + batch_pairs])  # sorted: a memory-mapped file is read forwards
            flips = torch.from_numpy(random.random((2, batch_pairs)) < 0.5).to(device)
            images: Images = {"s1": to_tensor(split.s1[rows], device), "s2": to_tensor(split.s2[rows], device)}
            yield {sensor: _flipped(images[sensor], flips) for sensor in SENSORS}


def _flipped(images_BCHW: torch.Tensor, flips_2B: torch.Tensor) -> torch.Tensor:
    for flip_B, axis in zip(flips_2B, (-1, -2), strict=True):
        images_BCHW = torch.where(flip_B[:, None, None, None], images_BCHW.flip(axis), images_BCHW)
    return images_BCHW


class Trainer:
    """A model, its optimiser and its endless batches; every call of `step` is one optimiser step."""

    def __init__(
        self,
        model: CSMAE,
        split: CachedSplit,
        training: Training,
        *,
        seed: int,
        device: torch.device,
        precision: Precision,
    ) -> None:
        self.model, self.training, self.device, self.precision = model, training, device, precision
        self._batches = batches(split, training.batch_pairs, seed, device)
        self._noise = torch.Generator(device).manual_seed(seed)
        self._optimizer = torch.optim.AdamW(
            model.parameter_groups(training.weight_decay), lr=0.0, betas=training.betas, fused=True
        )
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")
        self.steps_done = 0

    def step(self) -> dict[str, torch.Tensor]:
        """Train on the next batch; the detached losses by name, those not in the objective left out."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.steps_done, self.training)
        with autocast(self.device, self.precision):
            losses = self.model(next(self._batches), generator=self._noise)
        self._scaler.scale(losses.total).backward()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        self.steps_done += 1
        parts = {name: getattr(losses, name) for name in ("total", "umr", "cmr", "mim", "mde")}
        return {name: value.detach() for name, value in parts.items() if value is not None}


def train(trainer: Trainer, clock: Clock) -> Iterator[Losses]:
    """Train to the end, a `Losses` after each lap; laps are timed, what the caller does between them is not.

    Raises: DivergedError: a loss of the lap is not finite.
    """
    total = trainer.training.steps
    lap_steps = max(1, total // LAPS)
    trainer.model.train()
    while trainer.steps_done < total:
        steps = min(lap_steps, total - trainer.steps_done)
        with clock.lap():
            laps = [trainer.step() for _ in range(steps)]
        means = {name: torch.stack([lap[name] for lap in laps]).mean().item() for name in laps[0]}
        if not all(np.isfinite(value) for value in means.values()):
            raise DivergedError(f"the loss was {means['total']} at step {trainer.steps_done} of {total}")
        yield Losses(
            step=trainer.steps_done,
            seconds=clock.seconds,
            learning_rate=learning_rate(trainer.steps_done - 1, trainer.training),
            **means,
        )


def step_seconds(trainer: Trainer, *, budget_seconds: float) -> tuple[float, ...]:
    """Times of single steps after a warm-up: as many as fit the budget, three at least."""
    clock = Clock(trainer.device)
    trainer.model.train()
    start = perf_counter()
    while len(clock.laps) < 4 or (perf_counter() - start < budget_seconds and len(clock.laps) < 40):
        with clock.lap():
            trainer.step()
    warm = 1 if len(clock.laps) < 8 else len(clock.laps) // 4
    return tuple(clock.laps[warm:])
