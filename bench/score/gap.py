"""How far apart the two sensors' descriptors lie as wholes."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.config import Sensor

Units = Mapping[Sensor, NDArray[np.float32]]
"""Unit vectors of one split by sensor."""


def modality_gap(query: Units, archive: Units) -> float:
    """Euclidean distance between the mean unit vector of each sensor, over both splits.

    0: the clouds share their centre, though not their shape. Up to 2: each cloud is a point opposite the other.
    Source: Liang et al., Mind the gap, NeurIPS 2022, section 2.
    """
    return float(np.linalg.norm(_mean(query["s1"], archive["s1"]) - _mean(query["s2"], archive["s2"])))


def _mean(first_ND: NDArray[np.float32], second_MD: NDArray[np.float32]) -> NDArray[np.float64]:
    total_D = first_ND.sum(axis=0, dtype=np.float64) + second_MD.sum(axis=0, dtype=np.float64)
    mean_D: NDArray[np.float64] = total_D / (len(first_ND) + len(second_MD))
    return mean_D
