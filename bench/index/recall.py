"""How much of the exact neighbours an index finds."""

from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.index.vectors import Vectors

SAME: Final = 1e-6
"""Cosines closer than this count as equal: float32 keeps no more, and either neighbour is then right."""


def cosines_of_found(queries_ND: Vectors, archive_MD: Vectors, ids_Nk: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of each query with what was found for it; minus infinity where nothing was found (-1)."""
    cosines_Nk = np.empty(ids_Nk.shape)
    for row, (query_D, ids_k) in enumerate(zip(queries_ND, ids_Nk, strict=True)):
        cosines_Nk[row] = archive_MD[ids_k].astype(np.float64) @ query_D.astype(np.float64)
    cosines_Nk[ids_Nk < 0] = -np.inf
    return cosines_Nk


def recall_of(found_Nk: NDArray[np.float64], least_N: NDArray[np.float64]) -> tuple[float, float]:
    """Share of the k nearest that were found, and its standard error over queries.

    An item as near as the k-th nearest is one of them, so equal ones may take each other's place. The error is never
    below that of one query that missed one neighbour: that all were found does not prove that all will be.

    Args:
        found_Nk: cosines of what was found.
        least_N: cosine of the k-th exact neighbour.
    """
    each_N = (found_Nk >= least_N[:, np.newaxis] - SAME).mean(axis=1)
    queries, k = found_Nk.shape
    spread = float(each_N.std(ddof=1)) if queries > 1 else 0.5
    return float(each_N.mean()), max(spread / sqrt(queries), 1 / (k * queries))
