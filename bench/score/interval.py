"""How far a difference between candidates can be believed: noise between seeds and between queries together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # Student's t quantile; scipy.stats has the same and takes a second to load

from bench.score.descriptors import blocks
from bench.score.overlap import harmonic_mean

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""A score of means over queries: (..., components) to (...)."""

ROUNDING: Final = 1e-12
"""Estimates below it are zero: scores are shares, sums of a few of them in float64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A weighted sum of candidates' scores (a difference, as a rule) with its interval."""

    estimate: float
    low: float
    high: float
    """Ends of the two-sided interval, widened for the number of comparisons made at once."""
    level: float
    """Confidence of the whole family of comparisons, as 0.95."""
    comparisons: int
    """How many comparisons share that level (Bonferroni)."""
    seed_error: float
    """Standard error that the seeds leave."""
    query_error: float
    """Standard error that the finite set of queries leaves."""

    @property
    def decided(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


def f1_statistic(directions: int) -> Statistic:
    """F1 of averages, averaged over directions; components are precision and recall of each in turn."""

    def statistic(means_XC: NDArray[np.float64]) -> NDArray[np.float64]:
        pairs_XT2 = means_XC.reshape(*means_XC.shape[:-1], directions, 2)
        return np.asarray(harmonic_mean(pairs_XT2[..., 0], pairs_XT2[..., 1]).mean(axis=-1))

    return statistic


def mean_statistic(means_XC: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the components."""
    return np.asarray(means_XC.mean(axis=-1))


def contrast(
    samples: Sequence[NDArray[np.float64]],
    weights: Sequence[float],
    statistic: Statistic,
    *,
    level: float = 0.95,
    comparisons: int = 1,
    resamples: int = 2000,
    seed: int = 0,
) -> Contrast | None:
    """A weighted sum of candidates' scores and what seeds and queries leave open of it.

    Seeds: the variance between seeds of a candidate, pooled over all candidates given. Queries: bootstrap, the same
    resample for every candidate and seed, so that what is hard for all cancels. The two variances add; the interval is
    Student's t with Welch and Satterthwaite's degrees of freedom. Scores of single seeds hold some noise of the finite
    query set too, so that part is counted twice and the interval a little too wide.

    Args:
        samples: for each candidate (seeds, queries, components), all on the same queries in the same order.
        weights: for each candidate, as 1 and -1; one with 0 still lends its variance between seeds.
        statistic: makes a score of the means over queries.
        comparisons: how many such intervals are to hold together; one who compares the highest mean with the others has
            looked at every pair.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    Returns: None where noise cannot be known: no candidate has two seeds, or there is one query.
    Raises: ValueError: samples differ in queries or do not match the weights.
    """
    queries = {sample.shape[1] for sample in samples}
    if len(queries) != 1 or len(samples) != len(weights):
        raise ValueError(f"{len(weights)} weights for {len(samples)} candidates with {sorted(queries)} queries")
    scores = [statistic(sample.mean(axis=1)) for sample in samples]
    seed_freedom, query_freedom = sum(len(score) - 1 for score in scores), queries.pop() - 1
    if seed_freedom == 0 or query_freedom == 0:
        return None
    estimate = sum(weight * float(score.mean()) for weight, score in zip(weights, scores, strict=True))
    between_seeds = sum(float(np.square(score - score.mean()).sum()) for score in scores) / seed_freedom
    seed_variance = between_seeds * sum(weight**2 / len(score) for weight, score in zip(weights, scores, strict=True))
    query_variance = _query_variance(samples, weights, statistic, resamples, seed)
    variance = seed_variance + query_variance
    reach = 0.0
    if variance > 0:
        share = seed_variance / variance
        freedom = 1 / (share**2 / seed_freedom + (1 - share) ** 2 / query_freedom)
        reach = float(stdtrit(freedom, 1 - (1 - level) / (2 * comparisons))) * sqrt(variance)
    if abs(estimate) < ROUNDING:
        estimate = 0.0
    return Contrast(
        estimate=estimate,
        low=estimate - reach,
        high=estimate + reach,
        level=level,
        comparisons=comparisons,
        seed_error=sqrt(seed_variance),
        query_error=sqrt(query_variance),
    )


def _query_variance(
    samples: Sequence[NDArray[np.float64]], weights: Sequence[float], statistic: Statistic, resamples: int, seed: int
) -> float:
    random = np.random.default_rng(seed)
    queries = samples[0].shape[1]
    weighed = [(weight, sample) for weight, sample in zip(weights, samples, strict=True) if weight]
    sums_R = np.zeros(resamples)
    for rows in blocks(resamples, queries):
        shares_BQ = _resampled(random, rows.stop - rows.start, queries)
        for weight, sample_SQC in weighed:
            seeds, _, components = sample_SQC.shape
            # One matrix product for all seeds and components: (resamples, queries) x (queries, seeds * components).
            means_BX = shares_BQ @ sample_SQC.transpose(1, 0, 2).reshape(queries, -1)
            sums_R[rows] += weight * statistic(means_BX.reshape(-1, seeds, components)).mean(axis=1)
    # A resample of n queries varies (n - 1) / n as much as n new queries.
    return float(sums_R.var(ddof=1) * queries / (queries - 1))


def _resampled(random: np.random.Generator, resamples: int, queries: int) -> NDArray[np.float64]:
    """How often each query is drawn, as a share of all draws: (resamples, queries)."""
    drawn_BQ = random.integers(queries, size=(resamples, queries)) + queries * np.arange(resamples)[:, np.newaxis]
    counts = np.bincount(drawn_BQ.ravel(), minlength=resamples * queries)
    return counts.reshape(resamples, queries) / queries
