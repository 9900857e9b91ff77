"""Which trials a run makes: seed by seed, every candidate with equal steps, as many as the time allows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench.errors import BudgetError
from bench.plan.plan import Probe, Refusal, Request, RunPlan, TrialPlan
from bench.result import Candidate, DataUse, Precision, Training
from bench.units import duration
from models import cost
from models.config import ModelConfig

DEFAULT_STEPS: Final = 200
"""Of a trial without a time budget: about 20 s at nano size on two cores, enough to double cross-sensor scores."""

EPOCHS_WORTH: Final = 60
"""Small data sets are learnt by then and decline after (ours, measured on 256 synthetic pairs at nano size)."""

FEWEST_STEPS: Final = 50
"""With fewer, a seed is dropped first: the learning rate alone needs 20 steps to rise."""

RESERVE: Final = 0.04
"""Share of the time budget kept for what predictions miss."""

PATIENCE: Final = 3.0
"""A trial is stopped when it takes this many times its prediction, and a minute more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the trials of a run have in common."""

    run_id: str
    data: DataUse
    cache: str
    device: str
    precision: Precision
    threads: int
    training: Training


def unfit(model: ModelConfig, *, batch_pairs: int, precision: Precision | None, memory_bytes: int | None) -> str | None:
    """Why the model cannot train in this memory, by formula alone; None when it may.

    Args:
        precision: None, not chosen yet, counts as the smallest, so that nothing is refused that might fit.
        memory_bytes: what a trial may use; None, unknown, refuses nothing.
    """
    if memory_bytes is None:
        return None
    needed = cost.state_bytes(model) + batch_pairs * cost.activation_bytes(model, 4 if precision == "fp32" else 2)
    if needed <= memory_bytes:
        return None
    return f"needs about {needed / 1e9:.1f} GB to train at batch {batch_pairs}, {memory_bytes / 1e9:.1f} GB are there"


def trial_seconds(probe: Probe, model: ModelConfig, data: DataUse, steps: int) -> float:
    """Predicted time of a trial: start, steps, and two scorings (before and after training)."""
    images = data.query_pairs + data.archive_pairs
    # six searches a scoring: four directions by label, two by partner; at a quarter of the matrix product's speed
    search = 6 * 2 * data.query_pairs * images * model.size.width / (0.25 * max(probe.matmul_flops.values()))
    scoring = images / probe.embed_pairs_per_second + search
    return probe.start_seconds + steps * probe.step_seconds + 2 * scoring


def schedule(
    request: Request,
    setting: Setting,
    models: Mapping[Candidate, ModelConfig],
    probes: Sequence[Probe],
    refusals: Sequence[Refusal],
    *,
    left_seconds: float | None,
) -> RunPlan:
    """The run, trial by trial.

    Args:
        models: the network of each candidate; those without a probe are left out.
        left_seconds: of the time budget, from now; None without a budget.
    Raises: BudgetError: not even one seed of each candidate fits.
    """

    def round_seconds(steps: int) -> float:
        return sum(trial_seconds(p, models[p.candidate], setting.data, steps) for p in probes)

    steps, seeds, notes = _fit(request, setting, probes, round_seconds, left_seconds)
    training = replace(
        setting.training, steps=steps, warmup_steps=min(setting.training.warmup_steps, max(1, steps // 5))
    )
    trials: list[TrialPlan] = []
    for seed in range(seeds):  # seed by seed: every candidate has a result early
        for probe in probes:
            predicted = trial_seconds(probe, models[probe.candidate], setting.data, steps)
            trials.append(
                TrialPlan(
                    trial_id=f"{setting.run_id}-{len(trials) + 1:02d}",
                    run_id=setting.run_id,
                    candidate=probe.candidate,
                    seed=seed,
                    model=models[probe.candidate],
                    training=training,
                    k=request.k,
                    data=setting.data,
                    cache=setting.cache,
                    device=setting.device,
                    precision=setting.precision,
                    threads=setting.threads,
                    predicted_seconds=predicted,
                    timeout_seconds=PATIENCE * predicted + 60,
                )
            )
    return RunPlan(
        run_id=setting.run_id,
        trials=tuple(trials),
        refusals=tuple(refusals),
        predicted_seconds=sum(trial.predicted_seconds for trial in trials),
        notes=tuple(notes),
    )


def _fit(
    request: Request,
    setting: Setting,
    probes: Sequence[Probe],
    round_seconds: Callable[[int], float],
    left_seconds: float | None,
) -> tuple[int, int, list[str]]:
    """Steps and seeds that fit the time, and the sentences that say so."""
    if left_seconds is None:
        steps = request.steps or DEFAULT_STEPS
        return steps, request.seeds, [f"{steps} steps a trial, equal for every candidate"]
    usable = left_seconds - RESERVE * (request.time_budget_seconds or left_seconds)
    fixed = round_seconds(0)
    slope = sum(probe.step_seconds for probe in probes)
    worth = max(DEFAULT_STEPS, EPOCHS_WORTH * setting.data.train_pairs // setting.training.batch_pairs)
    for seeds in range(request.seeds, 0, -1):
        most = int((usable / seeds - fixed) / slope)
        if request.steps:
            fits, steps = most >= request.steps, request.steps
        else:
            fits, steps = most >= (FEWEST_STEPS if seeds > 1 else 10), min(most, worth)
        if fits:
            notes = [f"{steps} steps a trial, equal for every candidate: what fits {duration(left_seconds)}"]
            if steps == worth and not request.steps:
                notes = [f"{steps} steps a trial, equal for every candidate; more would not be worth their time"]
            if seeds < request.seeds:
                notes.append(f"{seeds} of {request.seeds} seeds: the time budget does not hold more")
            return steps, seeds, notes
    needed = round_seconds(request.steps or 10)
    raise BudgetError(
        f"the time budget leaves {duration(max(usable, 0))} for trials, and one of each of the {len(probes)} "
        f"candidates needs {duration(needed)}: give more time, or fewer --variants or --sizes"
    )
