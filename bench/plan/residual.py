"""How far measurements lie from a formula, and what that says of the next one: a small Gaussian process.

A residual is the logarithm of measured over predicted. It is taken as the sum of what all of a machine's measurements
share, what those of a size share, what those of a variant at a size share, what depends on batch and images and changes
slowly with them, and noise. How large each part usually is, is a stated prior (`Spread`); how far the measurements
themselves lie outside of what the others say of them (leave-one-out) widens or narrows it.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import fmean, median
from typing import Final

import numpy as np
from numpy.typing import NDArray

TRUST: Final = 10.0
"""Leave-one-out residuals that the stated prior spread counts as much as."""

OUTLIER: Final = 2.5
"""Standard deviations beyond which a measurement is taken to be that much noisier than the others."""

MOST: Final = 150
"""Settings that are fitted, the last given: solving for more would be felt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Standard deviations of the parts of a residual, before anything was measured: 0.1 is about 10 %."""

    machine: float
    size: float
    variant: float
    setting: float
    noise: float
    """Of a trial's measurement."""
    probe: float
    """Of a probe's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is to be told apart."""

    size: Hashable
    variant: Hashable
    """Within the size."""
    work: float
    """How much there is to do or to hold: settings of about equal work are alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A measurement beside what the formula says."""

    setting: Setting
    residual: float
    """Logarithm of measured over predicted."""
    noise: float
    """Standard deviation of the residual from one measurement to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """By how much to multiply what the formula says."""

    factor: float
    low: float
    high: float
    """Ends of the 95 % interval of what will be measured."""
    seen: int
    """Measurements that it rests on."""
    alike: int
    """Of these, of the same size."""
    same: int
    """Of these, of exactly this setting."""


class Residuals:
    """The measurements of one quantity on one machine."""

    def __init__(self, spread: Spread, observations: Sequence[Observation] = ()) -> None:
        self.spread = spread
        self._merged = _merged(observations)[-MOST:]
        self._noise = np.array([one.noise for one in self._merged])
        left_out = self._solve()
        if len(left_out) > 2:
            self._noise = self._noise * np.maximum(1.0, np.abs(left_out) / OUTLIER)
            left_out = self._solve()
        surprises = [min(z * z, OUTLIER**2) for z in left_out] if len(left_out) > 1 else []
        freedom = TRUST + len(surprises)
        self._scale = ((TRUST + sum(surprises)) / freedom) ** 0.5
        self._reach = 1.96 + 2.4 / freedom  # a t quantile: the scale is itself estimated

    @property
    def seen(self) -> int:
        """Measurements that were taken in."""
        return sum(one.count for one in self._merged)

    def correction(self, setting: Setting) -> Correction:
        """What the measurements say of a trial of this setting."""
        mean, variance = 0.0, self._shared(setting, setting)
        if self._merged:
            shared = np.array([self._shared(setting, one.setting) for one in self._merged])
            mean = float(shared @ self._inverse @ self._residuals)
            variance = max(0.0, variance - float(shared @ self._inverse @ shared))
        reach = self._reach * self._scale * (variance + self.spread.noise**2) ** 0.5
        same = [one.count for one in self._merged if one.setting == setting]
        alike = [one.count for one in self._merged if one.setting.size == setting.size]
        return Correction(
            factor=exp(mean),
            low=exp(mean - reach),
            high=exp(mean + reach),
            seen=self.seen,
            alike=sum(alike),
            same=sum(same),
        )

    def _solve(self) -> NDArray[np.float64]:
        """Take in the measurements; what each lies from what the others say of it, in standard deviations."""
        self._residuals = np.array([one.residual for one in self._merged])
        if not self._merged:
            return self._residuals
        settings = [one.setting for one in self._merged]
        shared = np.array([[self._shared(a, b) for b in settings] for a in settings])
        self._inverse = np.linalg.inv(shared + np.diag(self._noise**2))
        left_out: NDArray[np.float64] = (self._inverse @ self._residuals) / np.sqrt(np.diag(self._inverse))
        return left_out

    def _shared(self, a: Setting, b: Setting) -> float:
        """Covariance of two settings' residuals, noise apart."""
        spread = self.spread
        near = exp(-abs(log(a.work / b.work)))
        covariance = spread.machine**2
        if a.size == b.size:
            covariance += spread.size**2 + spread.setting**2 * near
            if a.variant == b.variant:
                covariance += spread.variant**2
        return covariance


@dataclass(frozen=True, slots=True, kw_only=True)
class _Merged:
    """All measurements of one setting."""

    setting: Setting
    residual: float
    noise: float
    count: int


def _merged(observations: Sequence[Observation]) -> list[_Merged]:
    """By setting, in the order of first appearance; repetition takes off at most two thirds of the noise."""
    found: dict[Setting, list[Observation]] = {}
    for one in observations:
        found.setdefault(one.setting, []).append(one)
    return [
        _Merged(
            setting=setting,
            residual=median(one.residual for one in same),
            noise=fmean(one.noise for one in same) * max(len(same) ** -0.5, 1 / 3),
            count=len(same),
        )
        for setting, same in found.items()
    ]
