"""One candidate to train, or the tied group and the cheapest in it: a pure function of records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from advisor.evidence import Evidence, weigh
from advisor.guideline import Opinion, opinions
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import HardwareProfile
from bench.result import Candidate, TrialResult
from bench.score.goal import GOALS, Goal
from bench.units import percent
from models import cost
from models.config import SIZES, VARIANTS, Sensor, configure

TIE_RULE: Final = (
    "Inside a tie: what the trials decide for encoder or decoder, then the guideline, then fewer parameters"
)
"""Stated before any trial runs; parameters and not seconds, since seconds carry noise of their own."""

FIRMNESS: Final = ("trials", "guideline", "cost")  # who is heard first where no tied candidate has both parts

PAPER_SIZE: Final = "base"
PAPER_BANDS: Final[dict[Sensor, int]] = {"s1": 2, "s2": 10}

RESOLVING_QUERIES: Final = 1_400
RESOLVING_SEEDS: Final = 5
"""What telling two points apart took in our measurements beforehand, with 80 % power."""

FEW_TRAIN_PAIRS: Final = 256
FEW_QUERIES: Final = 100
"""Below these the scores say next to nothing about the archive at large (ours)."""

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
    decided_by: Literal["trials", "guideline", "cost", "lack"]
    """Trials beyond the noise; the guideline's opinion inside a tie; the cheaper kind where neither speaks; the lack of
    a scored candidate that has the other kind and is equal otherwise."""


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


def recommend(
    results: Sequence[TrialResult],
    *,
    hardware: HardwareProfile | None,
    dataset: DatasetProfile | None,
    goal: str = "cross",
) -> Recommendation:
    """The advice that these trials and the guideline support: equal arguments in any order, equal advice.

    Args:
        goal: a key of `GOALS`.
    """
    evidence = weigh(results, GOALS[goal])
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
    choices = tuple(_choose(part, evidence, held) for part in PARTS)
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
        cautions=cautions(evidence, chosen, verdict, GOALS[goal]),
    )


PARTS: Final[tuple[Literal["encoder", "decoder"], ...]] = ("encoder", "decoder")


def _memory(hardware: HardwareProfile | None) -> int | None:
    if hardware is None:
        return None
    return hardware.gpus[0].memory_total_bytes if hardware.gpus else hardware.memory_limit_bytes


def _bands(dataset: DatasetProfile | None) -> Mapping[Sensor, int]:
    return {sensor: len(names) for sensor, names in dataset.bands.items()} if dataset else PAPER_BANDS


def _choose(part: Literal["encoder", "decoder"], evidence: Evidence | None, held: Sequence[Opinion]) -> Choice:
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
    )


def cautions(evidence: Evidence, chosen: Candidate, verdict: Verdict, goal: Goal) -> tuple[str, ...]:
    """What limits the advice, a sentence each."""
    found = []
    if evidence.synthetic:
        found.append("The data are synthetic: the scores say nothing about retrieval on real images.")
    if evidence.goal != goal:
        found.append("Without labels only search across sensors is measured: nothing here is about search within one.")
    queries = counted(evidence.queries, "query", "queries")
    if too_few(evidence):
        found.append(
            f"{counted(evidence.train_pairs, 'training pair')}, {queries} and an archive of {evidence.archive:,} can "
            "tell next to nothing: this shows that the chain works on these data, no more."
        )
    elif verdict != "better" and (evidence.queries < RESOLVING_QUERIES or evidence.seeds < RESOLVING_SEEDS):
        found.append(
            f"{counted(evidence.seeds, 'seed')} and {queries} cannot tell two points apart reliably: in our "
            f"measurements that took about {RESOLVING_SEEDS} seeds and {RESOLVING_QUERIES:,} queries."
        )
    sizes = sorted({s.candidate.size for s in evidence.standings if s.completed}, key=list(SIZES).index)
    if PAPER_SIZE not in sizes:
        found.append(
            f"Trained {evidence.steps} steps at {' and '.join(sizes)} size: how candidates compare here does not say "
            "how they compare at ViT-B size after 150 epochs."
        )
    failed = sum(len(s.other) for s in evidence.standings)
    if failed:
        found.append(f"{counted(failed, 'trial')} ended without a score.")
    if evidence.left_out:
        what = "of other data, settings or protocol, or a seed again, left out of the comparison"
        found.append(f"{counted(evidence.left_out, 'trial')} {what}.")
    found += _unbeaten(evidence, chosen)
    return tuple(found)


def too_few(evidence: Evidence) -> bool:
    """Whether there are so few pairs that the scores say next to nothing about the archive at large."""
    return evidence.train_pairs < FEW_TRAIN_PAIRS or evidence.queries < FEW_QUERIES


def counted(number: int, noun: str, nouns: str = "") -> str:
    """As "1 seed" and "1,400 queries"."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def joined(names: Sequence[str]) -> str:
    """As "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _unbeaten(evidence: Evidence, chosen: Candidate) -> list[str]:
    """Call out what training does not improve, by the directions that the goal counts and by those that it does not."""
    found = []
    uni_modal = evidence.uni_modal(chosen.title)
    for row in evidence.matrices.get(chosen.title, ()):
        values = {
            "its untrained encoder": row.untrained,
            "an autoencoder of that sensor alone": uni_modal.get(row.direction),
            "plain band statistics": row.band_statistics,
            "8 x 8 thumbnails": row.thumbnail,
            "chance": row.chance,
        }
        ahead = [
            f"{name} ({percent(value)})" for name, value in values.items() if value is not None and row.trained <= value
        ]
        if ahead:
            query, archive = (sensor.upper() if sensor != "both" else "both sensors" for sensor in row.direction)
            found.append(
                f"{query} to {archive}: {chosen.title} trained ({percent(row.trained)}) does not beat {joined(ahead)}."
            )
    return found
