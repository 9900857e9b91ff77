"""What comes next, from made-up results."""

from dataclasses import replace

import pytest

from bench.plan.choose import RETRY_PARTS, RETRY_RATE, Agenda
from bench.plan.forecast import Setting
from bench.plan.plan import Request, RunPlan, TrialPlan
from bench.plan.refine import SEEDS_ENOUGH
from bench.plan.schedule import schedule
from bench.plan.verdict import hopeless, undecided
from bench.result import Candidate, Outcome, Rung, Training, TrialResult
from fakes import DATASET, data_use, matrix, query_scores, trial_result, trials
from plan_fakes import forecast_of, probe_of

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


def plan(request: Request = REQUEST) -> RunPlan:
    return schedule(request, SETTING, FORECAST, (), left_seconds=None)


def agenda(request: Request = REQUEST) -> Agenda:
    return Agenda(plan(request), request, SETTING, FORECAST)


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


def test_without_a_budget_the_planned_trials_are_all() -> None:
    assert [t.trial_id for t in play(agenda(), None)] == [t.trial_id for t in plan().trials]


def test_no_trial_begins_that_cannot_end_in_time() -> None:
    begun = agenda()
    first = begun.next(1e-3)
    assert first is None
    assert begun.stopped == "the time budget does not hold trial 1 of 4"


def test_the_pace_of_finished_trials_corrects_the_prediction() -> None:
    slow = agenda()
    trial = slow.next(1000)
    assert trial is not None
    result = ended(trial)
    slow.add(replace(result, costs=replace(result.costs, total_seconds=3 * trial.predicted_seconds)))
    waiting = plan().trials[1]
    assert slow.seconds(waiting) == pytest.approx(3 * waiting.predicted_seconds)
    assert slow.next(2 * waiting.predicted_seconds) is None


def test_left_time_goes_into_seeds_then_fewer_pairs_then_longer_training() -> None:
    begun = play(agenda(), 1e6)
    seeds = [t.seed for t in begun if t.purpose == "another seed" and t.candidate == CANDIDATES[0]]
    assert seeds[: SEEDS_ENOUGH - 1] == list(range(1, SEEDS_ENOUGH))
    purposes = list(dict.fromkeys(t.purpose for t in begun))
    assert purposes == ["first result", "another seed", "half of the pairs", "a quarter of the pairs"]
    halves = [t for t in begun if t.purpose == "half of the pairs"]
    assert {t.data.train_pairs for t in halves} == {DATASET.pairs["train"] // 2}
    assert {t.candidate for t in halves} == set(CANDIDATES)
    assert len({t.trial_id for t in begun}) == len(begun)


def test_training_goes_on_only_where_a_curve_still_rises() -> None:
    request = replace(REQUEST, refine=True)
    rising = agenda(request)
    while trial := rising.next(1e6):
        result = ended(trial, 0.4)
        early = tuple(s for rung in trial.rungs for s in matrix("trained", 0.2, step=rung))
        rising.add(replace(result, scores=early + result.scores))
        if trial.purpose == "longer training":
            break
    assert trial is not None
    assert trial.training.steps == 2 * 40


def test_a_run_that_is_not_to_be_refined_ends_with_its_plan() -> None:
    assert len(play(agenda(replace(REQUEST, refine=False)), 1e6)) == 4


def test_a_diverged_training_is_tried_once_more_at_a_lower_rate() -> None:
    run = agenda()
    trial = run.next(None)
    assert trial is not None
    run.add(ended(trial, outcome=Outcome.DIVERGED))
    again = run.next(None)
    assert again is not None
    assert (again.candidate, again.seed, again.retry_of) == (trial.candidate, trial.seed, trial.trial_id)
    assert again.training.learning_rate == pytest.approx(RETRY_RATE * trial.training.learning_rate)
    run.add(ended(again, outcome=Outcome.DIVERGED))
    third = run.next(None)
    assert third is not None
    assert third.retry_of is None


def test_a_trial_killed_for_memory_is_tried_in_parts_and_then_its_candidate_is_dropped() -> None:
    run = agenda()
    trial = run.next(None)
    assert trial is not None
    assert run.add(ended(trial, outcome=Outcome.OUT_OF_MEMORY)) == ()
    again = run.next(None)
    assert again is not None
    assert again.micro_batches == RETRY_PARTS
    (dropped,) = run.add(ended(again, outcome=Outcome.OUT_OF_MEMORY))
    assert dropped.candidate == trial.candidate
    assert {t.candidate for t in play(run, None)} == {CANDIDATES[1]}


def test_a_candidate_that_cannot_catch_up_is_dropped_and_one_within_noise_is_not() -> None:
    clear = trials({"cecd": (0.50, 0.501), "sesd": (0.30, 0.301)}, steps=40)
    assert list(hopeless(clear, margin=0.01)) == [CANDIDATES[1]]
    assert undecided(clear) == [CANDIDATES[0]]
    close = trials({"cecd": (0.36, 0.38), "sesd": (0.37, 0.36)}, steps=40)
    assert hopeless(close, margin=0.01) == {}
    assert undecided(close) == CANDIDATES


def test_one_seed_drops_nobody() -> None:
    assert hopeless(trials({"cecd": (0.9,), "sesd": (0.1,)}, steps=40), margin=0.01) == {}


def test_a_dropped_candidate_gets_no_further_trial() -> None:
    run = agenda(replace(REQUEST, seeds=3))
    begun = play(run, 1e6, {"cecd": (0.50, 0.501), "sesd": (0.30, 0.301)})
    assert len([t for t in begun if t.candidate == CANDIDATES[1]]) == 2
    assert len([t for t in begun if t.candidate == CANDIDATES[0]]) > 2


def test_a_resumed_run_counts_what_finished_and_does_again_what_was_cut_off() -> None:
    first, second, *rest = plan().trials
    run = agenda()
    run.resume([ended(first), ended(second, outcome=Outcome.INTERRUPTED)])
    again = run.next(None)
    assert again is not None
    assert (again.retry_of, again.candidate, again.seed) == (second.trial_id, second.candidate, second.seed)
    assert again.trial_id != second.trial_id
    run.add(ended(again))
    assert [t.trial_id for t in play(run, None)] == [t.trial_id for t in rest]
    assert run.completed == 4


def test_a_run_can_be_resumed_twice() -> None:
    first = plan().trials[0]
    once = agenda()
    once.resume([ended(first, outcome=Outcome.CANCELLED)])
    again = once.next(None)
    assert again is not None
    twice = agenda()
    twice.resume([ended(first, outcome=Outcome.CANCELLED), ended(again)])
    assert [t.trial_id for t in play(twice, None)] == [t.trial_id for t in plan().trials[1:]]
    assert twice.completed == 4


def test_scores_without_labels_are_judged_by_partners() -> None:
    clear = [
        replace(t, data=replace(t.data, labelled=False), scores=s, query_scores=query_scores(s, 8))
        for t in trials({"cecd": (0.50, 0.501), "sesd": (0.30, 0.301)}, steps=40)
        for s in [matrix("trained", 0.5 if t.candidate.variant == "cecd" else 0.3, step=40, labelled=False)]
    ]
    assert list(hopeless(clear, margin=0.01)) == [CANDIDATES[1]]
