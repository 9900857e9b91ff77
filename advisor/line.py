"""A straight line through the scores of trainings, and what seeds and queries leave open of it."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc, stdtrit  # F's tail, Student's quantile; scipy.stats takes a second to load

from bench.score.interval import ROUNDING
from bench.score.resample import Groups, Sample, Statistic, clusters, resampled_scores

Values = NDArray[np.float64]

RESAMPLES: Final = 1000
"""Of the queries: the standard error of an interval's width is then 2 %."""

RESAMPLE_SEED: Final = 0
"""Fixed: equal trials, equal interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A number and the ends of its two-sided interval."""

    estimate: float
    low: float
    high: float

    @property
    def decided(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """Scores of trainings that answered the same queries."""

    scores: Values
    """Of each training."""
    by_queries: Values
    """(resamples, trainings): how far the scores move with other queries, the same ones for all trainings."""
    query_freedom: float

    def of(self, rows: Sequence[int]) -> Self:
        """The same of some trainings."""
        return replace(self, scores=self.scores[rows], by_queries=self.by_queries[:, rows])


def score(sample_TQC: Sample, statistic: Statistic, *, groups: Groups | None = None) -> Scored | None:
    """Scores, and a bootstrap over the queries that all trainings share.

    Args:
        sample_TQC: per-query values: (trainings, queries, components).
        groups: the tile of each query; whole tiles are drawn then.
    Returns: None where there is one query or tile, so that nothing is known of their noise.
    Raises: ValueError: there are not as many groups as queries.
    """
    drawn = clusters(sample_TQC.shape[1], groups)
    if len(drawn.sizes) < 2:
        return None
    (resampled_RT,) = resampled_scores([sample_TQC], statistic, drawn, resamples=RESAMPLES, seed=RESAMPLE_SEED)
    moved_RT = (resampled_RT - resampled_RT.mean(axis=0)) * sqrt(drawn.small_sample)
    return Scored(scores=statistic(sample_TQC.mean(axis=1)), by_queries=moved_RT, query_freedom=drawn.freedom)


class Line:
    """A linear model of scores, fitted by least squares over trainings.

    Two variances add. Queries: how the coefficients move with resampled queries. Seeds: what the residuals hold beyond
    what the queries explain of them. Intervals are Student's t with Welch and Satterthwaite's freedom, as those of
    `bench.score.interval`.
    """

    def __init__(self, design_TP: Values, scored: Scored, *, cells: Sequence[Hashable]) -> None:
        """Fit.

        Args:
            design_TP: (trainings, coefficients), of full rank.
            cells: what each training repeats but for its seed.
        Raises: ValueError: no training is left to tell noise from the line.
        """
        self._scored = scored
        trainings, coefficients = design_TP.shape
        self.freedom = trainings - coefficients
        if self.freedom < 1:
            raise ValueError(f"{trainings} trainings for {coefficients} coefficients leave nothing for the noise")
        solve_PT = np.linalg.pinv(design_TP)
        self.coefficients = solve_PT @ scored.scores
        moved_RP = scored.by_queries @ solve_PT.T
        self._residual_TT = np.eye(trainings) - design_TP @ solve_PT
        # what a seed does to some queries and not to others lies in both variances, and counts once
        self._whole, self._shared = self._mean_squares(self._residual_TT, self.freedom)
        self.training_variance = max(self._whole, self._shared)
        """Of a single training around the line, on these queries."""
        self._leverage_PP = solve_PT @ solve_PT.T
        self._by_queries_PP = moved_RP.T @ moved_RP / (len(moved_RP) - 1)
        self.covariance_PP = (self.training_variance - self._shared) * self._leverage_PP + self._by_queries_PP
        self._cells = _within(cells)

    def value(self, weights_P: Values, *, level: float = 0.95, further: int = 0) -> Bounds:
        """A weighted sum of the coefficients.

        Args:
            further: the interval is to hold the mean score of so many new trainings, not only the line; 0: the line.
        """
        beside = 1 / further if further else 0.0
        variance = float(weights_P @ self.covariance_PP @ weights_P) + beside * self.training_variance
        estimate = float(weights_P @ self.coefficients)
        reach = self._quantile(weights_P, level, beside) * sqrt(variance)
        return Bounds(estimate=estimate, low=estimate - reach, high=estimate + reach)

    def zero(self, constant_P: Values, slope_P: Values, *, level: float = 0.95) -> Bounds | None:
        """Where constant + slope x is 0, both weighted sums of the coefficients.

        Every x at which the interval of that sum holds zero is within the bounds (Fieller).

        Returns: None where the interval of the slope holds zero: then nothing bounds x.
        """
        weights_2P = np.stack([constant_P, slope_P])
        a, b = weights_2P @ self.coefficients
        quantile = self._quantile(weights_2P[1], level)
        (v_a, v_ab), (_, v_b) = weights_2P @ self.covariance_PP @ weights_2P.T * quantile**2
        if b**2 <= v_b:
            return None
        # (a + b x)² <= v_a + 2 v_ab x + v_b x²
        middle, square, rest = a * b - v_ab, b**2 - v_b, a**2 - v_a
        reach = sqrt(max(middle**2 - square * rest, 0.0)) / square
        at, zero = -middle / square, -a / b
        return Bounds(estimate=zero, low=min(at - reach, zero), high=max(at + reach, zero))

    def bends(self, *, alpha: float = 0.01) -> bool:
        """Whether the cells lie off the line by more than seeds and queries explain (F test for lack of fit)."""
        within_TT, repeats = self._cells
        off = self.freedom - repeats
        if not off or not repeats:
            return False
        lack, lack_by_queries = self._mean_squares(self._residual_TT - within_TT, off)
        noise, noise_by_queries = self._mean_squares(within_TT, repeats)
        # queries that are hard for one subset are so for each of its seeds
        noise += max(0.0, lack_by_queries - noise_by_queries)
        if lack <= max(noise, ROUNDING**2):
            return False
        return noise == 0 or bool(fdtrc(off, repeats, lack / noise) < alpha)

    def _quantile(self, weights_P: Values, level: float, beside: float = 0.0) -> float:
        """How many standard errors the interval of a weighted sum reaches to each side.

        Args:
            beside: how many times the variance of a training counts besides.
        """
        leverage = float(weights_P @ self._leverage_PP @ weights_P)
        seeds = self._whole * (leverage + beside)
        queries = max(float(weights_P @ self._by_queries_PP @ weights_P) - self._shared * leverage, 0.0)
        share = seeds / (seeds + queries) if seeds else 0.0
        freedom = 1 / (share**2 / self.freedom + (1 - share) ** 2 / self._scored.query_freedom)
        return float(stdtrit(freedom, (1 + level) / 2))

    def _mean_squares(self, project_TT: Values, freedom: int) -> tuple[float, float]:
        """Of the projected scores, and what of it other queries would give, each by its freedom."""
        own = project_TT @ self._scored.scores
        moved = self._scored.by_queries @ project_TT
        return float(own @ own) / freedom, float(np.square(moved).sum(axis=1).mean()) / freedom


def _within(cells: Sequence[Hashable]) -> tuple[Values, int]:
    """The projection that takes each training's cell mean off, and its rank: trainings beyond the first of a cell."""
    numbers = {cell: number for number, cell in enumerate(dict.fromkeys(cells))}
    member_TC = np.zeros((len(cells), len(numbers)))
    member_TC[np.arange(len(cells)), [numbers[cell] for cell in cells]] = 1
    return np.eye(len(cells)) - member_TC / member_TC.sum(axis=0) @ member_TC.T, len(cells) - len(numbers)
