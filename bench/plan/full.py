"""Beyond the benchmark: what a full training would take, and what hardware a candidate would need for it."""

from dataclasses import dataclass
from typing import Final

from bench.plan.calibrate import Calibration
from bench.plan.estimate import MemoryEstimate, embed_seconds, memory, step_seconds
from bench.plan.quantity import Estimate, times
from models import cost
from models.config import ModelConfig

PAPER_EPOCHS: Final = 150
"""Of the published training (the authors' configurations)."""

PAPER_BATCH: Final = 128

GPU_GIB: Final = (8, 12, 16, 24, 40, 48, 80, 141)
"""Memory that cards are sold with: "24 GB" on the box is about 24 GiB."""

GPU_RESERVE_BYTES: Final = 0.75 * 1024**3
"""Of a GPU, what the driver's context and the libraries' workspaces take (ours)."""

GPU_SPARE: Final = 0.03
"""Share of a GPU that fragments of the allocator make useless (ours)."""

SMALLEST_BATCH: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FullTraining:
    """A training of many epochs on one device."""

    epochs: int
    batch_pairs: int
    steps: int
    step_seconds: Estimate | None
    """None: nothing is known of the device's speed."""
    seconds: Estimate | None
    """Of all steps, scoring not counted."""
    memory: MemoryEstimate
    weights_bytes: int
    """Of a file with the weights."""
    checkpoint_bytes: int
    """Of a file to go on from: weights and the optimiser's two moments."""
    descriptor_bytes: int
    """Of one image, in float32."""
    embed_seconds: Estimate | None
    """Of one pair's two images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a candidate would need to be trained."""

    batch_pairs: int
    memory_bytes: Estimate
    """At that batch: of a GPU, driver and fragments counted; of a process on a CPU."""
    least_bytes: Estimate
    """The same at a batch of 2 pairs."""
    gpus: dict[int, bool]
    """Whether the upper end of `memory_bytes` fits, by the memory that cards are sold with (in GiB)."""

    @property
    def smallest_gpu(self) -> int | None:
        """The first that holds it; None: none does."""
        return next((size for size, fits in self.gpus.items() if fits), None)


def full_training(
    model: ModelConfig,
    *,
    train_pairs: int,
    calibration: Calibration,
    epochs: int = PAPER_EPOCHS,
    batch_pairs: int = PAPER_BATCH,
) -> FullTraining:
    """The user's training on the device of the calibration, every epoch's incomplete last batch left out.

    Raises: ValueError: there are fewer pairs than a batch takes.
    """
    if train_pairs < batch_pairs:
        raise ValueError(f"train_pairs={train_pairs} do not fill one batch of batch_pairs={batch_pairs}")
    steps = epochs * (train_pairs // batch_pairs)
    step = step_seconds(model, batch_pairs=batch_pairs, calibration=calibration)
    parameters = cost.parameters(model)
    return FullTraining(
        epochs=epochs,
        batch_pairs=batch_pairs,
        steps=steps,
        step_seconds=step,
        seconds=times(step, steps) if step else None,
        memory=memory(model, batch_pairs=batch_pairs, calibration=calibration),
        weights_bytes=cost.FLOAT_BYTES * parameters,
        checkpoint_bytes=3 * cost.FLOAT_BYTES * parameters,
        descriptor_bytes=cost.FLOAT_BYTES * model.size.width,
        embed_seconds=embed_seconds(model, pairs=1, calibration=calibration),
    )


def needs(model: ModelConfig, *, batch_pairs: int, calibration: Calibration) -> Needs:
    """The reverse of a plan: the memory that this training asks for.

    Args:
        calibration: of the kind of device that is asked about; of a GPU nobody has, `calibrate(device="cuda")`.
    """
    on_gpu = calibration.device_kind == "cuda"

    def whole(batch: int) -> Estimate:
        peak = memory(model, batch_pairs=batch, calibration=calibration).total
        return on_card(peak) if on_gpu else peak

    asked = whole(batch_pairs)
    return Needs(
        batch_pairs=batch_pairs,
        memory_bytes=asked,
        least_bytes=whole(SMALLEST_BATCH),
        gpus={size: asked.high <= size * 1024**3 for size in GPU_GIB} if on_gpu else {},
    )


def on_card(peak: Estimate) -> Estimate:
    """An allocator's peak as memory of a GPU: with the driver's reserve and what fragments waste."""
    value, low, high = (GPU_RESERVE_BYTES + size / (1 - GPU_SPARE) for size in (peak.value, peak.low, peak.high))
    return Estimate(value=value, low=low, high=high, source=peak.source, basis=peak.basis)
