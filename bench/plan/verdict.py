"""What a run's own results decide already: who cannot catch up, and who cannot be told from the leader."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from bench.result import Candidate, TrialResult
from bench.score.goal import GOALS, Yardstick, labelled, unlabelled
from bench.score.resample import Groups, Sample
from bench.score.ties import TiedGroup, tied_group
from bench.units import percent

FEWEST_SEEDS: Final = 2
"""Of each of the two candidates, before one of them can be dropped: one seed says nothing of noise."""


def hopeless(trials: Sequence[TrialResult], *, margin: float, groups: Groups | None = None) -> dict[Candidate, str]:
    """Candidates whose interval excludes catching up by the margin for every goal, each with the reason in words.

    Args:
        trials: completed and comparable: of equal data, training and k.
        margin: a share; candidates closer than that count as equal.
        groups: tile of each query.
    """
    found: dict[Candidate, str] = {}
    ties = [_ties(trials, yardstick, groups) for yardstick in _yardsticks(trials)]
    for candidate in sorted({trial.candidate for trial in trials}):
        gaps = [tie.gaps.get(candidate) if tie else None for tie in ties]
        if all(gap is not None and gap.high < -margin for gap in gaps):
            gap = gaps[0]
            assert gap is not None  # noqa: S101  all of them were looked at above
            behind, least = percent(-gap.estimate), percent(-gap.high)
            found[candidate] = f"is {behind} points behind the leader, at least {least}, and cannot catch up"
    return found


def undecided(trials: Sequence[TrialResult], *, groups: Groups | None = None) -> list[Candidate]:
    """Candidates that may be the best for some goal: the tied group, and those with too few seeds to say."""
    found: dict[Candidate, None] = {}
    for yardstick in _yardsticks(trials):
        tie = _ties(trials, yardstick, groups)
        for candidate in sorted({trial.candidate for trial in trials}):
            if tie is None or candidate in tie.members or candidate not in tie.gaps:
                found[candidate] = None
    return list(found)


def _yardsticks(trials: Sequence[TrialResult]) -> list[Yardstick]:
    if not trials:
        return []
    first = trials[0]
    return [labelled(goal, first.k) for goal in GOALS.values()] if first.data.labelled else [unlabelled(first.k)]


def _ties(trials: Sequence[TrialResult], yardstick: Yardstick, groups: Groups | None) -> TiedGroup[Candidate] | None:
    """The candidates compared with the highest mean; those with too few seeds are left out."""
    by_candidate: dict[Candidate, list[TrialResult]] = defaultdict(list)
    for trial in trials:
        by_candidate[trial.candidate].append(trial)
    samples: dict[Candidate, Sample] = {}
    for candidate, own in sorted(by_candidate.items()):
        sample = yardstick.sample(own)
        if sample is not None and len(sample) >= FEWEST_SEEDS:
            samples[candidate] = sample
    return tied_group(samples, yardstick.statistic, groups=groups) if samples else None
