"""What a run's own results decide already: who cannot catch up, and who cannot be told from the leader."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Final

from bench.result import Candidate, TrialResult
from bench.score.goal import GOALS, Sample, Yardstick, labelled, unlabelled
from bench.score.interval import Contrast, contrast
from bench.units import percent

FEWEST_SEEDS: Final = 2
"""Of each of the two candidates, before one of them can be dropped: one seed says nothing of noise."""


def hopeless(trials: Sequence[TrialResult], *, margin: float) -> dict[Candidate, str]:
    """Candidates whose interval excludes catching up by the margin for every goal, each with the reason in words.

    Args:
        trials: completed and comparable: of equal data, training and k.
        margin: a share; candidates closer than that count as equal.
    """
    found: dict[Candidate, str] = {}
    verdicts = [_behind(trials, yardstick) for yardstick in _yardsticks(trials)]
    for candidate in verdicts[0] if verdicts else ():
        gaps = [verdict.get(candidate) for verdict in verdicts]
        if all(gap is not None and gap.low > margin for gap in gaps):
            gap = gaps[0]
            assert gap is not None  # noqa: S101  all of them were looked at above
            found[candidate] = (
                f"is {percent(gap.estimate)} points behind the leader, at least {percent(gap.low)}, and cannot catch up"
            )
    return found


def undecided(trials: Sequence[TrialResult]) -> list[Candidate]:
    """Candidates that may be the best for some goal: the leader and those whose interval to it holds zero."""
    found: dict[Candidate, None] = {}
    for yardstick in _yardsticks(trials):
        behind = _behind(trials, yardstick)
        for candidate in sorted({trial.candidate for trial in trials}):
            gap = behind.get(candidate)
            if gap is None or gap.low <= 0:
                found[candidate] = None
    return list(found)


def _yardsticks(trials: Sequence[TrialResult]) -> list[Yardstick]:
    if not trials:
        return []
    first = trials[0]
    return [labelled(goal, first.k) for goal in GOALS.values()] if first.data.labelled else [unlabelled(first.k)]


def _behind(trials: Sequence[TrialResult], yardstick: Yardstick) -> dict[Candidate, Contrast]:
    """By how much the leader is ahead of each other candidate; those with too few seeds are left out."""
    by_candidate: dict[Candidate, list[TrialResult]] = defaultdict(list)
    for trial in trials:
        by_candidate[trial.candidate].append(trial)
    samples: dict[Candidate, Sample] = {}
    for candidate, own in sorted(by_candidate.items()):
        sample = yardstick.sample(own)
        if sample is not None and len(sample) >= FEWEST_SEEDS:
            samples[candidate] = sample
    scores = {c: fmean(yardstick.statistic(sample.mean(axis=1)).tolist()) for c, sample in samples.items()}
    best = max(scores, key=lambda c: scores[c], default=None)
    # the leader is known only afterwards, so that every pair counts as looked at
    pairs = len(samples) * (len(samples) - 1) // 2
    found: dict[Candidate, Contrast] = {}
    for candidate in samples:
        if candidate != best:
            weights = [float(c == best) - (c == candidate) for c in samples]
            gap = contrast(list(samples.values()), weights, yardstick.statistic, comparisons=pairs)
            if gap is not None:
                found[candidate] = gap
    return found
