"""One candidate to train, or the tied group and the cheapest in it: a pure function of records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from advisor.belief import PARTS, Part, Posterior, believe
from advisor.cautions import PAPER_SIZE, cautions
from advisor.diagnosis import growth_words
from advisor.evidence import Evidence, weigh
from advisor.guideline import Opinion, leans, opinions
from advisor.serving import Serving, serving
from bench.data.places import Queries
from bench.plan.index import IndexMeasurement
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import HardwareProfile
from bench.result import Candidate, TrialResult
from bench.score.goal import read_goal
from models import cost
from models.config import SIZES, VARIANTS, Sensor, configure

TIE_RULE: Final = (
    "Inside a tie: what the trials decide for encoder or decoder, then the guideline where they do not outweigh it, "
    "then fewer parameters"
)
"""Stated before any trial runs; parameters and not seconds, since seconds carry noise of their own."""

FIRMNESS: Final = ("trials", "guideline", "cost")  # who is heard first where no tied candidate has both parts

PAPER_BANDS: Final[dict[Sensor, int]] = {"s1": 2, "s2": 10}

Verdict = Literal["better", "tied", "undecided", "prior"]
"""The trials favour one beyond the noise; they cannot tell several apart; they are too few to say; there are none."""

Basis = Literal["measured", "calibrated", "prior"]
"""Where a statement comes from: trials here, a formula fitted to trials here, guideline or formula alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is advised for one part, and on what ground."""

    part: Part
    answer: Literal["common", "specific"]
    basis: Basis
    decided_by: Literal["trials", "guideline", "cost", "lack"]
    """Trials beyond the noise; the guideline's opinion inside a tie, where the trials do not outweigh it; the cheaper
    kind where neither speaks; the lack of a scored candidate that has the other kind and is equal otherwise."""


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
    posterior: Posterior | None = None
    """What guideline and trials together say of the full training; None when nothing is known of the data."""
    serving: Serving | None = None
    """What searching the full archive costs; None where the data are not known."""
    diagnosis: tuple[str, ...] = ()
    """Capacity or data, in sentences; empty where neither pairs nor width were varied."""


def recommend(
    results: Sequence[TrialResult],
    *,
    hardware: HardwareProfile | None,
    dataset: DatasetProfile | None,
    goal: str = "cross",
    queries: Queries | None = None,
    indexes: Sequence[IndexMeasurement] = (),
) -> Recommendation:
    """The advice that these trials and the guideline support: equal arguments in any order, equal advice.

    Args:
        goal: as `read_goal` takes it: a preset, or weights.
        queries: of the data; with their tiles known, what is alike within a tile counts once.
        indexes: measured on the descriptors of some of the trials.
    """
    asked = read_goal(goal)
    evidence = weigh(results, asked, queries=queries)
    train_pairs = evidence.train_pairs if evidence else dataset.pairs["train"] if dataset else None
    held = (
        opinions(train_pairs=train_pairs, memory_bytes=_memory(hardware), bands=_bands(dataset))
        if train_pairs is not None
        else ()
    )
    contenders = [s.candidate for s in evidence.standings if s.to_best or s.tied] if evidence else []
    if evidence is None or not contenders:
        return _by_guideline(evidence, held)
    tied = tuple(s.candidate for s in evidence.standings if s.tied)
    posterior = believe(contenders, leans(held), evidence.measured)
    outweighed = {part.part for part in posterior.parts if part.relation == "overruled"}
    standing = tuple(opinion for opinion in held if opinion.question not in outweighed)
    choices = tuple(_choose(part, evidence, standing) for part in PARTS)
    noise_known = any(s.to_best for s in evidence.standings)
    verdict: Verdict = "undecided" if not noise_known else "better" if len(tied) == 1 else "tied"
    chosen = _inside(tied, choices)
    choices = tuple(_as_chosen(choice, chosen, contenders) for choice in choices)
    others = [c for c in (*tied, *contenders) if c != chosen]
    return Recommendation(
        verdict=verdict,
        candidate=chosen,
        runner_up=others[0] if others else None,
        tied=tied,
        choices=choices,
        opinions=held,
        evidence=evidence,
        cautions=cautions(evidence, chosen, asked, decided=verdict == "better"),
        posterior=posterior,
        serving=serving(chosen, dataset, results, indexes),
        diagnosis=tuple(growth_words(results, asked, groups=queries.groups if queries else None)),
    )


def _memory(hardware: HardwareProfile | None) -> int | None:
    if hardware is None:
        return None
    return hardware.gpus[0].memory_total_bytes if hardware.gpus else hardware.memory_limit_bytes


def _bands(dataset: DatasetProfile | None) -> Mapping[Sensor, int]:
    return {sensor: len(names) for sensor, names in dataset.bands.items()} if dataset else PAPER_BANDS


def _choose(part: Part, evidence: Evidence | None, held: Sequence[Opinion]) -> Choice:
    """Trials beyond the noise, else the guideline, else the kind with fewer parameters."""
    effect = next((e.contrast for e in evidence.effects if e.part == part), None) if evidence else None
    if effect and effect.decided:
        answer: Literal["common", "specific"] = "specific" if effect.estimate > 0 else "common"
        return Choice(part=part, answer=answer, basis="measured", decided_by="trials")
    opinion = next((o.answer for o in held if o.question == part), None)
    if opinion is not None:
        return Choice(part=part, answer=opinion, basis="prior", decided_by="guideline")
    return Choice(part=part, answer="common", basis="prior", decided_by="cost")


def _as_chosen(choice: Choice, chosen: Candidate, contenders: Sequence[Candidate]) -> Choice:
    """The choice, unless no tied candidate has it: then the part that the trials leave, or the only one they hold."""
    own = VARIANTS[chosen.variant]
    part = getattr(own, choice.part)
    if part == choice.answer:
        return choice
    counterpart = tuple(choice.answer if p == choice.part else getattr(own, p) for p in PARTS)
    if counterpart in {tuple(getattr(VARIANTS[c.variant], p) for p in PARTS) for c in contenders}:
        return Choice(part=choice.part, answer=part, basis="measured", decided_by="trials")
    return Choice(part=choice.part, answer=part, basis="prior", decided_by="lack")


def _inside(tied: Sequence[Candidate], choices: Sequence[Choice]) -> Candidate:
    """The tied candidate that has the most of the chosen parts, the firmest first; of those the smallest."""
    firmest = sorted(choices, key=lambda choice: FIRMNESS.index(choice.decided_by))

    def rank(candidate: Candidate) -> tuple[bool, bool, int, Candidate]:
        row = VARIANTS[candidate.variant]
        first, second = (getattr(row, choice.part) != choice.answer for choice in firmest)
        return first, second, _parameters(candidate), candidate

    return min(tied, key=rank)


def _parameters(candidate: Candidate) -> int:
    return cost.parameters(configure(candidate.variant, candidate.size, bands=PAPER_BANDS, image_pixels=120))


def _by_guideline(evidence: Evidence | None, held: Sequence[Opinion]) -> Recommendation:
    """Without a completed trial: the guideline's variant, at the smallest size tried or at the paper's."""
    believed = () if evidence and evidence.starved else held  # where nothing fits, only fewer parameters help
    choices = tuple(_choose(part, None, believed) for part in PARTS)
    sizes = [s.candidate.size for s in evidence.standings] if evidence else [PAPER_SIZE]
    size = min(sizes, key=list(SIZES).index)
    every = [Candidate(variant=name, size=size) for name, row in VARIANTS.items() if not row.baseline]
    return Recommendation(
        verdict="prior",
        candidate=_inside(every, choices) if held else None,
        runner_up=None,
        tied=(),
        choices=choices if held else (),
        opinions=tuple(held),
        evidence=evidence,
        cautions=("No candidate has a score: nothing measured stands behind this.",),
        posterior=believe(every, leans(held), None) if held else None,
    )
