"""Which trials a run begins with: seed by seed, every candidate with equal steps, as many as the time allows."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from bench.errors import BudgetError
from bench.plan.forecast import Forecast, Setting
from bench.plan.plan import DEFAULT_STEPS, Refusal, Request, RunPlan, TrialPlan, Wish
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

PATIENCE: Final = 3.0
"""A trial is stopped when it takes this many times its prediction, and a minute more."""


def schedule(
    request: Request,
    setting: Setting,
    forecast: Forecast,
    refusals: Sequence[Refusal],
    *,
    left_seconds: float | None,
) -> RunPlan:
    """The run, trial by trial.

    Args:
        left_seconds: of the time budget, from now; None without a budget.
    Raises: BudgetError: not even one seed of each candidate fits.
    """
    notes: list[str] = []
    if request.wishes:
        wishes = [wish for wish in request.wishes if wish.candidate in forecast.candidates]
    else:
        steps, seeds, notes = _fit(request, setting, forecast, left_seconds)
        wishes = [
            Wish(candidate=candidate, seed=seed, steps=steps, rungs=rungs_below(steps) if seed == 0 else ())
            for seed in range(seeds)  # seed by seed: every candidate has a result early
            for candidate in forecast.candidates
        ]
    trials = tuple(
        trial_plan(
            wish, number, request, setting, forecast=forecast, purpose="another seed" if wish.seed else "first result"
        )
        for number, wish in enumerate(wishes, start=1)
    )
    return RunPlan(
        run_id=setting.run_id,
        trials=trials,
        refusals=tuple(refusals),
        predicted_seconds=sum(trial.predicted_seconds for trial in trials),
        notes=tuple(notes),
    )


def trial_plan(
    wish: Wish,
    number: int,
    request: Request,
    setting: Setting,
    *,
    forecast: Forecast,
    purpose: str,
    steps_saved: int = 0,
) -> TrialPlan:
    """A wish, complete.

    Args:
        number: of the trial within its run, from 1.
        steps_saved: of its trunk, in a checkpoint.
    """
    training = replace(
        setting.training, steps=wish.steps, warmup_steps=min(setting.training.warmup_steps, max(1, wish.steps // 5))
    )
    predicted = forecast.seconds(wish.candidate, training, wish.rungs, steps_saved=steps_saved)
    pairs = min(wish.train_pairs or setting.data.train_pairs, setting.data.train_pairs)
    return TrialPlan(
        trial_id=f"{setting.run_id}-{number:02d}",
        run_id=setting.run_id,
        candidate=wish.candidate,
        seed=wish.seed,
        model=forecast.model(wish.candidate),
        training=training,
        rungs=wish.rungs,
        k=request.k,
        data=replace(setting.data, train_pairs=pairs),
        cache=setting.cache,
        device=setting.device,
        precision=setting.precision,
        threads=setting.threads,
        predicted_seconds=predicted,
        timeout_seconds=PATIENCE * predicted + 60,
        predictions=forecast.predictions(wish.candidate, training, wish.rungs, steps_saved=steps_saved),
        micro_batches=setting.parts.get(wish.candidate, 1),
        purpose=purpose,
        checkpoints=setting.checkpoints,
        memory_limit_bytes=setting.memory_limit_bytes,
    )


def renewed(trial: TrialPlan, setting: Setting, forecast: Forecast) -> TrialPlan:
    """A stored trial, to be run here and now: the same training and scores, predicted anew."""
    predicted = forecast.seconds(trial.candidate, trial.training, trial.rungs)
    return replace(
        trial,
        cache=setting.cache,
        device=setting.device,
        threads=setting.threads,
        checkpoints=setting.checkpoints,
        memory_limit_bytes=setting.memory_limit_bytes,
        predicted_seconds=predicted,
        timeout_seconds=PATIENCE * predicted + 60,
        predictions=forecast.predictions(trial.candidate, trial.training, trial.rungs),
    )


def rungs_below(steps: int) -> tuple[int, ...]:
    """Lengths at which a training of these steps is scored on the way."""
    rungs = (round(steps * share) for share in RUNG_SHARES)
    return tuple(rung for rung in rungs if rung >= LEAST_STEPS)


def _fit(
    request: Request, setting: Setting, forecast: Forecast, left_seconds: float | None
) -> tuple[int, int, list[str]]:
    """Steps and seeds that fit the time, and the sentences that say so."""
    if left_seconds is None:
        steps = request.steps or DEFAULT_STEPS
        return steps, request.seeds, [f"{steps} steps a trial, equal for every candidate"]
    usable = left_seconds - RESERVE * (request.time_budget_seconds or left_seconds)
    worth = max(DEFAULT_STEPS, EPOCHS_WORTH * setting.data.train_pairs // setting.training.batch_pairs)

    def needed(steps: int, seeds: int) -> float:
        training = replace(setting.training, steps=steps)
        plain = sum(forecast.seconds(candidate, training) for candidate in forecast.candidates)
        first = sum(forecast.seconds(candidate, training, rungs_below(steps)) for candidate in forecast.candidates)
        return first + (seeds - 1) * plain

    def fitting(seeds: int, seconds: float) -> int:
        """The most steps, 0 when the asked ones do not fit."""
        if request.steps:
            return request.steps if needed(request.steps, seeds) <= seconds else 0
        return _most(lambda steps: needed(steps, seeds) <= seconds, worth)

    if request.refine and not request.steps:
        steps = fitting(request.seeds, FIRST_SHARE * usable)
        if steps >= DEFAULT_STEPS:
            return steps, request.seeds, _fit_notes(request, steps, request.seeds, left_seconds, spare=True)
    for seeds in range(request.seeds, 0, -1):
        steps = fitting(seeds, usable)
        if steps >= (request.steps or (FEWEST_STEPS if seeds > 1 else LEAST_STEPS)):
            return steps, seeds, _fit_notes(request, steps, seeds, left_seconds, spare=steps == worth)
    raise BudgetError(
        f"the time budget leaves {duration(max(usable, 0))} for trials, and one of each of the "
        f"{len(forecast.candidates)} candidates needs {duration(needed(request.steps or LEAST_STEPS, 1))}: "
        "give more time, or fewer --variants or --sizes"
    )


def _fit_notes(request: Request, steps: int, seeds: int, left_seconds: float, *, spare: bool) -> list[str]:
    reason = "as asked" if request.steps else f"what fits {duration(left_seconds)}"
    notes = [f"{steps} steps a trial, equal for every candidate: {reason}"]
    if spare and request.refine:
        notes.append("time that is left then goes where the results say: more seeds, fewer pairs, longer training")
    if seeds < request.seeds:
        notes.append(f"{seeds} of {request.seeds} seeds: the time budget does not hold more")
    return notes


def _most(fits: Callable[[int], bool], most: int) -> int:
    """The largest number up to `most` that fits, of those up to which all fit; 0 when 1 does not."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
