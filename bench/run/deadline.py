"""The end of a run's time budget, which everything counts against."""

from time import monotonic

from bench.errors import BudgetError
from bench.units import duration


class Deadline:
    """Counts from when it is made."""

    def __init__(self, budget_seconds: float | None) -> None:
        """Start the clock.

        Args:
            budget_seconds: None: there is no end.
        """
        self.budget_seconds = budget_seconds
        self._started = monotonic()

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return monotonic() - self._started

    @property
    def left(self) -> float | None:
        """Seconds to the end, 0 when it is past; None when there is none."""
        return None if self.budget_seconds is None else max(0.0, self.budget_seconds - self.spent)

    def within(self, seconds: float) -> float:
        """So many seconds, or as many as are left when that is less."""
        return seconds if self.left is None else min(seconds, self.left)

    def check(self, doing: str) -> None:
        """Say no when the end has come.

        Args:
            doing: what is not finished yet.
        Raises: BudgetError: it has.
        """
        if self.left == 0:
            raise BudgetError(
                f"the time budget of {duration(self.budget_seconds or 0)} ended while {doing}: give more time. "
                "Pairs are decoded once and kept, so the next run starts sooner"
            )
