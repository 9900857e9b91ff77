"""Exact nearest neighbours by cosine, in an order that depends on nothing but the descriptors. Loads faiss."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

from bench.score.descriptors import ScoreError, blocks, cosines, unit_vectors

SPARE: Final = 16
"""Neighbours fetched beyond k, among which near-equal ones are put in order."""


def nearest(
    queries_ND: NDArray[np.float32], archive_MD: NDArray[np.float32], k: int, *, threads: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The k nearest archive rows of each query and their distances, ordered by (distance, row).

    faiss fetches k + 16 in float32; exact cosines put them in order. float32 errs by no more than `_error`, so when
    the last fetched is farther than the k-th by more than that, nothing nearer can have been left out. Queries with
    so many near-equal neighbours that this fails are searched again in float64.

    Args:
        queries_ND, archive_MD: finite, not normalised. A zero vector has cosine 0 to everything.
        k: the whole archive is returned where it holds fewer.
        threads: used by faiss.
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
    k, fetched = min(k, len(archive_MD)), min(k + SPARE, len(archive_MD))
    with _faiss_threads(threads):
        rough_NF, ids_NF = faiss.knn(queries_ND, archive_MD, fetched, metric=faiss.METRIC_INNER_PRODUCT)
    exact_NF = _cosines_of(queries_ND, archive_MD, ids_NF)
    order_Nk = np.lexsort((ids_NF, -exact_NF), axis=-1)[:, :k]
    ids_Nk = np.take_along_axis(ids_NF, order_Nk, axis=1)
    cosines_Nk = np.take_along_axis(exact_NF, order_Nk, axis=1)
    if fetched < len(archive_MD):
        left_out_N = rough_NF.min(axis=1) + _error(archive_MD.shape[1])
        unsure = np.flatnonzero(cosines_Nk[:, -1] <= left_out_N)
        ids_Nk[unsure], cosines_Nk[unsure] = _scan(queries_ND[unsure], archive_MD, k)
    return ids_Nk, 2.0 - 2.0 * cosines_Nk


def _error(width: int) -> float:
    """How far a float32 dot product of unit vectors can be from the exact one, whatever the order of its sum."""
    return 1.01 * width * 2.0**-24  # Higham, Accuracy and Stability of Numerical Algorithms, section 3.1


def _cosines_of(
    queries_ND: NDArray[np.float32], archive_MD: NDArray[np.float32], ids_NF: NDArray[np.int64]
) -> NDArray[np.float64]:
    exact_NF = np.empty(ids_NF.shape)
    for rows in blocks(len(ids_NF), ids_NF.shape[1] * archive_MD.shape[1]):
        found_BFD = archive_MD[ids_NF[rows]].astype(np.float64)
        dots_BF1 = found_BFD @ queries_ND[rows].astype(np.float64)[:, :, np.newaxis]
        np.minimum(dots_BF1[:, :, 0], 1.0, out=exact_NF[rows])
    return exact_NF


def _scan(
    queries_ND: NDArray[np.float32], archive_MD: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    ids_Nk = np.empty((len(queries_ND), k), dtype=np.int64)
    cosines_Nk = np.empty((len(queries_ND), k))
    for rows in blocks(len(queries_ND), len(archive_MD)):
        exact_BM = np.empty((rows.stop - rows.start, len(archive_MD)))
        for part in blocks(len(archive_MD), archive_MD.shape[1]):
            exact_BM[:, part] = cosines(queries_ND[rows], archive_MD[part])
        for row, exact_M in enumerate(exact_BM, start=rows.start):
            ids = np.flatnonzero(exact_M >= np.partition(exact_M, -k)[-k])
            ids_Nk[row] = ids[np.argsort(-exact_M[ids], kind="stable")][:k]
            cosines_Nk[row] = exact_M[ids_Nk[row]]
    return ids_Nk, cosines_Nk


@contextmanager
def _faiss_threads(threads: int) -> Iterator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
