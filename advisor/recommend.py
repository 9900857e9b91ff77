"""One candidate to train, or the tied group and the cheapest in it: a pure function of records."""

from dataclasses import dataclass
from typing import Literal

from advisor.evidence import Evidence
from advisor.guideline import Opinion
from bench.result import Candidate

Verdict = Literal["better", "tied", "undecided", "prior"]
"""The trials favour one beyond the noise; they cannot tell several apart; they are too few to say; there are none."""

Basis = Literal["measured", "calibrated", "prior"]
"""Where a statement comes from: trials here, a formula fitted to trials here, guideline or formula alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is advised for one part, and on what ground."""

    part: Literal["encoder", "decoder"]
    answer: Literal["common", "specific"]
    basis: Basis
    decided_by: Literal["trials", "guideline", "cost"]
    """Trials beyond the noise; the guideline's opinion inside a tie; the cheaper kind where neither speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The advice, complete, before it is put into words."""

    verdict: Verdict
    candidate: Candidate | None
    """What to train; None when nothing ran and nothing can be said."""
    runner_up: Candidate | None
    """The next best outside the tie, or the alternative inside it."""
    tied: tuple[Candidate, ...]
    """Everything the trials cannot tell from the highest mean, the candidate among them; empty without trials."""
    choices: tuple[Choice, ...]
    opinions: tuple[Opinion, ...]
    evidence: Evidence | None
    cautions: tuple[str, ...]
    """What limits this advice, a sentence each: few pairs, synthetic data, one seed, failed trials, small size."""
