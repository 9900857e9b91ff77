"""Scores without labels: at which rank does a query find its own place as the other sensor sees it?"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.score.descriptors import ScoreError, blocks, cosines, unit_vectors

PARTNER_KS: Final = (1, 5, 10)
"""Ranks within which finding the partner is counted."""

_QUERIES: Final = 1024
"""Queries compared with a part of the gallery at a time."""


def partner_ranks(queries_ND: NDArray[np.float32], gallery_GD: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rank from 1 of each query's partner, which is the gallery item of the same row, by exact cosine.

    Ties count against the query: the rank is the number of items at least as near as the partner. A collapsed encoder,
    to which all places look alike, is thus last everywhere, and no order of the places can flatter it.

    Raises: ScoreError: descriptors are missing, hold NaN or infinity, or do not fit each other.
    """
    if queries_ND.shape[1] != gallery_GD.shape[1] or len(queries_ND) > len(gallery_GD):
        raise ScoreError(f"{queries_ND.shape} query descriptors have no partners in a gallery of {gallery_GD.shape}.")
    queries_ND, gallery_GD = unit_vectors(queries_ND, what="query"), unit_vectors(gallery_GD, what="gallery")
    ranks_N = np.zeros(len(queries_ND), dtype=np.int64)
    parts = blocks(len(gallery_GD), max(gallery_GD.shape[1], _QUERIES))
    for start in range(0, len(queries_ND), _QUERIES):
        rows = slice(start, min(start + _QUERIES, len(queries_ND)))
        partner_B = (queries_ND[rows].astype(np.float64) * gallery_GD[rows]).sum(axis=1)
        partner_B1 = np.minimum(partner_B, 1.0)[:, np.newaxis]
        for part in parts:
            ranks_N[rows] += np.count_nonzero(cosines(queries_ND[rows], gallery_GD[part]) >= partner_B1, axis=1)
    return ranks_N


def chance_recall(k: int, gallery: int) -> float:
    """Probability that a random order of the gallery puts the partner within the first k."""
    return min(k, gallery) / gallery


def chance_mrr(gallery: int) -> float:
    """Mean of 1 / rank of the partner over random orders of the gallery."""
    return float((1.0 / np.arange(1, gallery + 1)).mean())
