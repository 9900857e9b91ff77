"""Which trials a run begins with: seed by seed, every candidate with equal steps, as many as the time allows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bench.plan.fit import Fit, fit, rungs_below
from bench.plan.forecast import Forecast, Setting
from bench.plan.plan import Refusal, Request, RunPlan, TrialPlan, Wish
from models.config import VARIANTS

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
    notes: tuple[str, ...] = ()
    if request.wishes:
        wishes = [wish for wish in request.wishes if wish.candidate in forecast.candidates]
    else:
        held = fit(request, setting, forecast, left_seconds)
        wishes, notes = _round_by_round(held, forecast), held.notes
    trials = tuple(
        trial_plan(wish, number, request, setting, forecast=forecast, purpose=_purpose(wish))
        for number, wish in enumerate(wishes, start=1)
    )
    return RunPlan(
        run_id=setting.run_id,
        trials=trials,
        refusals=tuple(refusals),
        predicted_seconds=sum(trial.predicted_seconds for trial in trials),
        notes=notes,
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
        descriptors=setting.descriptors,
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
        descriptors=setting.descriptors,
        memory_limit_bytes=setting.memory_limit_bytes,
        predicted_seconds=predicted,
        timeout_seconds=PATIENCE * predicted + 60,
        predictions=forecast.predictions(trial.candidate, trial.training, trial.rungs),
    )


def _round_by_round(held: Fit, forecast: Forecast) -> list[Wish]:
    """Seed by seed, so that every candidate has a result early; the baselines after the first round."""
    return [
        Wish(
            candidate=candidate,
            seed=seed,
            steps=held.steps,
            rungs=rungs_below(held.steps) if seed == 0 and candidate in forecast.candidates else (),
        )
        for seed in range(held.seeds)
        for candidate in (*forecast.candidates, *(held.baselines if seed == 0 else ()))
    ]


def _purpose(wish: Wish) -> str:
    if VARIANTS[wish.candidate.variant].baseline:
        return "baseline"
    return "another seed" if wish.seed else "first result"
