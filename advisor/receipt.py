"""The receipt of an advice: what it says, on which machine, data and trials it rests, and what gives each number again.

A pure function of stored records, so that the same trials give the same receipt, to the letter, at any time.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Final

from advisor.claims import Claim, claims
from advisor.evidence import Evidence, comparable
from advisor.explain import Advice
from advisor.fingerprints import content_hash, scores_hash
from advisor.receipt_form import Entry, Environment, Number, Place, Receipt, Said
from advisor.recommend import Recommendation
from bench.plan.index import IndexMeasurement
from bench.profile.dataset import data_use
from bench.result import Outcome, TrialResult
from bench.store.runs import Run

AGREEMENT: Final = 1e-9
"""How far an answer may lie from its number: of 1, or of a larger number itself."""

TOLERANCE_DEVIATIONS: Final = 3.0
"""Deviations between seeds within which a score trained again elsewhere still counts as the same. Ours."""

Ask = Callable[[Sequence[str]], Sequence[float | None]]
"""The number that each statement gives from the store; None where it gives none."""


def build(
    run: Run,
    trials: Sequence[TrialResult],
    recommendation: Recommendation,
    advice: Advice,
    *,
    goal: str,
    ask: Ask,
    made_by: str,
    indexes: Sequence[IndexMeasurement] = (),
) -> Receipt:
    """The receipt of the advice that these trials gave.

    Args:
        trials: all that the advice was asked of.
        goal: as asked: a key of `GOALS`.
        ask: each statement is really put to the store.
        indexes: measurements that the advice was asked of.
    """
    evidence, floor = recommendation.evidence, recommendation.evidence.noise if recommendation.evidence else None
    compared = comparable(trials)
    seeds = {trial.trial_id: trial.seed for trial in trials}
    ordered = sorted(trials, key=lambda trial: trial.trial_id)
    return Receipt(
        made_by=made_by,
        run_id=run.run_id,
        goal=goal,
        metric=evidence.metric if evidence else "",
        k=evidence.k if evidence else None,
        command=run.command,
        advice=_said(recommendation, advice),
        data=compared[0].data if compared else data_use(run.dataset),
        planned_seeds=_planned_seeds(run),
        places=_places(ordered),
        trials=tuple(_entry(trial, evidence, counted=trial in compared) for trial in ordered),
        numbers=_numbers(claims(recommendation, compared), seeds, ask),
        indexes_until=max((measurement.measured_at for measurement in indexes), default=""),
        tolerance=TOLERANCE_DEVIATIONS * floor.deviation if floor else None,
    )


def environment_of(trial: TrialResult) -> Environment:
    """Where a trial ran."""
    birth = trial.provenance
    return Environment(
        tool_version=birth.tool_version,
        commit=birth.commit,
        protocol=birth.protocol,
        machine=birth.machine,
        versions=birth.versions,
        device=trial.device,
        precision=trial.precision,
        threads=trial.threads,
    )


def goal_score(trial: TrialResult, evidence: Evidence) -> float | None:
    """The metric of an evidence, mean over the directions of its goal; None where one is not measured."""
    scores = [trial.score(query, archive, evidence.metric) for query, archive in evidence.goal.directions]
    known = [score for score in scores if score is not None]
    return fmean(known) if len(known) == len(scores) else None


def agrees(value: float, other: float | None) -> bool:
    """Whether two numbers are the same but for the last digits of their arithmetic."""
    return other is not None and abs(value - other) <= AGREEMENT * max(1.0, abs(value))


def _said(recommendation: Recommendation, advice: Advice) -> Said:
    return Said(
        verdict=recommendation.verdict,
        candidate=recommendation.candidate.title if recommendation.candidate else "",
        tied=tuple(candidate.title for candidate in recommendation.tied),
        headline=advice.headline,
        reasons=advice.reasons,
        cautions=advice.cautions,
    )


def _planned_seeds(run: Run) -> dict[str, tuple[int, ...]]:
    seeds: dict[str, list[int]] = defaultdict(list)
    for trial in run.plan.trials:
        seeds[trial.candidate.title].append(trial.seed)
    return {title: tuple(own) for title, own in seeds.items()}


def _places(trials: Sequence[TrialResult]) -> tuple[Place, ...]:
    found: list[tuple[Environment, list[str]]] = []
    for trial in trials:
        environment = environment_of(trial)
        own = next((ids for known, ids in found if known == environment), None)
        if own is None:
            found.append((environment, [trial.trial_id]))
        else:
            own.append(trial.trial_id)
    return tuple(Place(environment=environment, trial_ids=tuple(ids)) for environment, ids in found)


def _entry(trial: TrialResult, evidence: Evidence | None, *, counted: bool) -> Entry:
    return Entry(
        trial_id=trial.trial_id,
        candidate=trial.candidate.title,
        seed=trial.seed,
        steps=trial.training.steps,
        train_pairs=trial.data.train_pairs,
        outcome=trial.outcome,
        counted=counted,
        score=goal_score(trial, evidence) if evidence and trial.outcome is Outcome.COMPLETED else None,
        command=trial.provenance.command,
        sha256=content_hash(trial),
        scores_sha256=scores_hash(trial),
    )


def _numbers(found: Sequence[Claim], seeds: Mapping[str, int], ask: Ask) -> tuple[Number, ...]:
    """Each claim with what its SQL really gives."""
    statements = [claim.sql for claim in found if claim.sql]
    answers = dict(zip(statements, ask(statements), strict=True))
    return tuple(
        Number(
            name=claim.name,
            value=claim.value,
            trial_ids=claim.trial_ids,
            seeds=tuple(sorted({seeds[trial_id] for trial_id in claim.trial_ids})),
            sql=claim.sql,
            answer=answers.get(claim.sql),
            verified=agrees(claim.value, answers.get(claim.sql)),
            function=claim.function,
            bootstrap_seed=claim.bootstrap_seed,
        )
        for claim in found
    )
