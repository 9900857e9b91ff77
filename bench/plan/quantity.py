"""A number with an interval and its source, and the arithmetic of such numbers."""

from dataclasses import dataclass, replace
from typing import Final

from bench.result import Source

WEAKNESS: Final[tuple[Source, ...]] = ("measured", "calibrated", "prior")
"""Sources from the best to the worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One number."""

    value: float
    low: float
    high: float
    """Ends of the interval that is meant to hold in 95 % of cases."""
    source: Source
    basis: str
    """In words: what the number rests on."""

    def __post_init__(self) -> None:
        """Refuse an interval that does not hold its own value."""
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} does not lie between {self.low} and {self.high}")


def together(*parts: Estimate) -> Estimate:
    """The sum of numbers whose errors have nothing to do with one another; no better known than its worst part."""
    value = sum(part.value for part in parts)
    below = sum((part.value - part.low) ** 2 for part in parts) ** 0.5
    above = sum((part.high - part.value) ** 2 for part in parts) ** 0.5
    unsure = [part for part in parts if part.low < part.high] or parts
    bases = dict.fromkeys(part.basis for part in unsure)
    return Estimate(
        value=value,
        low=max(0.0, value - below),
        high=value + above,
        source=max((part.source for part in unsure), key=WEAKNESS.index),
        basis="; ".join(bases),
    )


def times(one: Estimate, count: float) -> Estimate:
    """So many of the same, right or wrong together."""
    return replace(one, value=count * one.value, low=count * one.low, high=count * one.high)
