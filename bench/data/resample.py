"""Bicubic interpolation of square images with aligned corners, as two matrix products."""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

_A: Final = -0.75
"""Shape of the cubic kernel: that of torch and OpenCV."""


@lru_cache(maxsize=8)
def bicubic_matrix(source: int, target: int) -> NDArray[np.float32]:
    """Weights (target x source): `m @ image @ m.T` is torch's bicubic resize with `align_corners=True`."""
    position = np.linspace(0, source - 1, target)
    left = np.floor(position).astype(int)
    matrix = np.zeros((target, source))
    for tap in range(-1, 3):
        distance = np.abs(position - (left + tap))
        near = ((_A + 2) * distance - (_A + 3)) * distance**2 + 1
        far = ((_A * distance - 5 * _A) * distance + 8 * _A) * distance - 4 * _A
        # beyond the border the edge pixel repeats
        column = np.clip(left + tap, 0, source - 1)
        np.add.at(matrix, (np.arange(target), column), np.where(distance <= 1, near, far))
    return matrix.astype(np.float32)


def resize(images: NDArray[np.float32], target: int) -> NDArray[np.float32]:
    """Square images (..., source, source) to (..., target, target)."""
    matrix = bicubic_matrix(images.shape[-1], target)
    return np.asarray(matrix @ images @ matrix.T, dtype=np.float32)
