"""At which sizes an archive is measured."""

from math import ceil, log
from typing import Final

SMALLEST: Final = 50
"""Items of the smallest part of a real archive."""

GROWTH: Final = 4
"""How many times larger the next archive is, at most."""

_REAL_RUNGS: Final = 3


def real_sizes(items: int) -> tuple[int, ...]:
    """Parts of an archive of so many real descriptors, ascending; the last is all of it."""
    least = min(items, max(SMALLEST, items // GROWTH**_REAL_RUNGS))
    return _rising(least, items, rungs=_REAL_RUNGS)


def enlarged_sizes(real: int, items: int) -> tuple[int, ...]:
    """Sizes above the real archive's, ascending; the last is the one asked for."""
    return _rising(real, items, rungs=ceil(log(items / real, GROWTH)))[1:] if items > real else ()


def _rising(low: int, high: int, *, rungs: int) -> tuple[int, ...]:
    return tuple(sorted({round(low * (high / low) ** (rung / rungs)) for rung in range(rungs + 1)}))
