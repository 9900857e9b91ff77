"""Capacity or data, in words: what more pairs and more width add, and from where on a larger network pays off."""

from collections.abc import Sequence
from math import floor, log10
from typing import Final

from advisor.growth import FARTHEST_CROSSING, MARGIN, Crossing, Growth, crossings, growths
from advisor.line import Bounds
from advisor.series import Over, Series, levels, series
from bench.result import TrialResult
from bench.score import METRICS
from bench.score.goal import Goal, labelled, unlabelled
from bench.score.resample import Groups
from bench.units import signed_percent
from models.config import SIZES

THINGS: Final[dict[Over, str]] = {"pairs": "training pairs", "width": "width"}

HEADS: Final = {
    "rising": "The score rises with {thing}",
    "falling": "The score falls with {thing}",
    "flat": "The score hardly changes with {thing}",
    "unknown": "Whether the score rises with {thing} is open",
}


def growth_words(
    results: Sequence[TrialResult], goal: Goal, *, groups: Groups | None = None, margin: float = MARGIN
) -> list[str]:
    """Sentences for the advice, without a full stop, the last one with what they rest on.

    Args:
        results: every trial, also those on subsets, which `advisor.evidence.comparable` leaves out; of several data
            sets the one tried last counts.
        groups: the tile of each query, where known.
        margin: change a doubling that matters, a share.
    Returns: none where neither pairs nor width were varied.
    """
    if not results:
        return []
    newest = max(results, key=lambda trial: (trial.provenance.started_at, trial.trial_id))
    yardstick = labelled(goal, newest.k) if newest.data.labelled else unlabelled(newest.k, goal)
    own = [trial for trial in results if trial.data.fingerprint == newest.data.fingerprint]
    found = series(own, yardstick, groups=groups)
    varied = [growth for growth in growths(found, margin=margin) if len(growth.levels) > 1] if found else []
    if not found or not varied:
        return []
    unit = f"points of {yardstick.goal.name} {METRICS[yardstick.metric].title}@{yardstick.k}"
    both = {growth.candidates[0].size for growth in varied if growth.over == "pairs"}
    return [
        *(_growth_words(growth, unit) for growth in varied),
        *(_crossing_words(crossing) for crossing in crossings(found) if {crossing.small, crossing.large} <= both),
        *_answer(varied, found.trials[0].training.steps),
        _basis(found),
    ]


def points(bounds: Bounds) -> str:
    """A share with its interval, in points: "+1.3 [+0.9, +1.7]"."""
    estimate, low, high = (signed_percent(share) for share in (bounds.estimate, bounds.low, bounds.high))
    return f"{estimate} [{low}, {high}]"


def _growth_words(growth: Growth, unit: str) -> str:
    head = HEADS[growth.verdict].format(thing=THINGS[growth.over])
    first, last = growth.levels[0], growth.levels[-1]
    if growth.over == "pairs":
        where, span = f" at {growth.candidates[0].size} size", f"{first:,} to {last:,} pairs"
    else:
        trained = {candidate.size for candidate in growth.candidates}
        sizes = [size for size in SIZES if size in trained]
        where, span = f" on {growth.pairs:,} pairs", f"{sizes[0]} to {sizes[-1]}"
    if growth.per_doubling is None:
        return f"{head}{where}: {growth.reason}"
    told = f"{head}{where}: {points(growth.per_doubling)} {unit} for each doubling, {span}"
    return f"{told}: {growth.reason}" if growth.reason else told


def _crossing_words(crossing: Crossing) -> str:
    small, large, measured = crossing.small, crossing.large, crossing.measured
    beside = (
        f"; on {measured:,} pairs {large} is {points(crossing.ahead)} points from {small}" if crossing.ahead else ""
    )
    if crossing.pairs is None:
        return f"From how many pairs on {large} beats {small} cannot be said: {crossing.refusal}{beside}"
    at = crossing.pairs
    open_ended = at.high >= FARTHEST_CROSSING * measured
    span = f"[{_about(at.low)}, {_about(at.high)}{' or more' if open_ended else ''}]"
    more = at.estimate - measured
    reach = f"about {_about(more)} more than were measured" if more > 0 else f"fewer than the {measured:,} measured"
    return f"{large} beats {small} from about {_about(at.estimate)} pairs on {span}, {reach}{beside}"


def _answer(varied: Sequence[Growth], steps: int) -> list[str]:
    """Data or capacity, by the largest size whose growth with pairs is known; nothing where either is unknown."""
    known = {growth.over: growth for growth in varied if growth.verdict != "unknown"}
    if len(known) < 2:
        return []
    pairs, width = known["pairs"], known["width"]
    at = f"at {steps} steps"
    match pairs.verdict, width.verdict:
        case "rising", "rising":
            more = max((pairs, width), key=lambda g: g.per_doubling.estimate if g.per_doubling else 0.0)
            return [f"Both data and capacity limit the score {at}: a doubling of the {more.over} adds more"]
        case "rising", _:
            return [f"Data, not capacity, limits the score {at}: more pairs before a larger network"]
        case _, "rising":
            return [f"Capacity, not data, limits the score {at}: a larger network before more pairs"]
        case _:
            return [f"Neither data nor capacity limits the score {at}"]


def _basis(found: Series) -> str:
    """What the trainings share, and what no interval holds."""
    trials = found.trials
    training, data = trials[0].training, trials[0].data
    epochs = {
        pairs: training.steps / max(pairs // training.batch_pairs, 1)
        for pairs in (levels(trials, "pairs")[0], levels(trials, "pairs")[-1])
    }
    seen = " and ".join(f"each of {pairs:,} pairs {times:.{int(times < 10)}f} times" for pairs, times in epochs.items())
    text = f"These compare {len(trials)} trainings of {training.steps} steps, which saw {seen}"
    if len(epochs) > 1:
        text += "; the smaller subsets lie inside the larger, and the luck of that one draw is in no interval"
    if len(found.sizes) > 1:
        text += "; sizes differ in depth as well as in width, and a larger one may need more steps"
    return text + ("; the data are synthetic" if data.synthetic else "")


def _about(pairs: float) -> str:
    """Two digits are all that such a number holds: "12,000"."""
    digits = max(floor(log10(max(pairs, 1.0))) - 1, 0)
    return f"{round(pairs, -digits):,.0f}"
