"""Bootstrap over queries: what a score would be on other queries of the same kind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.score.descriptors import blocks

Sample = NDArray[np.float64]
"""Per-query values of one candidate: (seeds, queries, components)."""

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""A score of means over queries: (..., components) to (...)."""

Groups = Sequence[int] | NDArray[np.int64]
"""The tile of each query, as a number: what is drawn together, since neighbours are alike."""

RESAMPLES: Final = 2000
"""A variance over so many is good to 3 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """The units that are drawn: tiles of queries, or single queries where tiles are not known."""

    of_query: NDArray[np.int64] | None
    """Number of each query's tile, from 0; None: every query is its own."""
    sizes: NDArray[np.float64]
    """Queries in each."""

    @property
    def freedom(self) -> float:
        """Degrees of freedom of a variance between them: as many as equal clusters that weigh the same, less one."""
        # Kish's effective number: one big tile among small ones is worth little more than one
        return max(1.0, float(self.sizes.sum() ** 2 / np.square(self.sizes).sum()) - 1)

    @property
    def small_sample(self) -> float:
        """By how much more new clusters vary than a resample of these."""
        return len(self.sizes) / (len(self.sizes) - 1)

    def sums(self, values_QX: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over the queries of each: (clusters, X)."""
        if self.of_query is None:
            return values_QX
        sums_GX = np.zeros((len(self.sizes), values_QX.shape[1]))
        np.add.at(sums_GX, self.of_query, values_QX)
        return sums_GX


def clusters(queries: int, groups: Groups | None) -> Clusters:
    """What is drawn.

    Raises: ValueError: there are not as many groups as queries.
    """
    if groups is None:
        return Clusters(of_query=None, sizes=np.ones(queries))
    if len(groups) != queries:
        raise ValueError(f"{len(groups)} groups for {queries} queries")
    _, of_query = np.unique(np.asarray(groups), return_inverse=True)
    return Clusters(of_query=of_query, sizes=np.bincount(of_query).astype(np.float64))


def resampled_scores(
    samples: Sequence[Sample], statistic: Statistic, drawn: Clusters, *, resamples: int, seed: int
) -> list[NDArray[np.float64]]:
    """Each seed's score under resampled queries, the same resample for all: for each candidate (resamples, seeds)."""
    random = np.random.default_rng(seed)
    sums = [drawn.sums(sample.transpose(1, 0, 2).reshape(sample.shape[1], -1)) for sample in samples]
    found = [np.empty((resamples, len(sample))) for sample in samples]
    count = len(drawn.sizes)
    for rows in blocks(resamples, count):
        times_BG = _times_drawn(random, rows.stop - rows.start, count)
        queries_B1 = (times_BG @ drawn.sizes)[:, np.newaxis]
        for sample_SQC, sums_GX, scores_RS in zip(samples, sums, found, strict=True):
            means_BX = (times_BG @ sums_GX) / queries_B1
            scores_RS[rows] = statistic(means_BX.reshape(len(means_BX), len(sample_SQC), -1))
    return found


def _times_drawn(random: np.random.Generator, resamples: int, count: int) -> NDArray[np.float64]:
    """How often each of `count` is drawn: (resamples, count)."""
    drawn_BG = random.integers(count, size=(resamples, count)) + count * np.arange(resamples)[:, np.newaxis]
    return np.bincount(drawn_BG.ravel(), minlength=resamples * count).reshape(resamples, count).astype(np.float64)
