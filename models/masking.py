"""Which patches each sensor keeps.

Shapes in names, here and in all of this package: B pairs, C bands, H W pixels, L patches, K kept patches, M hidden
patches, N places asked for, D width, P values in a patch.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.config import SENSORS, ModelConfig, Sensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """An image's patches, by their positions in raster order."""

    kept: Tensor
    """(B, K), those that the encoder sees."""
    hidden: Tensor
    """(B, M), the others."""

    @property
    def order(self) -> Tensor:
        """(B, L), the kept positions, then the hidden ones: the order of a sequence to decode."""
        return torch.cat([self.kept, self.hidden], dim=1)

    def hidden_in_raster(self) -> Tensor:
        """(B, L), true where the patch is hidden."""
        return torch.ones_like(self.order, dtype=torch.bool).scatter(1, self.kept, value=False)


def draw(noise: dict[Sensor, Tensor], config: ModelConfig) -> dict[Sensor, Mask]:
    """Both sensors' masks: the patches of the lowest noise are kept.

    Args:
        noise: (B, L) a sensor; identical and disjoint masking look at that of S1 alone.
        config: tells masking and ratio.
    """
    lowest = {sensor: _lowest_kept(noise[sensor], config.kept_patches) for sensor in SENSORS}
    match config.masking:
        case "random":
            return lowest
        case "identical":
            return {"s1": lowest["s1"], "s2": lowest["s1"]}
        case "disjoint":
            return {"s1": lowest["s1"], "s2": Mask(kept=lowest["s1"].hidden, hidden=lowest["s1"].kept)}


def take(rows_BLD: Tensor, places_BN: Tensor) -> Tensor:
    """The rows at these places, in that order: (B, N, D)."""
    return rows_BLD.gather(1, places_BN.unsqueeze(-1).expand(-1, -1, rows_BLD.size(-1)))


def _lowest_kept(noise_BL: Tensor, kept: int) -> Mask:
    order_BL = noise_BL.argsort(dim=1)
    return Mask(kept=order_BL[:, :kept], hidden=order_BL[:, kept:])
