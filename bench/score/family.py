"""Comparisons made at once: how far their intervals must reach so that all of them hold together."""

from dataclasses import dataclass
from functools import lru_cache
from math import floor, inf, log10, sqrt
from typing import Final, Protocol

import numpy as np
from scipy.special import chdtri, ndtr, stdtrit  # scipy.stats has the same and takes a second to load

GRID: Final = 201
"""Points of each of the two integrals: quantiles are then good to three digits."""

HELD_TO: Final = 0.8
"""Part of what the level leaves that all pairs are held to. Seeds are few and not normal: with the whole of it, equal
candidates were told apart in 5 to 6 % of cases at 95 % (`docs/ties.md`)."""


class Family(Protocol):
    """Comparisons that share a level of confidence."""

    @property
    def level(self) -> float:
        """Confidence that all intervals hold, as 0.95."""

    @property
    def comparisons(self) -> int:
        """How many they are."""

    def critical(self, freedom: float) -> float:
        """How many standard errors each interval reaches, the error having so many degrees of freedom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bonferroni:
    """Comparisons chosen beforehand, whatever they are."""

    level: float
    comparisons: int

    def critical(self, freedom: float) -> float:
        """Student's t at an equal part of what the level leaves."""
        return float(stdtrit(freedom, 1 - (1 - self.level) / (2 * self.comparisons)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AllPairs:
    """Every candidate with every other one: who compares the highest mean with the others has looked at all."""

    level: float
    candidates: int

    @property
    def comparisons(self) -> int:
        """Pairs of candidates."""
        return self.candidates * (self.candidates - 1) // 2

    def critical(self, freedom: float) -> float:
        """Tukey's studentized range, which the largest of the differences between equal candidates follows.

        Source: Tukey 1953; Kramer 1956 for unequal numbers, where it is too wide (Hayter 1984).
        """
        held = 1 - HELD_TO * (1 - self.level)
        return _range_quantile(held, self.candidates, _rounded_down(freedom)) / sqrt(2)


def _rounded_down(freedom: float) -> float:
    """To two digits: next to no difference to the quantile, which then need not be worked out for every contrast."""
    if freedom == inf:
        return freedom
    digit: float = 10.0 ** (floor(log10(freedom)) - 1)
    return floor(freedom / digit + 1e-6) * digit


@lru_cache(maxsize=256)
def _range_quantile(level: float, candidates: int, freedom: float) -> float:
    low, high = 0.0, 2.0
    while _range_probability(high, candidates, freedom) < level:
        low, high = high, 2 * high
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        if _range_probability(middle, candidates, freedom) < level:
            low = middle
        else:
            high = middle
    return high


def _range_probability(width: float, candidates: int, freedom: float) -> float:
    """Probability that the range of so many normal values over an independent estimate of their deviation is less."""
    # deviations at equal steps of probability, so that their mean is an integral over the estimate
    steps = (np.arange(GRID) + 0.5) / GRID
    deviations = np.sqrt(chdtri(freedom, steps) / freedom) if freedom < inf else np.ones(1)
    lowest = np.linspace(-8, 8, GRID)
    density = np.exp(-(lowest**2) / 2) / sqrt(2 * np.pi)
    within = ndtr(lowest + width * deviations[:, np.newaxis]) - ndtr(lowest)
    probabilities = candidates * np.trapezoid(density * within ** (candidates - 1), lowest, axis=1)
    return float(probabilities.mean())
