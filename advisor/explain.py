"""The recommendation in words: the headline, the reasons with their sources, and what would settle what is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from advisor.cautions import joined
from advisor.guideline import RULES
from advisor.reasons import Reason, reasons
from advisor.recommend import Choice, Recommendation
from advisor.steps import next_steps
from models.config import VARIANTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What both faces show."""

    headline: str
    """"Tied: CECD nano and SECD nano cannot be told apart. Take CECD (common encoder: the guideline, …)."."""
    reasons: tuple[Reason, ...]
    cautions: tuple[str, ...]
    next_steps: tuple[str, ...]
    """Each with a command that can be run as it stands."""


def explain(recommendation: Recommendation) -> Advice:
    """Put the recommendation into words."""
    return Advice(
        headline=_headline(recommendation),
        reasons=tuple(reasons(recommendation)),
        cautions=recommendation.cautions,
        next_steps=tuple(next_steps(recommendation)),
    )


def as_document(recommendation: Recommendation, advice: Advice) -> dict[str, Any]:
    """Recommendation, words and every rule of the guideline as plain JSON values."""
    parts = {"recommendation": recommendation, "words": advice, "guideline": RULES}
    return {name: msgspec.to_builtins(part) for name, part in parts.items()}


def _headline(recommendation: Recommendation) -> str:
    chosen = recommendation.candidate
    if chosen is None:
        return "No advice: no trial was completed and nothing is known of the data."
    if recommendation.evidence and recommendation.evidence.starved:
        return f"Nothing fits: every trial ran out of memory. The least to ask for is {chosen.title}."
    one_size = len({c.size for c in recommendation.tied}) < 2
    name = VARIANTS[chosen.variant].title if one_size else chosen.title
    parts = _parts(recommendation.choices)
    match recommendation.verdict:
        case "better":
            return f"Take {name}: at {chosen.size} size it beats every other candidate scored beyond the noise."
        case "tied":
            tied = joined([c.title for c in sorted(recommendation.tied)])
            return f"Tied: {tied} cannot be told apart. Take {name} ({parts})."
        case "undecided":
            alone = recommendation.runner_up is None
            why = f"only {chosen.title} was trained" if alone else "too few trainings to know the noise"
            return f"Undecided: {why}. Take {name} for now ({parts})."
        case "prior":
            return f"By the guideline alone, nothing measured: take {name} ({parts})."


def _parts(choices: Sequence[Choice]) -> str:
    grounds = {"trials": "the trials", "guideline": "the guideline", "cost": "fewer parameters", "lack": "all there is"}
    return ", ".join(f"{choice.answer} {choice.part}: {grounds[choice.decided_by]}" for choice in choices)
