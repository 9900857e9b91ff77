from dataclasses import replace
from typing import Any

import pytest

from bench.errors import BudgetError
from bench.plan.fit import FEWEST_STEPS, rungs_below
from bench.plan.forecast import parts_needed, unfit
from bench.plan.plan import DEFAULT_STEPS, Request, Wish
from bench.plan.schedule import renewed, schedule
from bench.result import Candidate
from models.config import configure
from plan_fakes import CANDIDATES, DATA, MAE, MODELS, SETTING, forecast_of, probe_of

REQUEST = Request()

PROBES = [probe_of(candidate) for candidate in CANDIDATES]
FORECAST = forecast_of(*PROBES)
WITH_BASELINE = forecast_of(*PROBES, baselines=[MAE])


def test_without_a_budget_every_candidate_gets_every_seed_and_the_default_steps() -> None:
    plan = schedule(REQUEST, SETTING, FORECAST, (), left_seconds=None)
    assert [(t.seed, t.candidate) for t in plan.trials] == [(s, c) for s in range(3) for c in CANDIDATES]
    assert {t.training.steps for t in plan.trials} == {DEFAULT_STEPS}
    assert len({t.trial_id for t in plan.trials}) == 12


@pytest.mark.parametrize("left", [60, 120, 180, 240])
def test_a_budget_is_filled_and_not_passed(left: float) -> None:
    request = replace(REQUEST, time_budget_seconds=left, refine=False)
    plan = schedule(request, SETTING, FORECAST, (), left_seconds=left)
    one_more_step = 2 * sum(p.step_seconds for p in PROBES) * len(plan.trials) / 4  # with its share of the branches
    assert plan.predicted_seconds <= 0.96 * left
    assert plan.predicted_seconds + one_more_step > 0.96 * left or plan.trials[0].training.steps >= DEFAULT_STEPS
    assert len({t.training.steps for t in plan.trials}) == 1


def test_seeds_are_dropped_before_trials_become_too_short_and_the_plan_says_so() -> None:
    left = 60.0
    plan = schedule(replace(REQUEST, time_budget_seconds=left), SETTING, FORECAST, (), left_seconds=left)
    assert plan.trials[-1].seed < 2
    assert plan.trials[0].training.steps >= FEWEST_STEPS
    assert any("of 3 seeds" in note for note in plan.notes)


def test_a_budget_that_holds_no_round_is_refused_with_what_it_would_need() -> None:
    with pytest.raises(BudgetError, match=r"leaves 2\.9 s for trials.*4 candidates needs"):
        schedule(replace(REQUEST, time_budget_seconds=3), SETTING, FORECAST, (), left_seconds=3.0)


def test_steps_asked_for_are_kept_and_seeds_give_way() -> None:
    request = replace(REQUEST, steps=100, time_budget_seconds=135)
    plan = schedule(request, SETTING, FORECAST, (), left_seconds=135.0)
    assert {t.training.steps for t in plan.trials} == {100}
    assert len(plan.trials) == 8


def test_steps_stop_where_more_are_not_worth_their_time() -> None:
    request = replace(REQUEST, time_budget_seconds=1e5)
    plan = schedule(request, SETTING, FORECAST, (), left_seconds=1e5)
    assert plan.trials[0].training.steps == 60 * 512 // 32


def test_a_large_budget_is_not_filled_at_once_unless_nothing_is_to_be_refined() -> None:
    request = replace(REQUEST, time_budget_seconds=1000)
    part = schedule(request, SETTING, FORECAST, (), left_seconds=1000.0)
    assert 0.5 * 960 < part.predicted_seconds <= 0.6 * 960
    assert any("where the results say" in note for note in part.notes)
    whole = schedule(replace(request, refine=False), SETTING, FORECAST, (), left_seconds=1000.0)
    assert whole.predicted_seconds > 0.95 * 960


def test_the_first_seed_is_scored_on_the_way_and_the_branches_are_predicted() -> None:
    trials = schedule(REQUEST, SETTING, FORECAST, (), left_seconds=None).trials
    first, second = (next(t for t in trials if t.seed == seed) for seed in (0, 1))
    assert first.rungs == (50, 100)
    assert second.rungs == ()
    branches = (15 + 30) * 0.1
    assert first.predicted_seconds - second.predicted_seconds > branches


def test_very_short_trainings_have_no_rungs() -> None:
    assert rungs_below(20) == (10,)
    assert rungs_below(15) == ()


def test_wishes_are_planned_as_they_are() -> None:
    wishes = (
        Wish(candidate=CANDIDATES[1], seed=4, steps=70, rungs=(30,), train_pairs=100),
        Wish(candidate=CANDIDATES[0], seed=0, steps=20),
    )
    trials = schedule(replace(REQUEST, wishes=wishes), SETTING, FORECAST, (), left_seconds=None).trials
    assert [(t.candidate, t.seed, t.training.steps, t.rungs) for t in trials] == [
        (w.candidate, w.seed, w.steps, w.rungs) for w in wishes
    ]
    assert [t.data.train_pairs for t in trials] == [100, DATA.train_pairs]


def test_a_slower_candidate_is_predicted_to_take_longer_and_gets_a_later_timeout() -> None:
    slow = [probe_of(c, 0.12 if c.variant == "sesd" else 0.1) for c in CANDIDATES]
    slower, as_others = (
        next(t for t in schedule(REQUEST, SETTING, forecast, (), left_seconds=None).trials if t.candidate == sesd)
        for forecast in (forecast_of(*slow), FORECAST)
        for sesd in [next(c for c in CANDIDATES if c.variant == "sesd")]
    )
    assert slower.predicted_seconds > as_others.predicted_seconds
    assert slower.timeout_seconds > max(as_others.timeout_seconds, 2 * slower.predicted_seconds)


def test_scoring_counts_in_the_predicted_time() -> None:
    few = forecast_of(*PROBES, data=replace(DATA, query_pairs=10, archive_pairs=10))
    training = replace(SETTING.training, steps=10)
    assert few.seconds(CANDIDATES[0], training) < FORECAST.seconds(CANDIDATES[0], training)


def test_a_batch_is_split_where_the_whole_does_not_fit() -> None:
    nano, gigabyte = MODELS[CANDIDATES[0]], 10**9
    assert parts_needed(nano, batch_pairs=32, precision="fp32", memory_bytes=8 * gigabyte) == 1
    assert parts_needed(nano, batch_pairs=32, precision="fp32", memory_bytes=None) == 1
    assert parts_needed(nano, batch_pairs=32, precision="fp32", memory_bytes=gigabyte // 20) in {2, 3, 4}


def test_a_model_too_large_for_the_memory_is_refused_with_both_numbers() -> None:
    large = configure("sesd", "large", bands={"s1": 2, "s2": 10}, image_pixels=120)
    assert parts_needed(large, batch_pairs=32, precision=None, memory_bytes=8 * 10**9) is None
    reason = unfit(large, precision=None, memory_bytes=8 * 10**9)
    assert "needs at least" in reason
    assert "8.0 GB are there" in reason


def test_what_is_predicted_is_kept_with_the_trial() -> None:
    trial = schedule(REQUEST, SETTING, FORECAST, (), left_seconds=None).trials[0]
    by_quantity = {prediction.quantity: prediction for prediction in trial.predictions}
    assert set(by_quantity) == {"peak_rss_bytes", "step_seconds", "total_seconds"}
    assert by_quantity["total_seconds"].value == pytest.approx(trial.predicted_seconds)
    assert by_quantity["step_seconds"].value == pytest.approx(0.1, rel=0.1)


def test_a_baseline_is_trained_once_after_each_candidates_first_result() -> None:
    plan = schedule(REQUEST, SETTING, WITH_BASELINE, (), left_seconds=None)
    assert [t.candidate for t in plan.trials[:6]] == [*CANDIDATES, MAE, CANDIDATES[0]]
    (baseline,) = (t for t in plan.trials if t.candidate == MAE)
    assert (baseline.seed, baseline.purpose, baseline.rungs) == (0, "baseline", ())
    assert baseline.training == plan.trials[0].training
    assert baseline.model == MODELS[MAE]
    assert not baseline.model.cmr
    assert baseline.predicted_seconds > 0.05 * DEFAULT_STEPS
    assert plan.predicted_seconds == pytest.approx(sum(t.predicted_seconds for t in plan.trials))


@pytest.mark.parametrize("refine", [True, False])
@pytest.mark.parametrize("steps", [None, 100])
@pytest.mark.parametrize("left", [5, 60, 135, 240, 1000])
def test_a_baseline_takes_no_seed_from_a_candidate_and_few_steps(left: float, steps: int | None, refine: bool) -> None:
    request = replace(REQUEST, steps=steps, time_budget_seconds=left, refine=refine)
    try:
        without = schedule(request, SETTING, FORECAST, (), left_seconds=left)
    except BudgetError:
        with pytest.raises(BudgetError):
            schedule(request, SETTING, WITH_BASELINE, (), left_seconds=left)
        return
    beside = schedule(request, SETTING, WITH_BASELINE, (), left_seconds=left)
    trained = [t for t in beside.trials if t.candidate != MAE]
    assert [(t.candidate, t.seed) for t in trained] == [(t.candidate, t.seed) for t in without.trials]
    assert len({t.training for t in beside.trials}) == 1
    assert beside.predicted_seconds <= 0.96 * left
    held = len(trained) < len(beside.trials)
    fewer = without.trials[0].training.steps - trained[0].training.steps
    assert 0 <= fewer <= (without.trials[0].training.steps * 2 / (len(trained) + 1) if held and not steps else 0)
    left_out = f"{MAE.title} is not trained as a baseline: the time budget does not hold it beside the candidates"
    assert (left_out in beside.notes) != held
    one = WITH_BASELINE.seconds(MAE, trained[0].training)
    assert held or without.predicted_seconds + one > 0.96 * left


def test_budgets_with_and_without_room_for_a_baseline_are_among_those_tried() -> None:
    def held(left: float, steps: int | None = None) -> bool:
        request = replace(REQUEST, steps=steps, time_budget_seconds=left)
        return any(t.candidate == MAE for t in schedule(request, SETTING, WITH_BASELINE, (), left_seconds=left).trials)

    assert [held(left) for left in (60.0, 240.0, 1000.0)] == [True, True, True]
    assert not held(135.0, steps=100)


@pytest.mark.parametrize(
    ("asked", "trained"),
    [
        ({}, [MAE]),
        ({"sizes": ("nano", "tiny")}, [MAE, replace(MAE, size="tiny")]),
        ({"variants": ("secd",)}, []),
        ({"variants": ("secd", "mae")}, []),
        ({"baselines": ()}, []),
        ({"wishes": (Wish(candidate=CANDIDATES[0], seed=0, steps=20), Wish(candidate=MAE, seed=0, steps=20))}, []),
    ],
    ids=["by default", "once a size", "one variant", "asked for itself", "not wanted", "a plan file"],
)
def test_which_baselines_a_request_trains(asked: dict[str, Any], trained: list[Candidate]) -> None:
    assert [*Request(**asked).trained_baselines] == trained


def test_a_baseline_of_a_plan_file_is_a_trial_like_any_other() -> None:
    request = replace(REQUEST, wishes=(Wish(candidate=MAE, seed=2, steps=30),))
    (trial,) = schedule(request, SETTING, forecast_of(*PROBES, probe_of(MAE)), (), left_seconds=None).trials
    assert (trial.candidate, trial.seed, trial.training.steps, trial.purpose) == (MAE, 2, 30, "baseline")


def test_descriptors_are_left_where_the_setting_says_also_by_a_run_that_goes_on() -> None:
    setting = replace(SETTING, descriptors="/left")
    trial = schedule(REQUEST, setting, FORECAST, (), left_seconds=None).trials[0]
    assert trial.descriptors == "/left"
    assert renewed(replace(trial, descriptors="/before"), setting, FORECAST).descriptors == "/left"
