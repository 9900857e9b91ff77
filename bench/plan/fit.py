"""How many steps and seeds fit the time of a run, equal for every candidate."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from bench.errors import BudgetError
from bench.plan.forecast import Forecast, Setting
from bench.plan.plan import DEFAULT_STEPS, Request
from bench.result import Candidate
from bench.units import duration

EPOCHS_WORTH: Final = 60
"""Small data sets are learnt by then and decline after (ours, measured on 256 synthetic pairs at nano size)."""

FEWEST_STEPS: Final = 50
"""With fewer, a seed is dropped first: the learning rate alone needs 20 steps to rise."""

LEAST_STEPS: Final = 10
"""Of any trial whose scores are worth storing."""

FIRST_SHARE: Final = 0.6
"""Of a large enough budget, what the first plan fills; the rest goes where the results say (`bench.plan.choose`)."""

RUNG_SHARES: Final = (0.25, 0.5)
"""Where the first seed of each candidate is scored on the way, for its learning curve: 22 % more steps."""

RESERVE: Final = 0.04
"""Share of the time budget kept for what predictions miss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What fits the time."""

    steps: int
    """Of every trial."""
    seeds: int
    """Of every candidate."""
    baselines: tuple[Candidate, ...]
    """Those that take no seed from the candidates, once each."""
    notes: tuple[str, ...]
    """Why so, a sentence each."""


def fit(request: Request, setting: Setting, forecast: Forecast, left_seconds: float | None) -> Fit:
    """The most that fits.

    Args:
        left_seconds: of the time budget; None without one.
    Raises: BudgetError: not even one seed of each candidate.
    """
    if left_seconds is None:
        steps = request.steps or DEFAULT_STEPS
        notes = (f"{steps} steps a trial, equal for every candidate",)
        return Fit(steps=steps, seeds=request.seeds, baselines=forecast.baselines, notes=notes)
    usable = left_seconds - RESERVE * (request.time_budget_seconds or left_seconds)
    room = _Room(request=request, setting=setting, forecast=forecast, usable_seconds=usable)
    steps, seeds, spare = room.most()
    baselines = room.baselines(steps, seeds)
    reason = "as asked" if request.steps else f"what fits {duration(left_seconds)}"
    sentences = [f"{steps} steps a trial, equal for every candidate: {reason}"]
    if spare and request.refine:
        sentences.append("time that is left then goes where the results say: more seeds, fewer pairs, longer training")
    if seeds < request.seeds:
        sentences.append(f"{seeds} of {request.seeds} seeds: the time budget does not hold more")
    sentences += [
        f"{baseline.title} is not trained as a baseline: the time budget does not hold it beside the candidates"
        for baseline in forecast.baselines
        if baseline not in baselines
    ]
    return Fit(steps=steps, seeds=seeds, baselines=baselines, notes=tuple(sentences))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """Time, and what trials take of it."""

    request: Request
    setting: Setting
    forecast: Forecast
    usable_seconds: float

    def most(self) -> tuple[int, int, bool]:
        """Steps and seeds, and whether they leave time."""
        request, data, batch = self.request, self.setting.data, self.setting.training.batch_pairs
        worth = max(DEFAULT_STEPS, EPOCHS_WORTH * data.train_pairs // batch)
        if request.refine and not request.steps:
            steps = self._steps(request.seeds, FIRST_SHARE * self.usable_seconds, worth)
            if steps >= DEFAULT_STEPS:
                return steps, request.seeds, True
        for seeds in range(request.seeds, 0, -1):
            least_steps = request.steps or (FEWEST_STEPS if seeds > 1 else LEAST_STEPS)
            # a few steps fewer for all are worth a baseline, a seed fewer is not
            for beside in dict.fromkeys((self.forecast.baselines, ())):
                steps = self._steps(seeds, self.usable_seconds, worth, beside)
                if steps >= least_steps:
                    return steps, seeds, steps == worth
        least = duration(self._needed(request.steps or LEAST_STEPS, 1))
        raise BudgetError(
            f"the time budget leaves {duration(max(self.usable_seconds, 0))} for trials, and one of each of the "
            f"{len(self.forecast.candidates)} candidates needs {least}: give more time, or fewer --variants or --sizes"
        )

    def baselines(self, steps: int, seeds: int) -> tuple[Candidate, ...]:
        """Those that fit beside so much of the candidates."""
        training = replace(self.setting.training, steps=steps)
        left = self.usable_seconds - self._needed(steps, seeds)
        held: tuple[Candidate, ...] = ()
        for baseline in self.forecast.baselines:
            seconds = self.forecast.seconds(baseline, training)
            if seconds <= left:
                held, left = (*held, baseline), left - seconds
        return held

    def _steps(self, seeds: int, seconds: float, worth: int, beside: tuple[Candidate, ...] = ()) -> int:
        """The most, 0 when those asked for do not fit.

        Args:
            beside: baselines that are to fit too, once each.
        """
        if self.request.steps:
            return self.request.steps if self._needed(self.request.steps, seeds, beside) <= seconds else 0
        return _most(lambda steps: self._needed(steps, seeds, beside) <= seconds, worth)

    def _needed(self, steps: int, seeds: int, beside: tuple[Candidate, ...] = ()) -> float:
        training, forecast = replace(self.setting.training, steps=steps), self.forecast
        plain = sum(forecast.seconds(candidate, training) for candidate in forecast.candidates)
        first = sum(forecast.seconds(candidate, training, rungs_below(steps)) for candidate in forecast.candidates)
        return first + (seeds - 1) * plain + sum(forecast.seconds(baseline, training) for baseline in beside)


def rungs_below(steps: int) -> tuple[int, ...]:
    """Lengths at which a training of these steps is scored on the way."""
    rungs = (round(steps * share) for share in RUNG_SHARES)
    return tuple(rung for rung in rungs if rung >= LEAST_STEPS)


def _most(fits: Callable[[int], bool], most: int) -> int:
    """The largest number up to `most` that fits, of those up to which all fit; 0 when 1 does not."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
