from dataclasses import replace

import pytest

from bench.errors import BudgetError
from bench.plan.plan import Probe, Request
from bench.plan.schedule import DEFAULT_STEPS, FEWEST_STEPS, Setting, schedule, trial_seconds, unfit
from bench.result import Candidate, DataUse, Training
from models.config import VARIANTS, ModelConfig, configure

CANDIDATES = [Candidate(variant=name, size="nano") for name, row in VARIANTS.items() if not row.baseline]
MODELS: dict[Candidate, ModelConfig] = {
    c: configure(c.variant, c.size, bands={"s1": 2, "s2": 10}, image_pixels=64) for c in CANDIDATES
}
DATA = DataUse(
    name="synthetic",
    layout="synthetic",
    fingerprint="f" * 64,
    synthetic=True,
    labelled=True,
    train_pairs=512,
    query_pairs=500,
    archive_pairs=1000,
)
SETTING = Setting(
    run_id="r",
    data=DATA,
    cache="/nowhere",
    device="cpu",
    precision="fp32",
    threads=2,
    training=Training(steps=1000, batch_pairs=32),
)
REQUEST = Request()


def probe_of(candidate: Candidate, step_seconds: float = 0.1) -> Probe:
    return Probe(
        candidate=candidate,
        precision="fp32",
        matmul_flops={"fp32": 1e11},
        step_seconds=step_seconds,
        embed_pairs_per_second=1500,
        start_seconds=0.5,
        steps=10,
    )


PROBES = [probe_of(candidate) for candidate in CANDIDATES]


def test_without_a_budget_every_candidate_gets_every_seed_and_the_default_steps() -> None:
    plan = schedule(REQUEST, SETTING, MODELS, PROBES, (), left_seconds=None)
    assert [(t.seed, t.candidate) for t in plan.trials] == [(s, c) for s in range(3) for c in CANDIDATES]
    assert {t.training.steps for t in plan.trials} == {DEFAULT_STEPS}
    assert len({t.trial_id for t in plan.trials}) == 12


@pytest.mark.parametrize("left", [60, 120, 180, 240])
def test_a_budget_is_filled_and_not_passed(left: float) -> None:
    plan = schedule(replace(REQUEST, time_budget_seconds=left), SETTING, MODELS, PROBES, (), left_seconds=left)
    one_more_step = sum(p.step_seconds for p in PROBES) * len(plan.trials) / 4
    assert plan.predicted_seconds <= 0.96 * left
    assert plan.predicted_seconds + one_more_step > 0.96 * left or plan.trials[0].training.steps >= DEFAULT_STEPS
    assert len({t.training.steps for t in plan.trials}) == 1


def test_seeds_are_dropped_before_trials_become_too_short_and_the_plan_says_so() -> None:
    left = 60.0
    plan = schedule(replace(REQUEST, time_budget_seconds=left), SETTING, MODELS, PROBES, (), left_seconds=left)
    assert plan.trials[-1].seed < 2
    assert plan.trials[0].training.steps >= FEWEST_STEPS
    assert any("of 3 seeds" in note for note in plan.notes)


def test_a_budget_that_holds_no_round_is_refused_with_what_it_would_need() -> None:
    with pytest.raises(BudgetError, match=r"leaves 2\.9 s for trials.*4 candidates needs"):
        schedule(replace(REQUEST, time_budget_seconds=3), SETTING, MODELS, PROBES, (), left_seconds=3.0)


def test_steps_asked_for_are_kept_and_seeds_give_way() -> None:
    request = replace(REQUEST, steps=100, time_budget_seconds=120)
    plan = schedule(request, SETTING, MODELS, PROBES, (), left_seconds=120.0)
    assert {t.training.steps for t in plan.trials} == {100}
    assert len(plan.trials) == 8


def test_steps_stop_where_more_are_not_worth_their_time() -> None:
    request = replace(REQUEST, time_budget_seconds=1e5)
    plan = schedule(request, SETTING, MODELS, PROBES, (), left_seconds=1e5)
    assert plan.trials[0].training.steps == 60 * 512 // 32


def test_a_slower_candidate_is_predicted_to_take_longer_and_gets_a_later_timeout() -> None:
    slow = [probe_of(c, 0.4 if c.variant == "sesd" else 0.1) for c in CANDIDATES]
    trials = schedule(REQUEST, SETTING, MODELS, slow, (), left_seconds=None).trials
    by_variant = {t.candidate.variant: t for t in trials}
    assert by_variant["sesd"].predicted_seconds == pytest.approx(
        by_variant["cecd"].predicted_seconds + 0.3 * DEFAULT_STEPS
    )
    assert all(t.timeout_seconds > 2 * t.predicted_seconds for t in trials)


def test_scoring_counts_in_the_predicted_time() -> None:
    candidate = CANDIDATES[0]
    few = replace(DATA, query_pairs=10, archive_pairs=10)
    assert trial_seconds(PROBES[0], MODELS[candidate], few, 10) < trial_seconds(PROBES[0], MODELS[candidate], DATA, 10)


def test_a_model_too_large_for_the_memory_is_refused_with_both_numbers() -> None:
    large = configure("sesd", "large", bands={"s1": 2, "s2": 10}, image_pixels=120)
    assert unfit(MODELS[CANDIDATES[0]], batch_pairs=32, precision="fp32", memory_bytes=8 * 10**9) is None
    assert unfit(large, batch_pairs=32, precision="fp32", memory_bytes=None) is None
    reason = unfit(large, batch_pairs=32, precision=None, memory_bytes=8 * 10**9)
    assert reason is not None
    assert "needs about" in reason
    assert "8.0 GB are there" in reason
