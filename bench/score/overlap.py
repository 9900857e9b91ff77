"""Scores by shared labels: precision, recall and the two ways to make an F1 of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.uint16] | NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What the results of each query share with it, averaged over its results; one value a query.

    Of a query-result pair: precision = shared labels / labels of the result, recall = shared labels / labels of the
    query, pairwise F1 = 2 x shared labels / labels of both together. Where there is nothing to divide by, the value is
    0: an image without labels shares none.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    mean_pairwise_f1: NDArray[np.float64]

    def per_query(self) -> dict[str, NDArray[np.float64]]:
        """The values under their keys of `METRICS`."""
        return {"precision": self.precision, "recall": self.recall, "mean_pairwise_f1": self.mean_pairwise_f1}

    def means(self) -> dict[str, float]:
        """The averages over the queries, and the F1 of the first two, under their keys of `METRICS`."""
        means = {metric: float(values.mean()) for metric, values in self.per_query().items()}
        return {**means, "f1_of_means": float(harmonic_mean(self.precision.mean(), self.recall.mean()))}


def overlap(
    ids_NK: NDArray[np.int64], query_labels_NC: NDArray[np.bool_], archive_labels_MC: NDArray[np.bool_]
) -> Overlap:
    """Score the archive rows found for each query, all of them against all its labels."""
    shared_NK = count_shared(query_labels_NC, archive_labels_MC, ids_NK)
    query_N1 = _counts(query_labels_NC)[:, np.newaxis]
    result_NK = _counts(archive_labels_MC)[ids_NK]
    return Overlap(
        precision=_row_means(_share(shared_NK, result_NK)),
        recall=_row_means(_share(shared_NK, query_N1)),
        mean_pairwise_f1=_row_means(_share(2 * shared_NK, query_N1 + result_NK)),
    )


def count_shared(
    query_labels_NC: NDArray[np.bool_], archive_labels_MC: NDArray[np.bool_], ids_NK: NDArray[np.int64]
) -> NDArray[np.uint16]:
    """How many labels each query shares with its archive rows: (N, K); one row of ids serves all queries."""
    shared_NK = np.zeros((len(query_labels_NC), ids_NK.shape[1]), dtype=np.uint16)
    for query_N, archive_M in zip(_words(query_labels_NC).T, _words(archive_labels_MC).T, strict=True):
        shared_NK += np.bitwise_count(query_N[:, np.newaxis] & archive_M[ids_NK])
    return shared_NK


def chance(query_labels_NC: NDArray[np.bool_], archive_labels_MC: NDArray[np.bool_]) -> Overlap:
    """What each query scores on average when any archive item is as likely as any other: exact, whatever k.

    The archive enters only by how often each class occurs among its items with s labels, for every s.
    """
    archive_M = archive_labels_MC.sum(axis=1)
    sizes_S, group_M = np.unique(archive_M, return_inverse=True)
    classes_SC = np.zeros((len(sizes_S), archive_labels_MC.shape[1]))
    np.add.at(classes_SC, group_M, archive_labels_MC)
    shared_NS = query_labels_NC.astype(np.float64) @ classes_SC.T / len(archive_M)
    query_N1 = query_labels_NC.sum(axis=1)[:, np.newaxis]
    return Overlap(
        precision=_share(shared_NS, sizes_S).sum(axis=1),
        recall=_share(shared_NS, query_N1).sum(axis=1),
        mean_pairwise_f1=_share(2 * shared_NS, query_N1 + sizes_S).sum(axis=1),
    )


def harmonic_mean(
    first: NDArray[np.float64] | np.float64, second: NDArray[np.float64] | np.float64
) -> NDArray[np.float64] | np.float64:
    """Harmonic mean of numbers not below 0; 0 where both are."""
    return 2 * first * second / np.maximum(first + second, np.finfo(np.float64).tiny)


def _words(labels_NC: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Labels as the bits of words, 64 classes each."""
    places, classes = labels_NC.shape
    words = -(-classes // 64)
    bits_NX = np.zeros((places, 64 * words), dtype=np.bool_)
    bits_NX[:, :classes] = labels_NC
    return np.packbits(bits_NX).view(np.uint64).reshape(places, words)


def _counts(labels_NC: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Number of labels of each place; 16 bits keep the arrays of pairs in the cache, which halves the time."""
    counts_N: NDArray[np.uint16] = labels_NC.sum(axis=1, dtype=np.uint16)
    return counts_N


def _share(part: Counts, whole: Counts) -> NDArray[np.float64]:
    """Part / whole; where the whole is 0 so is the part, and the share."""
    return np.divide(part, np.maximum(whole, 1), dtype=np.float64)


def _row_means(values_NK: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each row; for rows as short as k, einsum is four times as fast as `mean`."""
    means_N: NDArray[np.float64] = np.einsum("nk->n", values_NK) / values_NK.shape[1]
    return means_N
