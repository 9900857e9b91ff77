"""A power of the archive's size, fitted where it was measured and carried to where it was not."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # Student's quantile; scipy.stats takes a second to load

PRIOR_FREEDOM: Final = 4
"""How many residuals the deviations that are stated beforehand are worth."""

BEND: Final = 0.3
"""Standard deviation of the exponent itself between the sizes measured and those beyond: as an archive leaves the
processor's cache, building and searching slow down (ours; `benchmarks/index.py` shows how often intervals hold)."""

LARGEST: Final = 4
"""Sizes that are fitted, the largest ones: below them calls cost more than searching."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A value at one size, and how far it would be off if it were measured again."""

    value: float
    deviation: float
    """Relative standard deviation."""


class PowerLaw:
    """value = constant x size ^ exponent, by weighted least squares of logarithms.

    The interval of a prediction grows with the distance from the sizes measured, in logarithms.
    """

    def __init__(self, readings: Mapping[int, Reading]) -> None:
        """Fit the largest sizes.

        Args:
            readings: by size; values above 0.
        Raises: ValueError: fewer than two sizes.
        """
        if len(readings) < 2:
            raise ValueError(f"{len(readings)} sizes are no line: at least two have to be measured")
        self.sizes = tuple(sorted(readings)[-LARGEST:])
        chosen = [readings[size] for size in self.sizes]
        logs_N = np.log([reading.value for reading in chosen])
        weights_N = np.array([reading.deviation for reading in chosen]) ** -2
        design_N2 = np.column_stack([np.ones(len(chosen)), np.log(self.sizes)])
        self._covariance_22: NDArray[np.float64] = np.linalg.inv(design_N2.T * weights_N @ design_N2)
        self._line_2: NDArray[np.float64] = self._covariance_22 @ (design_N2.T * weights_N) @ logs_N
        off = float(weights_N @ np.square(logs_N - design_N2 @ self._line_2))
        self._freedom = len(chosen) - 2 + PRIOR_FREEDOM
        self._scale = sqrt((off + PRIOR_FREEDOM) / self._freedom)
        """How much more the readings scatter than was stated of them."""

    @property
    def exponent(self) -> float:
        """Of the size."""
        return float(self._line_2[1])

    def at(self, size: int, *, beside: float = 0.0) -> tuple[float, float, float]:
        """The value at a size, and the ends of its 95 % interval.

        Args:
            beside: relative standard deviation of a reading that the interval is to hold too; 0: of the law alone.
        """
        place_2 = np.array([1.0, log(size)])
        variance = float(place_2 @ self._covariance_22 @ place_2) + beside**2
        beyond = max(log(size / self.sizes[-1]), log(self.sizes[0] / size), 0.0)
        spread = sqrt(self._scale**2 * variance + (BEND * beyond) ** 2)
        return _interval(float(place_2 @ self._line_2), spread, self._freedom)


def around(reading: Reading) -> tuple[float, float, float]:
    """A value that was itself measured, and the ends of its 95 % interval."""
    return _interval(log(reading.value), reading.deviation, PRIOR_FREEDOM)


def _interval(middle: float, spread: float, freedom: float) -> tuple[float, float, float]:
    reach = float(stdtrit(freedom, 0.975)) * spread
    return exp(middle), exp(middle - reach), exp(middle + reach)
