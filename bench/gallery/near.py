"""Exact cosines of a few queries with everything: for the nearest, and for the rank of any one."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.score.descriptors import ScoreError, blocks, cosines, unit_vectors

_FEW: Final = 64
"""Queries for which blocks of the archive are made small enough."""


def all_cosines(queries_ND: NDArray[np.float32], archives: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Exact cosine of each query with everything in these archives, one behind the other: (N, M).

    Args:
        queries_ND: a few, not normalised.
        archives: (any, D) each, not normalised; read block by block.
    Raises: ScoreError: a side is empty, holds NaN or infinity, or the widths differ.
    """
    parts = []
    units_ND = unit_vectors(queries_ND, what="query")
    for archive_MD in archives:
        if archive_MD.shape[1] != queries_ND.shape[1]:
            raise ScoreError(
                f"Query descriptors have {queries_ND.shape[1]} components, archive descriptors "
                f"{archive_MD.shape[1]}: one cannot be searched with the other."
            )
        parts += [
            cosines(units_ND, unit_vectors(archive_MD[rows], what="archive"))
            for rows in blocks(len(archive_MD), max(archive_MD.shape[1], _FEW))
        ]
    return np.concatenate(parts, axis=1)


def first(cosines_M: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Rows of the k nearest, ordered by (distance, row)."""
    return np.argsort(-cosines_M, kind="stable")[:k]
