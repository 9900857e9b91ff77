"""Which batch size to try next, from those that were tried: double or halve, bisect, then try the answer again."""

from collections.abc import Sequence
from typing import Final

from bench.plan.edge import EdgeTry
from bench.result import Precision
from models import cost
from models.config import ModelConfig

PROCESS_BYTES: Final = 420 * 1024**2
"""Private memory of a trial's process before it makes a network: torch, measured."""

FIRST_GUESS: Final = 32
"""Where the search starts when nothing is known of the memory."""


def bracket(tries: Sequence[EdgeTry]) -> tuple[int, int | None]:
    """The largest size that fits below all that do not, 0 when there is none, and the smallest that does not."""
    fails = min((one.batch_pairs for one in tries if not one.fits), default=None)
    fits = (one.batch_pairs for one in tries if one.fits and (fails is None or one.batch_pairs < fails))
    return max(fits, default=0), fails


def resolution(batch_pairs: int) -> int:
    """How far the edge may lie above a size that fits: 1 below 32 pairs, then 8 or 5 %, whichever is more."""
    return max(_grain(batch_pairs), batch_pairs // 20)


def next_size(tries: Sequence[EdgeTry], *, start: int, most: int) -> int | None:
    """The size to try: doubled or halved until one fits and one does not, bisected, then the one that fits again.

    Args:
        start: where to begin.
        most: the largest size that may be tried.
    Returns: None when the edge is known and its size was run twice, or when not even 2 pairs fit.
    """
    fits, fails = bracket(tries)
    if not fits and fails is None:
        return min(start, most)
    if not fits:
        assert fails is not None  # noqa: S101  there is a try, and it did not fit
        return max(2, fails // 2) if fails > 2 else None
    if fails is None and fits < most:
        return min(2 * fits, most)
    if fails is not None and fails - fits > resolution(fits):
        middle, grain = (fits + fails) // 2, _grain(fits)
        return max(middle - middle % grain, fits + grain)
    return fits if runs(tries, fits) < 2 else None


def first_size(model: ModelConfig, precision: Precision, memory_limit_bytes: int | None) -> int:
    """A power of two that should fit, by formula alone: at most half of what a lower bound of the need allows."""
    if memory_limit_bytes is None:
        return FIRST_GUESS
    pair_bytes = cost.activation_bytes(model, 4 if precision == "fp32" else 2)
    most = (memory_limit_bytes - PROCESS_BYTES - cost.state_bytes(model)) // pair_bytes
    return 2 if most < 4 else 1 << (int(most // 2).bit_length() - 1)


def runs(tries: Sequence[EdgeTry], size: int) -> int:
    """How often this size was run and fitted."""
    return sum(one.batch_pairs == size and one.fits for one in tries)


def _grain(batch_pairs: int) -> int:
    return 8 if batch_pairs >= 32 else 1
