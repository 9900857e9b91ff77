"""Descriptors made ready for an exact ranking by cosine."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError

GRID: Final = 2.0**-24
"""Step to which the components of unit vectors are rounded: about what float32 keeps of them."""

BLOCK_VALUES: Final = 2**22
"""Numbers in a temporary array, at most (32 MiB in float64), so that memory does not grow with the data."""

CACHED: Final = 32
"""Parts of such an array, each of which fits the cache of a processor: vectors are gathered four times as fast."""


class ScoreError(BenchError):
    """Descriptors or labels that cannot be scored."""


def check_descriptors(descriptors_ND: NDArray[np.float32], *, what: str) -> None:
    """Refuse what cannot be ranked, by its name.

    Raises: ScoreError: there are none, or some hold NaN or infinity.
    """
    if len(descriptors_ND) == 0:
        raise ScoreError(f"There are no {what} descriptors to score.")
    finite_N = np.empty(len(descriptors_ND), dtype=np.bool_)
    for rows in blocks(len(descriptors_ND), descriptors_ND.shape[1]):
        np.isfinite(descriptors_ND[rows]).all(axis=1, out=finite_N[rows])
    bad = np.flatnonzero(~finite_N)
    if bad.size:
        raise ScoreError(
            f"{bad.size} of {len(descriptors_ND)} {what} descriptors hold NaN or infinity (the first is row {bad[0]}): "
            "nothing can be searched with them."
        )


def unit_vectors(descriptors_ND: NDArray[np.float32], *, what: str) -> NDArray[np.float32]:
    """Descriptors of length 1 on a grid on which float64 adds up their products without any rounding.

    Products of grid values are multiples of 2^-48 and their sums stay below 2, so 53 bits hold them. A cosine is thus
    the same number for any batch, thread count or library, and ties are exact. A zero vector stays zero: its cosine
    to everything is 0.

    Args:
        descriptors_ND: any finite numbers.
        what: their name in the message, as "query".
    Raises: ScoreError: there are none, or some hold NaN or infinity.
    """
    check_descriptors(descriptors_ND, what=what)
    units_ND = np.empty(descriptors_ND.shape, dtype=np.float32)
    for rows in blocks(len(units_ND), descriptors_ND.shape[1]):
        # C order: the sum below then runs along a row, in an order that does not depend on the other rows.
        block_BD = descriptors_ND[rows].astype(np.float64, order="C")
        lengths_B1 = np.sqrt(np.square(block_BD).sum(axis=1, keepdims=True))
        block_BD /= np.where(lengths_B1 > 0, lengths_B1, 1.0)
        block_BD /= GRID
        np.rint(block_BD, out=block_BD)
        np.multiply(block_BD, GRID, out=units_ND[rows], casting="same_kind")
    return units_ND


def cosines(queries_ND: NDArray[np.float32], archive_MD: NDArray[np.float32]) -> NDArray[np.float64]:
    """Exact cosine of each query with each archive item, both from `unit_vectors`: (N, M).

    The grid can make a vector longer than 1 by a trace; a cosine above 1 counts as 1.
    """
    dots_NM = queries_ND.astype(np.float64) @ archive_MD.astype(np.float64).T
    return np.minimum(dots_NM, 1.0, out=dots_NM)


def cosines_of(
    queries_ND: NDArray[np.float32],
    archive_MD: NDArray[np.float32],
    query_rows_X: NDArray[np.int64],
    archive_rows_X: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Exact cosine of chosen pairs, both sides from `unit_vectors`: the numbers that `cosines` has there."""
    exact_X = np.empty(len(query_rows_X))
    for pairs in blocks(len(query_rows_X), CACHED * queries_ND.shape[1]):
        query_BD = queries_ND.take(query_rows_X[pairs], axis=0).astype(np.float64)
        archive_BD = archive_MD.take(archive_rows_X[pairs], axis=0).astype(np.float64)
        np.vecdot(query_BD, archive_BD, out=exact_X[pairs])
    return np.minimum(exact_X, 1.0, out=exact_X)


def blocks(count: int, values_each: int) -> list[slice]:
    """Slices that cover `count` items, each of about `BLOCK_VALUES` numbers when an item has `values_each`."""
    size = max(1, BLOCK_VALUES // max(1, values_each))
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
