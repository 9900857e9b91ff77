"""Scores by the order in which results come: nDCG and average precision for images of several labels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.score.relevance import Relevance

Counts = NDArray[np.int64] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """How well the results of each query are ordered; one value a query.

    With g(n) the number of labels that the result at rank n shares with the query, and "relevant" where g(n) > 0:

    nDCG: sum of g(n) / log2(n + 1) over the k results, over the largest such sum that any k images of the archive give.
    Average precision: sum over relevant n of (relevant results down to n) / n, over the relevant images of the archive
    or k, whichever is fewer.
    Weighted average precision: sum over relevant n of (g(1) + ... + g(n)) / n, over the relevant results: how many
    labels are shared on average down to each relevant result. It can exceed 1.

    Where there is nothing to divide by, the value is 0. All three look at k results and no further.
    """

    ndcg: NDArray[np.float64]
    average_precision: NDArray[np.float64]
    weighted_average_precision: NDArray[np.float64]

    def per_query(self) -> dict[str, NDArray[np.float64]]:
        """The values that share a scale over queries, under their keys of `METRICS`."""
        return {"ndcg": self.ndcg, "map": self.average_precision}

    def means(self) -> dict[str, float]:
        """The averages over the queries under their keys of `METRICS`."""
        means = {metric: float(values.mean()) for metric, values in self.per_query().items()}
        return {**means, "weighted_map": float(self.weighted_average_precision.mean())}


def ranking(shared_NK: Counts, known: Relevance) -> Ranking:
    """Score results, the nearest first, by how many labels each shares with its query."""
    ranks_K = np.arange(1, shared_NK.shape[1] + 1)
    relevant_NK = shared_NK > 0
    gained_NK = shared_NK.cumsum(axis=1, dtype=np.float64) / ranks_K
    return Ranking(
        ndcg=_ratio(shared_NK @ _discounts(len(ranks_K)), _ideal(known, len(ranks_K))),
        average_precision=average_precision(relevant_NK, known.relevant),
        weighted_average_precision=_ratio((gained_NK * relevant_NK).sum(axis=1), relevant_NK.sum(axis=1)),
    )


def average_precision(relevant_NK: NDArray[np.bool_], in_archive_N: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average precision of each row of results, the nearest first.

    Args:
        relevant_NK: whether each result is.
        in_archive_N: how many images of the archive are.
    """
    ranks_K = np.arange(1, relevant_NK.shape[1] + 1)
    precision_NK = relevant_NK.cumsum(axis=1) / ranks_K
    return _ratio((precision_NK * relevant_NK).sum(axis=1), np.minimum(in_archive_N, len(ranks_K)))


def chance_ranking(known: Relevance, k: int) -> Ranking:
    """What a random order of the archive scores on average: exact."""
    images, relevant_N = known.images, known.relevant
    k = min(k, images)
    shared_N = known.sharing.sum(axis=1)
    # Given that r of the k results are relevant, any r ranks are equally likely and any relevant image is at each: one
    # at rank n shares labels itself and has (n - 1) (r - 1) / (k - 1) relevant results before it, each sharing as many.
    some_N = 1 - _none_found(images, relevant_N, k)
    harmonic = float((1 / np.arange(1, k + 1)).sum())
    more_N = k * relevant_N / images - some_N  # mean of r - 1 where r > 0
    weighted_N = (some_N * harmonic + more_N * (k - harmonic) / max(k - 1, 1)) / k
    return Ranking(
        ndcg=_ratio(shared_N / images * _discounts(k).sum(), _ideal(known, k)),
        average_precision=chance_average_precision(relevant_N, images, k),
        weighted_average_precision=_ratio(shared_N, relevant_N) * weighted_N,
    )


def chance_average_precision(in_archive_N: NDArray[np.int64], images: int, k: int) -> NDArray[np.float64]:
    """Mean of the average precision over random orders of an archive in which so many images are relevant: exact.

    The result at rank n is relevant with probability p = R / M, and so is each one before it with (R - 1) / (M - 1).
    """
    k = min(k, images)
    harmonic = float((1 / np.arange(1, k + 1)).sum())
    another_N = (in_archive_N - 1) / max(images - 1, 1)
    found_N = in_archive_N / images * (harmonic + another_N * (k - harmonic))
    return _ratio(found_N, np.minimum(in_archive_N, k))


def _discounts(k: int) -> NDArray[np.float64]:
    return 1 / np.log2(np.arange(2, k + 2))


def _ideal(known: Relevance, k: int) -> NDArray[np.float64]:
    """Discounted gain of the best k images; one that shares s labels is among those that share 1, 2, ... s or more."""
    up_to = np.concatenate(([0.0], _discounts(k).cumsum()))
    best_N: NDArray[np.float64] = up_to[np.minimum(known.sharing, k)].sum(axis=1)
    return best_N


def _none_found(images: int, relevant_N: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Probability that none of k random images is relevant."""
    drawn_K = np.arange(k)
    left_NK = np.maximum(images - relevant_N[:, np.newaxis] - drawn_K, 0) / (images - drawn_K)
    none_N: NDArray[np.float64] = left_NK.prod(axis=1)
    return none_N


def _ratio(part: NDArray[np.float64] | Counts, whole: NDArray[np.float64] | Counts) -> NDArray[np.float64]:
    """Part / whole; 0 where the whole is."""
    return np.divide(part, np.where(whole > 0, whole, 1), dtype=np.float64) * (whole > 0)
