"""Hashes of trials notice what matters and nothing else."""

from dataclasses import replace

import pytest

import fakes
from advisor.fingerprints import content_hash, scores_hash
from bench.result import ClassScore, Costs, Prediction, Rung, TrialResult

TRIAL = fakes.trial_result(rungs=(Rung(step=100, seconds=5.0),))
SCORE, QUERY = TRIAL.scores[0], TRIAL.query_scores[0]
OF_CLASS = ClassScore(
    subject="trained", step=100, query="s1", archive="s2", metric="class_map", k=None, label=0, queries=3, value=0.4
)
PREDICTION = Prediction(quantity="step_seconds", value=1, low=0, high=2, source="prior", basis="a guess")


@pytest.mark.parametrize(
    "changed",
    [
        replace(TRIAL, scores=(replace(SCORE, value=SCORE.value + 1e-15), *TRIAL.scores[1:])),
        replace(TRIAL, scores=TRIAL.scores[1:]),
        replace(TRIAL, query_scores=(replace(QUERY, values=QUERY.values[::-1]), *TRIAL.query_scores[1:])),
        replace(TRIAL, class_scores=(OF_CLASS,)),
    ],
)
def test_another_score_is_another_hash(changed: TrialResult) -> None:
    assert content_hash(changed) != content_hash(TRIAL)
    assert scores_hash(changed) != scores_hash(TRIAL)


@pytest.mark.parametrize(
    "changed",
    [
        replace(TRIAL, seed=1),
        replace(TRIAL, cause="who knows"),
        replace(TRIAL, data=replace(TRIAL.data, synthetic=False)),
        replace(TRIAL, training=replace(TRIAL.training, learning_rate=1e-4)),
        replace(TRIAL, costs=replace(TRIAL.costs, micro_batches=2)),
        replace(TRIAL, losses=(replace(TRIAL.losses[0], total=9.0), *TRIAL.losses[1:])),
        replace(TRIAL, provenance=replace(TRIAL.provenance, versions={"python": "3.11.9", "torch": "2.15"})),
    ],
)
def test_what_a_trial_is_is_hashed_beside_its_scores(changed: TrialResult) -> None:
    assert content_hash(changed) != content_hash(TRIAL)
    assert scores_hash(changed) == scores_hash(TRIAL)


@pytest.mark.parametrize(
    "changed",
    [
        replace(TRIAL, costs=Costs(parameters=TRIAL.costs.parameters, step_seconds=(9.0,), energy_joules=3.0)),
        replace(TRIAL, losses=tuple(replace(lap, seconds=9.0) for lap in TRIAL.losses)),
        replace(TRIAL, rungs=(Rung(step=100, seconds=9.0),)),
        replace(TRIAL, predictions=(PREDICTION,), marks=("a busy processor",)),
    ],
)
def test_times_and_costs_of_the_machine_are_not_hashed(changed: TrialResult) -> None:
    assert content_hash(changed) == content_hash(TRIAL)
