"""The recommendation in words: the headline, the reasons with their sources, and what would settle what is open."""

from dataclasses import dataclass

from advisor.recommend import Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One sentence of the advice."""

    text: str
    basis: Basis
    source: str
    """Trials and seeds it rests on, or the guideline's source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What both faces show."""

    headline: str
    """"Train SECD nano: …" or "Tied: CECD and SECD nano. Take CECD, the cheaper."."""
    reasons: tuple[Reason, ...]
    cautions: tuple[str, ...]
    next_steps: tuple[str, ...]
    """Each with a command that can be run as it stands."""
