"""When a baseline is trained beside the candidates."""

from collections.abc import Sequence
from dataclasses import replace

from agendas import CANDIDATES, FORECAST, REQUEST, WITH_BASELINE, agenda, ended, plan, play

from bench.plan.plan import TrialPlan
from bench.result import Outcome
from plan_fakes import MAE


def of_baseline(trials: Sequence[TrialPlan]) -> list[TrialPlan]:
    return [t for t in trials if t.candidate == MAE]


def test_a_baseline_runs_once_and_whatever_it_scores_changes_nothing_for_the_candidates() -> None:
    dropped: list[object] = []
    runs: list[list[TrialPlan]] = []
    for forecast, most in ((FORECAST, 7), (WITH_BASELINE, 8)):
        run, begun = agenda(forecast=forecast), list[TrialPlan]()
        while len(begun) < most and (trial := run.next(1e6)):
            begun.append(trial)
            dropped += run.add(ended(trial, 0.99 if trial.candidate == MAE else (0.36, 0.37)[trial.seed % 2]))
        runs.append(begun)
    alone, beside = ([(t.candidate, t.seed, t.training, t.purpose) for t in trials] for trials in runs)
    assert beside == [*alone[:2], (MAE, 0, alone[0][2], "baseline"), *alone[2:]]
    assert dropped == []


def test_a_baseline_waits_while_time_is_short_for_the_candidates() -> None:
    run = agenda(forecast=WITH_BASELINE)
    assert [t.candidate for t in plan(forecast=WITH_BASELINE).trials[:3]] == [*CANDIDATES, MAE]
    all_of_them = sum(t.predicted_seconds for t in plan(forecast=WITH_BASELINE).trials)
    begun = play(run, all_of_them - 1e-3)
    assert {(t.candidate, t.seed) for t in begun} == {(c, seed) for c in CANDIDATES for seed in range(2)}
    assert run.stopped == "the time budget does not hold trial 5 of 5"


def test_a_baseline_that_waits_runs_when_the_candidates_leave_it_time_after_all() -> None:
    run = agenda(replace(REQUEST, refine=False), WITH_BASELINE)
    left, begun = sum(t.predicted_seconds for t in plan(forecast=WITH_BASELINE).trials) - 1e-3, list[TrialPlan]()
    while trial := run.next(left):
        begun.append(trial)
        result = ended(trial)
        # the first two as slow as predicted, so that the baseline has to wait; the others in no time
        taken = trial.predicted_seconds if len(begun) < 3 else 0.0
        left -= taken
        run.add(replace(result, costs=replace(result.costs, total_seconds=taken)))
    assert [t.candidate for t in begun] == [*CANDIDATES, CANDIDATES[0], MAE, CANDIDATES[1]]
    assert run.stopped == ""


def test_a_baseline_that_does_not_fit_into_memory_leaves_the_candidates_alone() -> None:
    run, begun = agenda(forecast=WITH_BASELINE), list[TrialPlan]()
    while trial := run.next(None):
        begun.append(trial)
        run.add(ended(trial, outcome=Outcome.OUT_OF_MEMORY if trial.candidate == MAE else Outcome.COMPLETED))
    assert [t.retry_of for t in of_baseline(begun)] == [None, of_baseline(begun)[0].trial_id]
    assert len(begun) == 6


def test_a_baseline_of_a_resumed_run_is_done_again() -> None:
    trials = plan(forecast=WITH_BASELINE).trials
    run = agenda(forecast=WITH_BASELINE)
    run.resume([ended(trials[0]), ended(trials[1]), ended(trials[2], outcome=Outcome.INTERRUPTED)])
    assert [t.retry_of for t in of_baseline(play(run, None))] == [trials[2].trial_id]
    assert run.completed == 5
