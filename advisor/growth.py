"""Capacity or data: whether scores still rise with training pairs or with width, and where two sizes' curves cross.

The model, score = a + b log2(pairs), and what it refuses are explained in docs/growth.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import log2
from typing import Final, Literal

from advisor.line import Bounds, Values
from advisor.series import Fit, Over, Series, levels
from bench.result import Candidate, TrialResult

Verdict = Literal["rising", "falling", "flat", "unknown"]
"""Whether the interval lies above zero, below it, within the margin about it, or none of these.

Falling with width, as a rule, says that the steps were too few for a large network.
"""

FARTHEST: Final = 8
"""Times the largest subset up to which a curve is drawn on: three doublings."""

FARTHEST_CROSSING: Final = 10
"""Times the largest subset up to which a crossing is named."""

MARGIN: Final = 0.01
"""Change a doubling that matters: a share, so one point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What a doubling of the training pairs, or of the width, adds to the score."""

    over: Over
    candidates: tuple[Candidate, ...]
    """Those whose trainings it rests on."""
    levels: tuple[int, ...]
    """Training pairs, or widths, that were tried, ascending."""
    pairs: int
    """The most training pairs of any training; over width all have as many."""
    trainings: int
    per_doubling: Bounds | None
    """A share; None where it is refused."""
    verdict: Verdict
    reason: str
    """Why it is unknown, in words; empty otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """From how many training pairs on the larger of two sizes scores higher."""

    small: str
    large: str
    variants: tuple[str, ...]
    """Trained at both sizes."""
    measured: int
    """The most training pairs that both sizes were trained with."""
    ahead: Bounds | None
    """Large minus small with so many pairs, a share; None where their curves are refused."""
    pairs: Bounds | None
    """None where it is refused; the upper end is at most `FARTHEST_CROSSING` times `measured`: then, or more."""
    refusal: str
    """Why there is no number, in words; empty otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extrapolation:
    """The score of trainings on more pairs than measured, on average over the candidates."""

    pairs: int
    score: Bounds | None
    """A share; None where it is refused."""
    refusal: str


def growths(series: Series, *, apart: bool = False, margin: float = MARGIN) -> tuple[Growth, ...]:
    """Growth with pairs at each size, the smallest first, then with width.

    Args:
        apart: each candidate by itself; otherwise the variants of a size share a slope, which few trainings can tell.
        margin: change a doubling that matters, a share.
    """
    groups = [series.of_size(size) for size in series.sizes]
    if apart:
        groups = [tuple(t for t in own if t.candidate == candidate) for own in groups for candidate in _candidates(own)]
    over_pairs = [_growth(series, own, "pairs", margin) for own in groups]
    return (*over_pairs, _growth(series, series.of_one_subset(), "width", margin))


def crossings(series: Series) -> tuple[Crossing, ...]:
    """For each size and the next larger one, over the variants trained at both."""
    found = []
    for small, large in pairwise(series.sizes):
        variants = [{trial.candidate.variant for trial in series.of_size(size)} for size in (small, large)]
        shared = tuple(sorted(variants[0] & variants[1]))
        if shared:
            found.append(_crossing(series, small, large, shared))
    return tuple(found)


def extrapolate(series: Series, candidates: Sequence[Candidate], pairs: int, *, trainings: int = 1) -> Extrapolation:
    """Draw the curve of candidates of one size on to more pairs; the interval holds the mean of so many trainings.

    Curves flatten in the end, so the lower end is never above the one where measuring ended.

    Raises: ValueError: candidates of several sizes.
    """
    if len({candidate.size for candidate in candidates}) > 1:
        raise ValueError(f"{', '.join(candidate.title for candidate in candidates)} have no curve in common")
    trials = [trial for trial in series.trials if trial.candidate in candidates]
    fit = series.fit(trials, "pairs")
    if isinstance(fit, str):
        return Extrapolation(pairs=pairs, score=None, refusal=fit)
    first, last = levels(trials, "pairs")[0], fit.reference
    if not first <= pairs <= FARTHEST * last:
        far = f"{pairs:,} pairs are {f'more than {FARTHEST} times the' if pairs > last else 'below the'}"
        return Extrapolation(pairs=pairs, score=None, refusal=f"{far} {last if pairs > last else first:,} measured")
    here, end = (fit.line.value(fit.weights(fit.slopes[0], level=level), further=trainings) for level in (pairs, last))
    low = min(here.low, end.low) if pairs > last else here.low
    score = Bounds(estimate=min(here.estimate, 1.0), low=max(low, 0.0), high=min(here.high, 1.0))
    return Extrapolation(pairs=pairs, score=score, refusal="")


def _growth(series: Series, trials: Sequence[TrialResult], over: Over, margin: float) -> Growth:
    fit = series.fit(trials, over)
    slope = None if isinstance(fit, str) else fit.line.value(fit.weights(fit.slopes[0]))
    verdict: Verdict = "unknown"
    reason = fit if isinstance(fit, str) else ""
    if slope is not None:
        if slope.decided:
            verdict = "rising" if slope.low > 0 else "falling"
        elif -margin < slope.low and slope.high < margin:
            verdict = "flat"
        else:
            reason = "the interval holds both nothing and a change that matters"
    return Growth(
        over=over,
        candidates=_candidates(trials),
        levels=levels(trials, over),
        pairs=max(trial.data.train_pairs for trial in trials),
        trainings=len(trials),
        per_doubling=slope,
        verdict=verdict,
        reason=reason,
    )


def _crossing(series: Series, small: str, large: str, variants: tuple[str, ...]) -> Crossing:
    own = {size: [t for t in series.of_size(size) if t.candidate.variant in variants] for size in (small, large)}
    measured = min(levels(trials, "pairs")[-1] for trials in own.values())
    fewest = max(levels(trials, "pairs")[0] for trials in own.values())
    answer = partial(Crossing, small=small, large=large, variants=variants, measured=measured)
    for size, trials in own.items():
        alone = series.fit(trials, "pairs")
        if isinstance(alone, str):
            return answer(ahead=None, pairs=None, refusal=f"{size}: {alone}")
    fit = series.fit([*own[small], *own[large]], "pairs")
    if isinstance(fit, str):
        return answer(ahead=None, pairs=None, refusal=fit)
    ahead = fit.line.value(_difference(fit, own, level=measured))
    constant, slope = _difference(fit, own, level=fit.reference), _difference(fit, own)
    zero = fit.line.zero(constant, slope)
    if zero is None:
        refusal = "the trainings cannot tell whether one gains more from pairs than the other"
    elif fit.line.value(slope).estimate < 0:
        refusal = f"{large} gains less from pairs than {small}"
    elif zero.estimate > log2(FARTHEST_CROSSING * measured / fit.reference):
        refusal = f"it lies beyond {FARTHEST_CROSSING} times the {measured:,} pairs measured"
    elif zero.estimate < log2(fewest / fit.reference):
        refusal = f"{large} scores higher already on {fewest:,} pairs, the fewest measured"
    else:
        high = min(zero.high, log2(FARTHEST_CROSSING * measured / fit.reference))
        estimate, low, high = (fit.reference * 2**x for x in (zero.estimate, zero.low, high))
        return answer(ahead=ahead, pairs=Bounds(estimate=estimate, low=low, high=high), refusal="")
    return answer(ahead=ahead, pairs=None, refusal=refusal)


def _difference(fit: Fit, own: Mapping[str, Sequence[TrialResult]], *, level: int | None = None) -> Values:
    """Weights of the larger size's line minus the smaller one's, at a level or a doubling."""
    small, large = (
        fit.weights(size, level=level, of={trial.candidate.title for trial in trials}) for size, trials in own.items()
    )
    return large - small


def _candidates(trials: Sequence[TrialResult]) -> tuple[Candidate, ...]:
    return tuple(sorted({trial.candidate for trial in trials}))
