"""Scores without labels: at which rank does a query find its own place as the other sensor sees it?"""

from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.score.descriptors import cosines_of
from bench.score.products import at_least, at_most, exact_where, rough_error

PARTNER_KS: Final = (1, 5, 10)
"""Ranks within which finding the partner is counted."""


class PartnerRanks:
    """Counts the items that are at least as near to each query as its partner is: the partner's rank, from 1.

    Ties count against the query. A collapsed encoder, to which all places look alike, is thus last everywhere, and no
    order of the places can flatter it. Rough cosines decide but for items too near to the partner's; those are looked
    at exactly.
    """

    def __init__(self, queries_ND: NDArray[np.float32], partners_ND: NDArray[np.float32]) -> None:
        """Begin with nothing counted.

        Args:
            queries_ND, partners_ND: from `unit_vectors`, the same places in the same order by two sensors.
        """
        self._queries_ND = queries_ND
        own_N = np.arange(len(queries_ND))
        self._partner_N = cosines_of(queries_ND, partners_ND, own_N, own_N)
        error = rough_error(queries_ND.shape[1])
        self._low_N, self._high_N = at_most(self._partner_N - error), at_least(self._partner_N + error)
        self._lock = Lock()
        self.ranks_N = np.zeros(len(queries_ND), dtype=np.int64)
        """True once every item of the gallery was counted, the partners among them."""

    def count(self, rows: slice, gallery_BD: NDArray[np.float32], rough_BM: NDArray[np.float32]) -> None:
        """Count some of the gallery for some of the queries; several threads may.

        Args:
            rows: the queries.
            gallery_BD: from `unit_vectors`.
            rough_BM: their products, off by up to `rough_error`.
        """
        low_B1, high_B1 = self._low_N[rows, np.newaxis], self._high_N[rows, np.newaxis]
        nearer_BM = rough_BM > high_B1
        counts_B = nearer_BM.sum(axis=1)
        unsure_BM = np.logical_xor(rough_BM >= low_B1, nearer_BM, out=nearer_BM)
        as_near_X, _, _ = exact_where(unsure_BM, self._queries_ND[rows], gallery_BD, self._partner_N[rows])
        counts_B += np.bincount(as_near_X, minlength=len(counts_B))
        with self._lock:
            self.ranks_N[rows] += counts_B


def chance_recall(k: int, gallery: int) -> float:
    """Probability that a random order of the gallery puts the partner within the first k."""
    return min(k, gallery) / gallery


def chance_mrr(gallery: int) -> float:
    """Mean of 1 / rank of the partner over random orders of the gallery."""
    return float((1.0 / np.arange(1, gallery + 1)).mean())


def chance_median_rank(gallery: int) -> float:
    """Mean of the median rank over random orders of the gallery: all ranks are equally likely."""
    return (gallery + 1) / 2
