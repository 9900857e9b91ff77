"""Agendas of two candidates, and made-up endings of their trials. Every number is made up."""

from dataclasses import replace

from bench.plan.choose import Agenda
from bench.plan.forecast import Forecast, Setting
from bench.plan.plan import Request, RunPlan, TrialPlan
from bench.plan.schedule import schedule
from bench.result import Candidate, Outcome, Rung, Training, TrialResult
from fakes import data_use, trial_result
from plan_fakes import MAE, forecast_of, probe_of

SETTING = Setting(
    run_id="r",
    data=data_use(),
    cache="cache",
    device="cpu",
    precision="fp32",
    threads=2,
    training=Training(steps=1000, batch_pairs=8),
)
CANDIDATES = [Candidate(variant=variant, size="nano") for variant in ("cecd", "sesd")]
REQUEST = Request(variants=("cecd", "sesd"), seeds=2, steps=40)
FORECAST = forecast_of(*(probe_of(candidate) for candidate in CANDIDATES), data=data_use())
WITH_BASELINE = forecast_of(*(probe_of(candidate) for candidate in CANDIDATES), data=data_use(), baselines=[MAE])


def plan(request: Request = REQUEST, forecast: Forecast = FORECAST) -> RunPlan:
    return schedule(request, SETTING, forecast, (), left_seconds=None)


def agenda(request: Request = REQUEST, forecast: Forecast = FORECAST) -> Agenda:
    return Agenda(plan(request, forecast), request, SETTING, forecast)


def ended(trial: TrialPlan, cross: float = 0.36, outcome: Outcome = Outcome.COMPLETED) -> TrialResult:
    """How a planned trial ended."""
    result = trial_result(
        variant=trial.candidate.variant,
        seed=trial.seed,
        steps=trial.training.steps,
        cross=cross,
        outcome=outcome,
        trial_id=trial.trial_id,
        training=trial.training,
        data=trial.data,
        retry_of=trial.retry_of,
    )
    rungs = tuple(Rung(step=step, seconds=0.1 * step) for step in (*trial.rungs, trial.training.steps))
    return replace(
        result,
        rungs=rungs if outcome is Outcome.COMPLETED else (),
        costs=replace(result.costs, total_seconds=trial.predicted_seconds),
    )


def play(
    agenda: Agenda, left: float | None, scores: dict[str, tuple[float, ...]] | None = None, most: int = 100
) -> list[TrialPlan]:
    """The trials that an agenda hands out when each takes as long as predicted."""
    begun: list[TrialPlan] = []
    while len(begun) < most and (trial := agenda.next(left)):
        begun.append(trial)
        left = None if left is None else left - trial.predicted_seconds
        own = (scores or {}).get(trial.candidate.variant, (0.36, 0.37))
        agenda.add(ended(trial, own[trial.seed % len(own)]))
    return begun
