"""The gradients of a whole batch in less memory: one part of it after another."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import pairwise

import torch
from torch import Tensor

from models.config import SENSORS, Sensor
from models.csmae import CSMAE
from models.losses import Losses

Images = dict[Sensor, Tensor]
Arithmetic = Callable[[], AbstractContextManager[object]]


def accumulate(
    model: CSMAE,
    images: Images,
    noise: Images,
    *,
    micro_batches: int,
    arithmetic: Arithmetic,
    scale: Callable[[Tensor], Tensor],
) -> Losses:
    """Add to the gradients what the losses of the whole batch add, up to rounding; the losses come detached.

    Reconstruction errors average over pairs, so each part counts by its share of them. MIM compares every pair with
    every other: the descriptors of all pairs are computed first, and the gradient of the loss with respect to them
    then stands for it when a part is computed again. That costs a second pass of the encoder.

    Args:
        noise: masking noise (B, L) a sensor, so that both passes see the same patches.
        micro_batches: parts of the batch, 1 to B.
        arithmetic: makes a context for each pass; one context for both would reuse casts that lack a gradient.
        scale: of the gradient scaler.
    Source: GradCache (Gao et al., 2021).
    """
    pieces = [*_pieces(len(images["s1"]), micro_batches)]
    pulls: Images = {}
    mim = mde = None
    if model.config.mim or model.config.mde:
        whole = _descriptors(model, images, noise, pieces, arithmetic)
        contrast = model.objective({}, whole)
        gradients = torch.autograd.grad(contrast.total, [whole[sensor] for sensor in SENSORS])
        pulls = dict(zip(SENSORS, gradients, strict=True))
        mim, mde = (None if loss is None else loss.detach() for loss in (contrast.mim, contrast.mde))
    shares: dict[tuple[Sensor, Sensor], list[Tensor]] = {pair: [] for pair in model.config.counted_by}
    for piece in pieces:
        share = (piece.stop - piece.start) / len(images["s1"])
        with arithmetic():
            made = model.parts(_rows(images, piece), _rows(noise, piece))
        errors = {pair: share * error for pair, error in made.errors.items()}
        pulled = [(made.descriptors[sensor].float() * pull_BD[piece]).sum() for sensor, pull_BD in pulls.items()]
        torch.autograd.backward(scale(torch.stack([*errors.values(), *pulled]).sum()))
        for pair, error in errors.items():
            shares[pair].append(error.detach())
    return Losses.of({pair: torch.stack(terms).sum() for pair, terms in shares.items()}, mim=mim, mde=mde)


def _descriptors(model: CSMAE, images: Images, noise: Images, pieces: list[slice], arithmetic: Arithmetic) -> Images:
    """Of the whole batch, in float32, as leaves of a new graph: (B, D) a sensor."""
    with torch.no_grad(), arithmetic():
        seen = [model.describe_kept(_rows(images, piece), _rows(noise, piece)) for piece in pieces]
    return {sensor: torch.cat([part[sensor] for part in seen]).float().requires_grad_() for sensor in SENSORS}


def _pieces(pairs: int, parts: int) -> Iterator[slice]:
    """Rows of each part; where the batch does not divide, they differ by a pair."""
    for start, stop in pairwise(pairs * part // parts for part in range(parts + 1)):
        yield slice(start, stop)


def _rows(tensors: Images, piece: slice) -> Images:
    return {sensor: tensor[piece] for sensor, tensor in tensors.items()}
