"""Products of all queries with all of an archive, a tile at a time: what is asked of them is answered on the way."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.score.descriptors import blocks, cosines, cosines_of

Visitor = Callable[[slice, slice, NDArray[np.float32]], None]
"""Told query rows, archive rows and their rough cosines. The archive comes in ascending order to each query; other
threads tell of other queries at the same time. The array is used again afterwards."""

QUERIES: Final = 1024
"""Rows of a tile, at most."""

SHARING: Final = 4
"""Threads that share the memory of one block; each one more takes a quarter again, since narrow tiles are slow."""

CROWDED: Final = 1 / 32
"""Share of a tile from which on it is faster to multiply all of it exactly than to gather the vectors of some pairs."""


def visit_products(
    queries_ND: NDArray[np.float32], archive_MD: NDArray[np.float32], visitors: Sequence[Visitor], *, threads: int
) -> None:
    """Show the rough cosine of every query with every archive item to each visitor.

    They are float32 sums, off by up to `rough_error`. A thread multiplies by one thread of the linear algebra library
    where that is held to one by OPENBLAS_NUM_THREADS, as it is in a trial's process.

    Args:
        queries_ND, archive_MD: from `unit_vectors`.
        threads: tiles at once.
    """
    count = min(QUERIES, ceil(len(queries_ND) / threads))
    parts = blocks(len(archive_MD), max(archive_MD.shape[1], min(threads, SHARING) * count))

    def visit(start: int) -> None:
        rows = slice(start, min(start + count, len(queries_ND)))
        rough_BM = np.empty((rows.stop - rows.start, parts[0].stop), dtype=np.float32)
        for part in parts:
            tile_BM = rough_BM[:, : part.stop - part.start]
            np.matmul(queries_ND[rows], archive_MD[part].T, out=tile_BM)
            for visitor in visitors:
                visitor(rows, part, tile_BM)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(visit, range(0, len(queries_ND), count)))  # raises what a thread raised


def rough_error(width: int) -> float:
    """How far a float32 dot product of unit vectors can be from the exact one, whatever the order of its sum."""
    return 1.01 * width * 2.0**-24  # Higham, Accuracy and Stability of Numerical Algorithms, section 3.1


def at_most(values_X: NDArray[np.float64]) -> NDArray[np.float32]:
    """float32 numbers that are close below."""
    return np.nextafter(values_X.astype(np.float32), np.float32(-np.inf))


def at_least(values_X: NDArray[np.float64]) -> NDArray[np.float32]:
    """float32 numbers that are close above."""
    return np.nextafter(values_X.astype(np.float32), np.float32(np.inf))


def exact_where(
    mask_BM: NDArray[np.bool_],
    queries_BD: NDArray[np.float32],
    archive_MD: NDArray[np.float32],
    least_B: NDArray[np.float64],
    *,
    best: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Where a mask is true and the exact cosine is not below what each query asks: rows, columns, cosines.

    Args:
        queries_BD, archive_MD: from `unit_vectors`.
        best: how many of each query are wanted; of a crowd, those behind them may be left out.
    """
    if np.count_nonzero(mask_BM) > CROWDED * mask_BM.size:
        exact_BM = cosines(queries_BD, archive_MD)
        if best is not None and best < mask_BM.shape[1]:
            least_B = np.maximum(least_B, np.partition(exact_BM, -best, axis=1)[:, -best])
        rows_X, columns_X = true_at(mask_BM & (exact_BM >= least_B[:, np.newaxis]))
        return rows_X, columns_X, exact_BM[rows_X, columns_X]
    rows_X, columns_X = true_at(mask_BM)
    exact_X = cosines_of(queries_BD, archive_MD, rows_X, columns_X)
    kept_X = exact_X >= least_B[rows_X]
    return rows_X[kept_X], columns_X[kept_X], exact_X[kept_X]


def true_at(mask_BM: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns that are true, as `np.nonzero` gives them but in any order, and many times as fast.

    Within a row, columns ascend.
    """
    if not mask_BM.flags.c_contiguous:
        columns_X, rows_X = true_at(np.ascontiguousarray(mask_BM.T))
        return rows_X, columns_X
    flat_X = np.flatnonzero(mask_BM)
    rows_X = flat_X // mask_BM.shape[1]
    return rows_X, flat_X - rows_X * mask_BM.shape[1]
