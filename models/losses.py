"""What a network is trained to minimise: UMR, CMR, MIM, MDE and their sum."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # its name in every torch program

from models.config import Sensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The losses of a batch, scalars with gradient; None for those that are not in the objective."""

    total: Tensor
    """Sum of the others, each with weight 1."""
    umr: Tensor | None
    """Uni-modal reconstruction, summed over the sensors."""
    cmr: Tensor | None
    """Cross-modal reconstruction, summed over the directions."""
    mim: Tensor | None
    """Mutual information maximisation."""
    mde: Tensor | None
    """Inter-modal discrepancy elimination."""
    umr_by: Mapping[Sensor, Tensor]
    """The parts of `umr`."""
    cmr_by: Mapping[tuple[Sensor, Sensor], Tensor]
    """The parts of `cmr`, by (source, target)."""

    @classmethod
    def of(
        cls, errors: Mapping[tuple[Sensor, Sensor], Tensor], *, mim: Tensor | None = None, mde: Tensor | None = None
    ) -> Self:
        """Sort and sum: `errors` are the reconstruction errors by (source, target)."""
        umr_by = {source: error for (source, target), error in errors.items() if source == target}
        cmr_by = {pair: error for pair, error in errors.items() if pair[0] != pair[1]}
        umr = torch.stack([*umr_by.values()]).sum() if umr_by else None
        cmr = torch.stack([*cmr_by.values()]).sum() if cmr_by else None
        total = torch.stack([loss for loss in (umr, cmr, mim, mde) if loss is not None]).sum()
        return cls(total=total, umr=umr, cmr=cmr, mim=mim, mde=mde, umr_by=umr_by, cmr_by=cmr_by)


def reconstruction_error(drawn_BNP: Tensor, true_BNP: Tensor) -> Tensor:
    """Squared error, averaged over the values of a patch and over the patches (UMR, CMR)."""
    return F.mse_loss(drawn_BNP.float(), true_BNP.float())


def nt_xent(s1_BD: Tensor, s2_BD: Tensor, *, temperature: float) -> Tensor:
    """Pull the two sensors' descriptors of a pair together, push those of other pairs away (MIM).

    Args:
        s1_BD, s2_BD: descriptors of the same pairs in the same order, not yet normalised.
        temperature: divides the cosine similarities; above 0.
    Returns: mean over the 2B descriptors, in nats. Negatives are the 2B - 2 descriptors of other pairs, both sensors'.
    Raises: ValueError: fewer than two pairs, so nothing to push away.
    Source: NT-Xent (Chen et al., 2020).
    """
    pairs = len(s1_BD)
    if pairs < 2:
        raise ValueError(f"MIM needs at least 2 pairs in a batch, there is {pairs}: it pushes other pairs away")
    with torch.autocast(s1_BD.device.type, enabled=False):  # half precision would blur what tells pairs apart
        descriptors_AD = F.normalize(torch.cat([s1_BD, s2_BD]).float(), dim=1)
        similarity_AA = descriptors_AD @ descriptors_AD.T / temperature
    similarity_AA.fill_diagonal_(-torch.inf)
    partner_A = torch.arange(2 * pairs, device=s1_BD.device).roll(pairs)
    return F.cross_entropy(similarity_AA, partner_A)


def discrepancy(s1_BD: Tensor, s2_BD: Tensor) -> Tensor:
    """Pull the two sensors' descriptors of a pair together by angle (MDE): -mean log(1 + exp(cosine)), in nats."""
    cosine_B = F.cosine_similarity(s1_BD.float(), s2_BD.float(), dim=1)
    return -F.softplus(cosine_B).mean()
