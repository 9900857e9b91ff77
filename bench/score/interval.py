"""How far a difference between candidates can be believed: noise between seeds and between queries together."""

from dataclasses import dataclass


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
    """How many comparisons share that level (Bonferroni)."""
    seed_error: float
    """Standard error that the seeds leave."""
    query_error: float
    """Standard error that the finite set of queries leaves."""

    @property
    def decided(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0
