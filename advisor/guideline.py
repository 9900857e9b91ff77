"""The paper's guideline as data: each rule with its wording, its source and how sure we are of it."""

from dataclasses import dataclass
from typing import Literal

Certainty = Literal["verbatim", "code", "recomputed", "paraphrase", "inference", "recollection"]
"""How a rule is known: the grades V, C, R, P, I and M of our notes on the method."""

Question = Literal["encoder", "decoder", "losses", "masking", "pooling", "depth", "compute"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: what it answers, where it applies, where it comes from."""

    question: Question
    answer: str
    """What to choose: "specific", "common", or a setting in words."""
    applies: str
    """When, in words."""
    wording: str
    """The rule as we can support it; never presented as the paper's own sentence unless it is one."""
    source: str
    certainty: Certainty
    ours: bool
    """Whether the threshold or the wording is our reconstruction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What the rules say for one archive and machine about one question."""

    question: Question
    answer: str | None
    """None: the rules have no opinion here."""
    why: str
    """With the number that decides it: "512 training pairs are fewer than 7,761"."""
    rules: tuple[Rule, ...]
