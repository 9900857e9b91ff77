"""The fixed table that tells a transformer where a patch lies."""

import torch
from torch import Tensor

WAVELENGTHS = 10_000
"""Ratio of the longest wavelength to the shortest (Vaswani et al., 2017)."""


def sine_cosine(side: int, width: int) -> Tensor:
    """Positions of a square grid of patches in raster order, (1 + side * side, width); row 0 is for CLS and zero.

    The first half of a row encodes the column, the second half the row of the patch; each half is sines, then
    cosines. Source: MAE (He et al., 2022).
    """
    frequencies_F = WAVELENGTHS ** -(torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    angles_SF = torch.arange(side, dtype=torch.float64)[:, None] * frequencies_F
    waves_SV = torch.cat([angles_SF.sin(), angles_SF.cos()], dim=1)
    columns_LV = waves_SV.repeat(side, 1)
    rows_LV = waves_SV.repeat_interleave(side, dim=0)
    table_LD = torch.cat([columns_LV, rows_LV], dim=1)
    return torch.cat([torch.zeros(1, width, dtype=torch.float64), table_LD]).float()
