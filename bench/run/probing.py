"""Measuring a few real steps of each candidate before planning, where earlier runs have not told enough."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from math import inf
from typing import Final

from bench.plan.forecast import Setting
from bench.plan.plan import Probe, ProbePlan, Refusal, Request
from bench.result import Candidate, Outcome, Precision, TrialResult
from bench.run.deadline import Deadline
from bench.run.events import Ended, Event, Preparing, Probed
from bench.run.executor import Executor
from models.config import ModelConfig

PROBE_SECONDS: Final = 1.5
"""Time for the steps of one candidate's probe."""

HURRY_SECONDS: Final = 120.0
"""A time budget below which what was measured in earlier runs is not measured again."""

PROBE_SHARE: Final = 0.03
"""Of a time budget, for the steps of one candidate's probe, when that is less."""

MOST_TRIES: Final = 4
"""Of a candidate's probe: each after one that ran out of memory splits the batch into twice as many parts."""


def probing(
    request: Request,
    models: dict[Candidate, ModelConfig],
    setting: Setting,
    *,
    executor: Executor,
    refusals: list[Refusal],
    deadline: Deadline,
    history: Sequence[TrialResult],
) -> Generator[Event, None, tuple[list[Probe], Precision, dict[Candidate, int], tuple[str, ...]]]:
    """Measure a step of each candidate; the first one also chooses the arithmetic for all.

    When time is short, a candidate that trained here before is not measured again. One that runs out of memory is
    measured in more parts, one that fails is refused and its network taken out.

    Returns: the probes, the arithmetic, into how many parts each candidate's batch is split, and what to say of it.
    """
    hurried = deadline.budget_seconds is not None and deadline.budget_seconds < HURRY_SECONDS
    before = _before(history, setting, request.precision) if hurried else []
    precisions: tuple[Precision, ...] = (request.precision,) if request.precision else ("fp32", "bf16")
    notes: tuple[str, ...] = (f"arithmetic {request.precision}, as asked",) if request.precision else ()
    if before and not request.precision:
        precisions = (before[0][1],)
        notes = (f"arithmetic {precisions[0]}, the fastest when it was measured here before",)
    probes: list[Probe] = []
    parts = dict(setting.parts)
    for number, candidate in enumerate(list(models)):
        if (models[candidate], precisions[0]) in before:
            continue
        yield Preparing(what=f"measuring a step of {candidate.title}", done=number, total=len(models))
        ended: Ended | None = None
        for _ in range(MOST_TRIES):
            pairs = max(2, setting.training.batch_pairs // parts[candidate])
            job = ProbePlan(
                candidate=candidate,
                model=models[candidate],
                training=replace(setting.training, batch_pairs=pairs),
                cache=setting.cache,
                device=setting.device,
                precisions=precisions,
                threads=setting.threads,
                budget_seconds=min(PROBE_SECONDS, PROBE_SHARE * (deadline.budget_seconds or inf)),
            )
            ended = yield from _measure(job, executor, deadline, probes)
            deadline.check(f"a step of {candidate.title} was being measured")
            if ended is None or ended.outcome is not Outcome.OUT_OF_MEMORY or pairs < 4:
                break
            parts[candidate] *= 2
        if ended:
            del models[candidate]
            refusals.append(Refusal(candidate=candidate, reason=f"its probe failed: {ended.cause}"))
        elif len(precisions) > 1:
            notes = (_precision_note(probes[0]),)
            precisions = (probes[0].precision,)
    return probes, precisions[0], parts, notes


def _measure(
    job: ProbePlan, executor: Executor, deadline: Deadline, probes: list[Probe]
) -> Generator[Event, None, Ended | None]:
    """Add the candidate's probe; returns how it ended instead."""
    failure: Ended | None = Ended(trial_id="", outcome=Outcome.FAILED, cause="it ended without a word")
    with closing(executor.run(job, timeout_seconds=deadline.within(600))) as events:
        for event in events:
            if isinstance(event, Probed):
                failure = None
                probes.append(event.probe)
                yield event
            elif isinstance(event, Ended):
                failure = event
    return failure


def _before(
    history: Sequence[TrialResult], setting: Setting, precision: Precision | None
) -> list[tuple[ModelConfig, Precision]]:
    """The networks that trained here with this batch, and in which arithmetic; the newest first."""
    found: list[tuple[ModelConfig, Precision]] = []
    for trial in history:  # the newest first
        here = (trial.device, trial.threads) == (setting.device, setting.threads)
        alike = trial.training.batch_pairs == setting.training.batch_pairs and precision in {None, trial.precision}
        if here and alike and trial.outcome is Outcome.COMPLETED:
            found.append((trial.model, trial.precision))
    return found


def _precision_note(probe: Probe) -> str:
    rates = ", ".join(f"{name} {flops / 1e9:.3g} GFLOP/s" for name, flops in probe.matmul_flops.items())
    return f"arithmetic {probe.precision}, the fastest measured here (matrix product: {rates})"
