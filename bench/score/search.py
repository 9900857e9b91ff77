"""Exact nearest neighbours by cosine, in an order that depends on nothing but the descriptors."""

import numpy as np
from numpy.typing import NDArray

from bench.score.descriptors import ScoreError, unit_vectors
from bench.score.products import at_most, exact_where, rough_error, visit_products


def nearest(
    queries_ND: NDArray[np.float32], archive_MD: NDArray[np.float32], k: int, *, threads: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The k nearest archive rows of each query and their distances, ordered by (distance, row).

    Args:
        queries_ND, archive_MD: finite, not normalised. A zero vector has cosine 0 to everything.
        k: the whole archive is returned where it holds fewer.
        threads: parts of the queries at once.
    Returns: rows (N, k) and squared Euclidean distances of the unit vectors, 2 - 2 cosine (N, k).
    Raises: ScoreError: a side is empty, holds NaN or infinity, or the widths differ.
    """
    if k < 1:
        raise ValueError(f"k={k}: at least one neighbour has to be looked at")
    if queries_ND.shape[1] != archive_MD.shape[1]:
        raise ScoreError(
            f"Query descriptors have {queries_ND.shape[1]} components, archive descriptors {archive_MD.shape[1]}: "
            "they come from different models."
        )
    queries_ND, archive_MD = unit_vectors(queries_ND, what="query"), unit_vectors(archive_MD, what="archive")
    search = Search(queries_ND, archive_MD, k)
    visit_products(queries_ND, archive_MD, [search], threads=threads)
    return search.ids_Nk, search.distances


class Search:
    """Finds the k nearest of each query among the products that it is shown.

    Rough cosines only say which items are worth an exact look: those that could beat the k-th nearest so far, whatever
    rounding did to them.
    """

    def __init__(self, queries_ND: NDArray[np.float32], archive_MD: NDArray[np.float32], k: int) -> None:
        """Begin with nothing found.

        Args:
            queries_ND, archive_MD: from `unit_vectors`.
            k: the whole archive is found where it holds fewer.
        """
        shape = (len(queries_ND), min(k, len(archive_MD)))
        self._queries_ND, self._archive_MD = queries_ND, archive_MD
        self._error = rough_error(queries_ND.shape[1])
        self.ids_Nk = np.full(shape, -1, dtype=np.int64)
        """Archive rows, ordered by (distance, row)."""
        self._cosines_Nk = np.full(shape, -np.inf)

    @property
    def distances(self) -> NDArray[np.float64]:
        """Squared Euclidean distances of the unit vectors, exact."""
        return 2.0 - 2.0 * self._cosines_Nk

    def __call__(self, rows: slice, part: slice, rough_BM: NDArray[np.float32]) -> None:
        """Look through a tile; a `Visitor`."""
        k = self.ids_Nk.shape[1]
        worst_B = self._cosines_Nk[rows, -1]
        worth_B = worst_B
        if part.start < k < rough_BM.shape[1]:
            # k items of this tile have exact cosines that are not below this; none counts as more than 1
            kth_B = np.partition(rough_BM, -k, axis=1)[:, -k].astype(np.float64)
            worth_B = np.minimum(kth_B - self._error, 1.0)
        worth_BM = rough_BM >= at_most(worth_B - self._error)[:, np.newaxis]
        # an item that only equals the worst has a higher row than those found before
        beyond_B = np.nextafter(worst_B, np.inf)
        found = exact_where(worth_BM, self._queries_ND[rows], self._archive_MD[part], beyond_B, best=k)
        in_block_X, in_part_X, exact_X = found
        if in_block_X.size:
            self._merge(in_block_X + rows.start, in_part_X + part.start, exact_X)

    def _merge(
        self, query_rows_X: NDArray[np.int64], archive_rows_X: NDArray[np.int64], exact_X: NDArray[np.float64]
    ) -> None:
        k = self.ids_Nk.shape[1]
        touched_Y = np.unique(query_rows_X)
        query_rows = np.concatenate((np.repeat(touched_Y, k), query_rows_X))
        archive_rows = np.concatenate((self.ids_Nk[touched_Y].ravel(), archive_rows_X))
        exact = np.concatenate((self._cosines_Nk[touched_Y].ravel(), exact_X))
        # a stable sort: what was found before stays before its equals, new ones stay in the order of their rows
        order = np.lexsort((-exact, query_rows))
        first_Y1 = np.searchsorted(query_rows[order], touched_Y)[:, np.newaxis]
        best_Yk = order[first_Y1 + np.arange(k)]
        self.ids_Nk[touched_Y], self._cosines_Nk[touched_Y] = archive_rows[best_Yk], exact[best_Yk]
