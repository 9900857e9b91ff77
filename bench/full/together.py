"""The gradients of a batch that several processes share: those of the whole batch, whatever their number."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from bench.full.ranks import Ranks
from models.config import SENSORS, Sensor
from models.csmae import CSMAE, Parts
from models.losses import Losses

Images = dict[Sensor, Tensor]
Errors = dict[tuple[Sensor, Sensor], Tensor]


class _Passed(nn.Module):
    """What losses are made of as the forward pass, which is where DistributedDataParallel listens."""

    def __init__(self, model: CSMAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Images, noise: Images) -> Parts:
        return self.model.parts(images, noise)


class Together:
    """A network whose gradients are averaged over the processes while they are computed.

    MIM compares every pair of the batch with every other, those of the other processes included: descriptors are
    gathered, each process computes the loss of them all, and its gradient with respect to a process's own descriptors
    is carried into that process's share. So the loss does not depend on the number of processes, up to rounding.
    """

    def __init__(self, model: CSMAE, ranks: Ranks) -> None:
        self._model, self._ranks = model, ranks
        ids = [ranks.device.index] if ranks.device.type == "cuda" else None
        # the only buffers are positions, which never change
        self._averaged = DistributedDataParallel(_Passed(model), device_ids=ids, forward_sync_buffers=False)

    def gradients(
        self,
        images: Images,
        noise: Images,
        *,
        micro_batches: int,
        arithmetic: Callable[[], AbstractContextManager[object]],
        scale: Callable[[Tensor], Tensor],
    ) -> Losses:
        """Add to the gradients what the losses of the whole batch add; the losses come detached, of the whole batch.

        The objective holds MIM or MDE, and UMR or CMR: every weight takes part.

        Args:
            images: this process's share of them, as large as every other's.
            noise: masking noise (B, L) a sensor for that share.
            micro_batches: parts to compute the share in; several cost a second pass of the encoder.
            arithmetic: makes a context for each pass.
            scale: of the gradient scaler.
        """
        if micro_batches == 1:
            with arithmetic():
                made: Parts = self._averaged(images, noise)
            contrast, pulls = self._contrast(made.descriptors)
            return self._losses([_add(made, pulls, 1.0, scale)], contrast)
        own = len(images["s1"])
        pieces = [
            slice(own * part // micro_batches, own * (part + 1) // micro_batches) for part in range(micro_batches)
        ]
        with torch.no_grad(), arithmetic():
            seen = [self._model.describe_kept(_rows(images, piece), _rows(noise, piece)) for piece in pieces]
        contrast, pulls = self._contrast({sensor: torch.cat([part[sensor] for part in seen]) for sensor in SENSORS})
        errors = []
        for piece in pieces:
            with nullcontext() if piece is pieces[-1] else self._averaged.no_sync():
                with arithmetic():
                    made = self._averaged(_rows(images, piece), _rows(noise, piece))
                errors.append(_add(made, _rows(pulls, piece), (piece.stop - piece.start) / own, scale))
        return self._losses(errors, contrast)

    def _contrast(self, own: Images) -> tuple[Losses, Images]:
        """MIM and MDE over all processes' descriptors, and their gradient with respect to this one's."""
        everyone = {sensor: self._ranks.gather(own[sensor].float()).requires_grad_() for sensor in SENSORS}
        contrast = self._model.objective({}, everyone)
        gradients = torch.autograd.grad(contrast.total, [everyone[sensor] for sensor in SENSORS])
        mine = self._ranks.share(len(gradients[0]))
        # what the processes add to this gradient is a sum, and will be averaged
        pulls = {s: self._ranks.count * of_all_BD[mine] for s, of_all_BD in zip(SENSORS, gradients, strict=True)}
        return contrast, pulls

    def _losses(self, errors: list[Errors], contrast: Losses) -> Losses:
        """Of the whole batch, from those of this process's pieces."""
        summed = torch.stack([torch.stack([*piece.values()]) for piece in errors]).sum(dim=0)
        named = dict(zip(errors[0], self._ranks.mean(summed), strict=True))
        mim, mde = (None if loss is None else loss.detach() for loss in (contrast.mim, contrast.mde))
        return Losses.of(named, mim=mim, mde=mde)


def _add(made: Parts, pulls: Images, share: float, scale: Callable[[Tensor], Tensor]) -> Errors:
    """Add a piece's gradients; its reconstruction errors by its share of the pairs, detached."""
    errors = {pair: share * error for pair, error in made.errors.items()}
    pulled = [(made.descriptors[sensor].float() * pull_BD).sum() for sensor, pull_BD in pulls.items()]
    torch.autograd.backward(scale(torch.stack([*errors.values(), *pulled]).sum()))
    return {pair: error.detach() for pair, error in errors.items()}


def _rows(tensors: Images, piece: slice) -> Images:
    return {sensor: tensor[piece] for sensor, tensor in tensors.items()}
