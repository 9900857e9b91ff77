"""Training: batches, the learning rate, the step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.data.cache import CachedSplit
from bench.result import Precision, Training
from bench.run.accumulate import accumulate
from bench.run.causes import out_of_memory
from bench.run.clock import Clock
from bench.run.embed import autocast, to_tensor
from models.config import SENSORS, Sensor
from models.csmae import CSMAE
from models.losses import Losses

Images = dict[Sensor, torch.Tensor]

State = dict[str, Any]
"""What the steps to come depend on: tensors and plain values, by the name of the part."""


def learning_rate(step: int, training: Training) -> float:
    """Rate of a step (from 0): linear warm-up, constant, linear decay to zero over the last share."""
    warm = (step + 1) / training.warmup_steps if step < training.warmup_steps else 1.0
    left = (training.steps - step) / training.decay_steps if training.decay_steps else 1.0
    return training.learning_rate * min(warm, left, 1.0)


def batches(
    split: CachedSplit,
    batch_pairs: int,
    seed: int,
    device: torch.device,
    *,
    rows: NDArray[np.integer] | None = None,
    skip: int = 0,
) -> Iterator[Images]:
    """Endless batches: each pair once an epoch, both images of a pair flipped alike (p = 0.5 each way).

    The order and the flips depend on the seed alone. An epoch's incomplete last batch is left out, so that every
    step is of the same size.

    Args:
        rows: of the pairs to take; all when left out.
        skip: batches to leave out at the start; their images are not read.
    """
    random = np.random.default_rng(seed)
    taken = np.arange(len(split.ids)) if rows is None else rows
    while True:
        order = taken[random.permutation(len(taken))]
        for start in range(0, len(order) - batch_pairs + 1, batch_pairs):
            flips = random.random((2, batch_pairs)) < 0.5
            if skip:
                skip -= 1
                continue
            chosen = np.sort(order[start : start + batch_pairs])  # sorted: a memory-mapped file is read forwards
            images: Images = {"s1": to_tensor(split.s1[chosen], device), "s2": to_tensor(split.s2[chosen], device)}
            flips_2B = torch.from_numpy(flips).to(device)
            yield {sensor: _flipped(images[sensor], flips_2B) for sensor in SENSORS}


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
        rows: NDArray[np.integer] | None = None,
        micro_batches: int = 1,
        may_split: bool = False,
    ) -> None:
        """Make the optimiser's state too: memory that runs out later ran out over a batch.

        Args:
            rows: of the pairs to train on; all when left out.
            micro_batches: parts to train each batch in.
            may_split: train in more parts when memory runs out, instead of raising.
        """
        self.model, self.training, self.device = model, training, device
        self.micro_batches, self._may_split = min(micro_batches, training.batch_pairs), may_split
        self._from: Callable[..., Iterator[Images]] = partial(
            batches, split, training.batch_pairs, seed, device, rows=rows
        )
        self._batches = self._from()
        self._noise = torch.Generator(device).manual_seed(seed)
        self._arithmetic = partial(autocast, device, precision)
        self._optimizer = torch.optim.AdamW(
            model.parameter_groups(training.weight_decay), lr=0.0, betas=training.betas, fused=True
        )
        self._make_moments()
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")
        self.steps_done = 0

    def rate(self, step: int) -> float:
        """The learning rate of a step, from 0."""
        return learning_rate(step, self.training)

    def step(self) -> dict[str, torch.Tensor]:
        """Train on the next batch; the detached losses by name, those not in the objective left out."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.rate(self.steps_done)
        losses = self._gradients()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        self.steps_done += 1
        named = {name: getattr(losses, name) for name in ("total", "umr", "cmr", "mim", "mde")}
        return {name: value.detach() for name, value in named.items() if value is not None}

    def state(self) -> State:
        """Everything that the steps to come depend on; the tensors are those in use, not copies."""
        return {
            "step": self.steps_done,
            "micro_batches": self.micro_batches,
            "weights": {name: weights.detach() for name, weights in self.model.named_parameters()},
            "moments": {name: dict(self._optimizer.state[weights]) for name, weights in self.model.named_parameters()},
            "scaler": self._scaler.state_dict(),
            "noise": self._noise.get_state(),
        }

    def restore(self, state: State) -> None:
        """Go on from a state of a trainer with the same model, seed, pairs and kind of device.

        Raises: ValueError: the state of another one; nothing was taken over.
        """
        if _outline(state) != _outline(self.state()):
            raise ValueError("it holds the state of another training, or of another kind of device")
        with torch.no_grad():
            for name, weights in self.model.named_parameters():
                weights.copy_(state["weights"][name])
                for moment, tensor in self._optimizer.state[weights].items():
                    tensor.copy_(state["moments"][name][moment])
        self._scaler.load_state_dict(state["scaler"])
        self._noise.set_state(state["noise"])
        self.steps_done = state["step"]
        self._batches = self._from(skip=self.steps_done)
        self.micro_batches = max(self.micro_batches, state["micro_batches"])

    @contextmanager
    def branch(self, steps: int) -> Iterator[None]:
        """Inside, the rate falls to zero at this step; afterwards the training stands where it stood before."""
        kept, training = _copied(self.state()), self.training
        self.training = replace(training, steps=steps)
        yield
        self.training = training
        self.restore(kept)

    def _gradients(self) -> Losses:
        """Those of the next batch; if memory runs out and may be split, in as many parts as it takes."""
        while True:
            noise = self._noise.get_state()
            try:
                return self._attempt()
            except (MemoryError, RuntimeError, OSError) as error:
                if not (self._may_split and out_of_memory(error) and self.micro_batches < self.training.batch_pairs):
                    raise
            # here the traceback is gone, and with it what it held
            self._optimizer.zero_grad(set_to_none=True)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            self.micro_batches = min(2 * self.micro_batches, self.training.batch_pairs)
            self._noise.set_state(noise)
            self._batches = self._from(skip=self.steps_done)

    def _attempt(self) -> Losses:
        images = next(self._batches)
        noise = self.model.draw_noise(len(images["s1"]), self._noise)
        if self.micro_batches > 1:
            return accumulate(
                self.model,
                images,
                noise,
                micro_batches=self.micro_batches,
                arithmetic=self._arithmetic,
                scale=self._scaler.scale,
            )
        with self._arithmetic():
            losses: Losses = self.model(images, noise)
        torch.autograd.backward(self._scaler.scale(losses.total))
        return losses

    def _make_moments(self) -> None:
        """A step at rate zero with gradients of zero leaves the weights as they are."""
        for weights in self.model.parameters():
            weights.grad = torch.zeros_like(weights)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        for moments in self._optimizer.state.values():
            moments["step"].zero_()


def _copied(part: Any) -> Any:  # noqa: ANN401  a state, or what it holds
    """In the machine's memory, where a copy of the weights never makes a batch too large for the accelerator."""
    if isinstance(part, dict):
        return {name: _copied(held) for name, held in part.items()}
    return part.to("cpu", copy=True) if isinstance(part, torch.Tensor) else part


def _outline(part: Any) -> Any:  # noqa: ANN401  the same
    if isinstance(part, dict):
        return {name: _outline(held) for name, held in part.items()}
    return (part.shape, part.dtype) if isinstance(part, torch.Tensor) else type(part)


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
