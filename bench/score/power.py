"""How many seeds and queries would tell two candidates apart, and what that costs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtr, stdtr, stdtrit  # scipy.stats has the same and takes a second to load

from bench.score.interval import Contrast

POWER: Final = 0.8
"""Probability with which a true gap is to be found, unless asked otherwise."""

MOST_SEEDS: Final = 20
"""Beyond, more seeds are no advice."""

MOST_QUERIES: Final = 10**6

GRID: Final = 50
"""Points of each integral over what a run would find of a variance."""

MANY: Final = 1e6
"""Degrees of freedom beyond which Student's t is the normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What it takes to find a gap."""

    gap: float
    """True difference, in the unit of the score."""
    seeds: int
    """Of each candidate."""
    queries: int
    power: float
    """Probability that so many seeds and queries find the gap."""
    seconds: float | None
    """Of the trainings still to be done for it; None where their time is not known."""
    why_not: str
    """Why it is out of reach, in words: seeds and queries are then as many as were thought of; else empty."""

    @property
    def reachable(self) -> bool:
        """Whether so many seeds and queries are enough."""
        return not self.why_not


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """A measured contrast with what it was measured by: its errors say what more seeds and queries would leave.

    The candidates are taken to have equal numbers of seeds, and more queries to come from as many more tiles.
    """

    contrast: Contrast
    seeds: int
    """Of each candidate; the fewest where they differ."""
    queries: int

    def power(self, gap: float, *, seeds: int, queries: int) -> float:
        """Probability that the interval excludes zero, on the right side, where the true difference is the gap.

        How far an interval reaches is chance too: it is averaged over what runs would find of the noise.
        """
        planned = self._planned(seeds, queries)
        if planned.error == 0 or planned.seed_freedom == 0:  # a single seed does not show its noise
            return float(gap != 0 and planned.seed_freedom > 0)
        between_seeds = planned.seed_error**2 + planned.shared_error**2
        # what a run would find of the variances: chi-square, at equal steps of probability
        found_S1 = _chances(planned.seed_freedom)[:, np.newaxis]
        found_1Q = _chances(planned.query_freedom)[np.newaxis, :]
        shared_1Q = planned.shared_error**2 * found_1Q
        query_1Q = planned.query_error**2 * found_1Q
        seed_SQ = np.maximum(between_seeds * found_S1 - shared_1Q, 0.0)
        spread_SQ = (seed_SQ + shared_1Q) ** 2 / planned.seed_freedom + query_1Q**2 / planned.query_freedom
        freedom_SQ = np.minimum((seed_SQ + query_1Q) ** 2 / spread_SQ, MANY)
        reach_SQ = -stdtrit(freedom_SQ, self._tail) * np.sqrt(seed_SQ + query_1Q)
        return float(ndtr((abs(gap) - reach_SQ) / planned.error).mean())

    def smallest_gap(self, *, seeds: int, queries: int, power: float = POWER) -> float:
        """The true difference that so many seeds and queries find with this probability."""
        low, high = 0.0, self._planned(seeds, queries).error
        while high and self.power(high, seeds=seeds, queries=queries) < power:
            low, high = high, 2 * high
        while high - low > 1e-4 * high:
            middle = (low + high) / 2
            if self.power(middle, seeds=seeds, queries=queries) < power:
                low = middle
            else:
                high = middle
        return high

    def needed(
        self,
        gap: float | None = None,
        *,
        power: float = POWER,
        most_seeds: int = MOST_SEEDS,
        most_queries: int | None = None,
        seconds_per_seed: float | None = None,
    ) -> Needed:
        """The fewest seeds that find a gap with all queries that can be had, and the fewest queries beside those seeds.

        Args:
            gap: true difference; the estimate, taken at its word, when left out.
            most_queries: that can be had; as many as the pilot has when left out.
            seconds_per_seed: time of training every candidate of the contrast once more.
        """
        gap = abs(self.contrast.estimate if gap is None else gap)
        available = max(self.queries if most_queries is None else most_queries, 2)
        most_seeds = max(most_seeds, self.seeds)

        def found(seeds: int, queries: int) -> bool:
            return self.power(gap, seeds=seeds, queries=queries) >= power

        seeds = _fewest(lambda count: found(count, available), 2, most_seeds)
        queries = _fewest(lambda count: found(seeds or most_seeds, count), 2, MOST_QUERIES)
        why_not = ""
        if seeds is None:
            why_not = f"{most_seeds} seeds are not enough, however many the queries"
            if queries:
                needed = f"about {_rounded_up(queries):,} queries are needed"
                why_not = f"{most_seeds} seeds and {available:,} queries are not enough: {needed}"
        seeds = seeds or most_seeds
        queries = queries or available
        return Needed(
            gap=gap,
            seeds=seeds,
            queries=queries,
            power=self.power(gap, seeds=seeds, queries=queries),
            seconds=None if seconds_per_seed is None else seconds_per_seed * max(0, seeds - self.seeds),
            why_not=why_not,
        )

    def _planned(self, seeds: int, queries: int) -> Contrast:
        """The contrast with the errors that so many seeds and queries would leave; its interval is not scaled."""
        found = self.contrast
        of_seeds, of_queries = self.seeds / seeds, self.queries / queries
        shared = found.shared_error**2 * of_seeds * of_queries
        alone = max(found.query_error**2 - found.shared_error**2, 0.0) * of_queries
        # a pilot of single seeds has its noise from other candidates
        more_seeds = (seeds - 1) / (self.seeds - 1) if self.seeds > 1 else seeds
        return replace(
            found,
            seed_error=found.seed_error * sqrt(of_seeds),
            query_error=sqrt(alone + shared),
            shared_error=sqrt(shared),
            seed_freedom=found.seed_freedom * more_seeds,
            query_freedom=max(1.0, (found.query_freedom + 1) / of_queries - 1),
        )

    @property
    def _tail(self) -> float:
        """Probability with which a single interval errs on one side, by how far the pilot's reaches."""
        found = self.contrast
        if not found.error:
            return (1 - found.level) / (2 * found.comparisons)
        return float(stdtr(min(found.freedom, MANY), (found.low - found.estimate) / found.error))


def _chances(freedom: float) -> NDArray[np.float64]:
    """Estimates of a variance of 1, each as likely as the next."""
    freedom = min(freedom, MANY)
    return np.asarray(chdtri(freedom, (np.arange(GRID) + 0.5) / GRID) / freedom)


def _fewest(enough: Callable[[int], bool], low: int, high: int) -> int | None:
    """The smallest number between two that is enough; None if the larger of them is not."""
    if high < low or not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle + 1
    return high


def _rounded_up(queries: int) -> int:
    """To two digits: it is an estimate from an estimate."""
    step: int = 10 ** max(0, len(str(queries)) - 2)
    return ceil(queries / step) * step
