"""What a training should cost, by arithmetic: the terms that measurements then correct (`bench.plan.calibrate`).

The constants were fitted on one machine (AMD EPYC, torch 2.14, float32, one thread) to 70 step times and 45 peaks of
networks of 0.5 to 100 M parameters, none of which is held out in `benchmarks/estimates.py`.
"""

from dataclasses import dataclass
from typing import Final, Literal

from bench.result import Precision
from models import cost
from models.config import SENSORS, ModelConfig

DeviceKind = Literal["cpu", "cuda"]

EMBED_PAIRS: Final = 128
"""Images that `bench.run.embed` takes at once."""

PROCESS_BYTES: Final = (380e6, 470e6, 620e6)
"""A process with torch and timm before it has a network: lowest, usual, highest seen or feared."""

BUFFER_BYTES: Final = 7e6
"""Private memory that libraries take on a CPU when they first compute."""

LIBRARY_BYTES: Final = 45e6
"""Pages of library files that are first read then: they count in a process's memory."""

HEAP_SHARE: Final = 1.17
"""Of activations and gradients, what the C library's heap holds for them."""

LOADER_COPIES: Final = 2.4
"""Copies of a batch in float32: as read, as flipped, and half of one in float16."""

PINNED_COPIES: Final = 3.0
"""The same on an accelerator: as read, as flipped, as patches."""

EMBED_IMAGES: Final = 2.2
EMBED_ROWS: Final = 21.0
"""Embedding without gradients: copies of the larger sensor's images, and widths of a token in float32."""

MIXED: Final = 1.9
"""Exponent that joins the peaks of training and embedding on a CPU: more than the larger, less than both."""

BASE_WORK: Final = 8.0e8
BLOCK_WORK: Final = 8.1e7
ACTIVATION_WORK: Final = 104.0
PARAMETER_WORK: Final = 280.0
IMAGE_WORK: Final = 62.0
"""A step's work beside its FLOPs, in the FLOPs that take as long: once, a pass through a block, a byte kept for
backward, a parameter updated, a byte of images."""

LAUNCH_SECONDS: Final = 5e-4
"""An accelerator waits at least this long for a pass through a block, forward and backward: about 60 kernels (ours)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryTerms:
    """Bytes at the moment of the highest peak of a training step, and what embedding needs."""

    weights: float
    optimizer: float
    gradients: float
    """Those that are there at the peak: the backward pass makes them while it frees activations."""
    activations: dict[cost.Part, float]
    """Kept for backward at the peak, by part of the network."""
    loader: float
    """Batches in flight."""
    working: float
    """Gradients of activations, and what embedding needs beyond training."""

    @property
    def dynamic(self) -> float:
        """Everything that depends on the batch: what measurements correct."""
        return self.gradients + sum(self.activations.values()) + self.loader + self.working


def value_bytes(precision: Precision) -> int:
    """Of an activation."""
    return 4 if precision == "fp32" else 2


def memory_terms(model: ModelConfig, *, batch_pairs: int, precision: Precision, device_kind: DeviceKind) -> MemoryTerms:
    """The parts of a training's peak; neither the process nor the accelerator's context is among them."""
    width = value_bytes(precision)
    parameters = cost.parameters(model)
    gradients, kept, working = _peak(cost.stages(model, width), batch_pairs)
    images = batch_pairs * sum(map(float, _image_bytes(model).values()))
    share, copies = (HEAP_SHARE, LOADER_COPIES) if device_kind == "cpu" else (1.0, PINNED_COPIES)
    gradients, working = share * gradients, share * working
    activations = {part: share * size for part, size in kept.items()}
    loader = copies * images
    training = gradients + sum(activations.values()) + loader + working
    embedding = EMBED_PAIRS * (
        EMBED_IMAGES * max(_image_bytes(model).values()) + EMBED_ROWS * width * (1 + model.patches) * model.size.width
    )
    # a heap keeps holes of one during the other
    mixed = (training**MIXED + embedding**MIXED) ** (1 / MIXED)
    both = mixed if device_kind == "cpu" else max(training, embedding)
    return MemoryTerms(
        weights=cost.FLOAT_BYTES * parameters + (width * parameters if width < cost.FLOAT_BYTES else 0),
        optimizer=2 * cost.FLOAT_BYTES * parameters,
        gradients=gradients,
        activations=activations,
        loader=loader,
        working=working + both - training,
    )


def _peak(stages: tuple[cost.Stage, ...], batch_pairs: int) -> tuple[float, dict[cost.Part, float], float]:
    """Gradients, activations by part and working bytes at the worst moment of the backward pass."""
    kept: dict[cost.Part, float] = dict.fromkeys(("stems", "encoder", "decoder", "heads"), 0.0)
    for stage in stages:
        kept[stage.part] += batch_pairs * stage.kept_bytes
    worst, peak, gradients = 0.0, (0.0, kept.copy(), 0.0), 0.0
    held = sum(kept.values())
    for stage in reversed(stages):
        gradients += cost.FLOAT_BYTES * stage.parameters
        working = batch_pairs * stage.working_bytes
        if held + working + gradients > worst:
            worst, peak = held + working + gradients, (gradients, kept.copy(), working)
        kept[stage.part] -= batch_pairs * stage.kept_bytes
        held -= batch_pairs * stage.kept_bytes
    return peak


def step_work(model: ModelConfig, *, batch_pairs: int, precision: Precision) -> float:
    """A training step in the FLOPs that would take as long on a CPU."""
    return (
        BASE_WORK
        + BLOCK_WORK * block_passes(model)
        + 3 * batch_pairs * cost.forward_flops(model)
        + ACTIVATION_WORK * batch_pairs * cost.activation_bytes(model, value_bytes(precision))
        + PARAMETER_WORK * cost.parameters(model)
        + IMAGE_WORK * batch_pairs * sum(_image_bytes(model).values())
    )


def embed_work(model: ModelConfig) -> float:
    """Embedding both images of a pair, in the same unit; a block makes about 24 widths of a token."""
    rows = 2 * (1 + model.patches) * model.size.width * model.size.depth
    return 2 * cost.embed_flops(model) + ACTIVATION_WORK * 24 * rows + IMAGE_WORK * sum(_image_bytes(model).values())


def search_flops(model: ModelConfig, *, queries: int, archive: int) -> float:
    """Of the six searches of a scoring: four directions by label, two by partner; those also rank the queries' own."""
    return 6.0 * 2 * queries * (queries + archive) * model.size.width


def block_passes(model: ModelConfig) -> int:
    """Times that a block is called in a forward pass: what a step waits for however small it is."""
    decoders = 1 if model.decoder == "common" else len(SENSORS)
    decoding = decoders * model.size.decoder_depth * len(model.batches)
    return len(SENSORS) * model.own_depth + model.common_depth * len(model.batches) + decoding


def _image_bytes(model: ModelConfig) -> dict[str, int]:
    """Of one image in float32, by sensor."""
    return {sensor: cost.FLOAT_BYTES * model.image_pixels**2 * model.bands[sensor] for sensor in SENSORS}


def stored_bytes(model: ModelConfig) -> int:
    """Of one pair in the cache, in float16: a mapped file counts in a process's memory as far as it was read."""
    return sum(_image_bytes(model).values()) // 2
