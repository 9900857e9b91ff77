"""How far a difference between candidates can be believed: noise between seeds and between queries together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.score.family import Bonferroni, Family
from bench.score.overlap import harmonic_mean
from bench.score.resample import RESAMPLES, Groups, Sample, Statistic, clusters, resampled_scores

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
    """How many comparisons share that level."""
    seed_error: float
    """Standard error that seeds leave however many the queries; only more seeds lower it."""
    query_error: float
    """Standard error that the finite set of queries leaves; more queries lower it."""
    shared_error: float = 0.0
    """The part of `query_error` that more seeds lower as well: what a seed does to some queries and not to others."""
    seed_freedom: float = inf
    """Degrees of freedom of the variance between seeds: seeds beyond the first of each candidate."""
    query_freedom: float = inf
    """Of the variance between queries: about as many as there are tiles, or queries where tiles are not known."""

    @property
    def decided(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0

    @property
    def error(self) -> float:
        """Standard error of seeds and queries together."""
        return sqrt(self.seed_error**2 + self.query_error**2)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of that error, after Welch and Satterthwaite; infinite without any."""
        # the shared part was taken out of the sum, but not its chance: each variance is as uncertain as it was found
        between_seeds = self.seed_error**2 + self.shared_error**2
        spread = between_seeds**2 / self.seed_freedom + self.query_error**4 / self.query_freedom
        return self.error**4 / spread if spread else inf


def f1_statistic(directions: int, weights: Sequence[float] = ()) -> Statistic:
    """F1 of averages, averaged over directions; components are precision and recall of each in turn.

    Args:
        weights: of the directions; empty: all count alike.
    """

    def statistic(means_XC: NDArray[np.float64]) -> NDArray[np.float64]:
        pairs_XT2 = means_XC.reshape(*means_XC.shape[:-1], directions, 2)
        each_XT = np.asarray(harmonic_mean(pairs_XT2[..., 0], pairs_XT2[..., 1]))
        return mean_statistic(each_XT, weights=weights)

    return statistic


def mean_statistic(means_XC: NDArray[np.float64], *, weights: Sequence[float] = ()) -> NDArray[np.float64]:
    """Mean of the components, weighted where there are weights."""
    return np.asarray(np.average(means_XC, axis=-1, weights=weights) if weights else means_XC.mean(axis=-1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What seeds and queries leave open of the mean scores of some candidates."""

    means: NDArray[np.float64]
    """Score of each candidate, mean over its seeds."""
    seeds: NDArray[np.int64]
    """How many each has."""
    between_seeds: float
    """Variance between the scores of a candidate's seeds on these queries, pooled over candidates."""
    shared: float
    """The part of it that is there because queries are few: a seed suits some of them better than others."""
    query_covariance: NDArray[np.float64]
    """Of the means, over other sets of queries: candidates x candidates."""
    seed_freedom: int
    query_freedom: float

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Of the means, over other seeds and other sets of queries: candidates x candidates."""
        # what lies in both variances counts once
        return self.query_covariance + np.diag(max(self.between_seeds - self.shared, 0.0) / self.seeds)

    def contrast(self, weights: Sequence[float], family: Family) -> Contrast:
        """A weighted sum of the means; its interval shares the level with others of the family."""
        weights_K = np.asarray(weights, dtype=np.float64)
        share = float((weights_K**2 / self.seeds).sum())
        query_variance = max(float(weights_K @ self.query_covariance @ weights_K), 0.0)
        # it lies in both variances and counts once; by chance it can come out larger than either
        shared = min(self.shared * share, query_variance)
        estimate = float(weights_K @ self.means)
        if abs(estimate) < ROUNDING:
            estimate = 0.0
        found = Contrast(
            estimate=estimate,
            low=estimate,
            high=estimate,
            level=family.level,
            comparisons=family.comparisons,
            seed_error=sqrt(max(self.between_seeds * share - shared, 0.0)),
            query_error=sqrt(query_variance),
            shared_error=sqrt(shared),
            seed_freedom=self.seed_freedom,
            query_freedom=self.query_freedom,
        )
        reach = family.critical(found.freedom) * found.error
        return replace(found, low=estimate - reach, high=estimate + reach)


def measure_noise(
    samples: Sequence[Sample],
    statistic: Statistic,
    *,
    groups: Groups | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Noise | None:
    """What the per-query values of candidates say of the noise in their scores.

    Seeds: the variance between seeds of a candidate, taken as the same for all candidates. Queries: bootstrap over
    tiles, or over queries where tiles are not known, the same resample for every candidate and seed, so that what is
    hard for all cancels. The bootstrap also says how much of the variance between seeds is there because queries are
    few.

    Args:
        samples: for each candidate (seeds, queries, components), all on the same queries in the same order.
        statistic: makes a score of the means over queries.
        groups: tile of each query.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    Returns: None where noise cannot be known: no candidate has two seeds, or there is one tile or query.
    Raises: ValueError: samples differ in queries, or the groups do not match them.
    """
    queries = {sample.shape[1] for sample in samples}
    if len(queries) != 1:
        raise ValueError(f"{len(samples)} candidates with {sorted(queries)} queries")
    drawn = clusters(queries.pop(), groups)
    seeds = [len(sample) for sample in samples]
    seed_freedom = sum(seeds) - len(seeds)
    if seed_freedom == 0 or len(drawn.sizes) < 2:
        return None
    scores = [statistic(sample.mean(axis=1)) for sample in samples]
    resampled = resampled_scores(samples, statistic, drawn, resamples=resamples, seed=seed)
    means_RK = np.stack([scores_RS.mean(axis=1) for scores_RS in resampled], axis=1)
    apart = sum(
        float((scores_RS - scores_RS.mean(axis=1, keepdims=True)).var(axis=0, ddof=1).sum()) for scores_RS in resampled
    )
    return Noise(
        means=np.array([score.mean() for score in scores]),
        seeds=np.array(seeds),
        between_seeds=sum(float(np.square(score - score.mean()).sum()) for score in scores) / seed_freedom,
        shared=drawn.small_sample * apart / seed_freedom,
        query_covariance=drawn.small_sample * np.atleast_2d(np.cov(means_RK, rowvar=False)),
        seed_freedom=seed_freedom,
        query_freedom=drawn.freedom,
    )


def contrast(
    samples: Sequence[Sample],
    weights: Sequence[float],
    statistic: Statistic,
    *,
    groups: Groups | None = None,
    level: float = 0.95,
    comparisons: int = 1,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Contrast | None:
    """A weighted sum of candidates' scores and what seeds and queries leave open of it.

    The two variances of `measure_noise` add, what lies in both counted once; the interval is Student's t with Welch and
    Satterthwaite's degrees of freedom.

    Args:
        samples, groups: as in `measure_noise`.
        weights: for each candidate, as 1 and -1; one with 0 still lends its variance between seeds.
        statistic: makes a score of the means over queries.
        comparisons: how many such intervals are to hold together.
        resamples, seed: of the bootstrap.
    Returns: None where noise cannot be known: no candidate has two seeds, or there is one tile or query.
    Raises: ValueError: samples differ in queries, or do not match weights or groups.
    """
    if len(samples) != len(weights):
        raise ValueError(f"{len(weights)} weights for {len(samples)} candidates with noise to measure")
    noise = measure_noise(samples, statistic, groups=groups, resamples=resamples, seed=seed)
    return noise.contrast(weights, Bonferroni(level=level, comparisons=comparisons)) if noise else None
