"""What limits the advice, a sentence each: few pairs, synthetic data, one seed, failed trials, baselines not beaten."""

from collections.abc import Sequence
from typing import Final

from advisor.evidence import Evidence
from bench.result import Candidate
from bench.score.goal import Goal
from bench.units import percent
from models.config import SIZES

PAPER_SIZE: Final = "base"

RESOLVING_QUERIES: Final = 1_400
RESOLVING_SEEDS: Final = 5
"""What telling two points apart took in our measurements beforehand, with 80 % power."""

FEW_TRAIN_PAIRS: Final = 256
FEW_QUERIES: Final = 100
"""Below these the scores say next to nothing about the archive at large (ours)."""


def cautions(evidence: Evidence, chosen: Candidate, goal: Goal, *, decided: bool) -> tuple[str, ...]:
    """What limits the advice to take the chosen one.

    Args:
        goal: as asked.
        decided: whether the trials favour it beyond the noise.
    """
    found = []
    if evidence.synthetic:
        found.append("The data are synthetic: the scores say nothing about retrieval on real images.")
    if evidence.goal != goal:
        mixed = any(archive == "both" for _, archive in goal.directions)
        other = "within one" + (" or in an archive of both" if mixed else "")
        found.append(f"Without labels only search across sensors is measured: nothing here is about search {other}.")
    queries = counted(evidence.queries, "query", "queries")
    if too_few(evidence):
        found.append(
            f"{counted(evidence.train_pairs, 'training pair')}, {queries} and an archive of {evidence.archive:,} can "
            "tell next to nothing: this shows that the chain works on these data, no more."
        )
    elif not decided and (evidence.queries < RESOLVING_QUERIES or evidence.seeds < RESOLVING_SEEDS):
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
