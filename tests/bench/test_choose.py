"""What comes next, from made-up results."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from agendas import CANDIDATES, FORECAST, REQUEST, SETTING, agenda, ended, plan, play

from bench.plan import choose
from bench.plan.choose import RETRY_PARTS, RETRY_RATE, Agenda
from bench.plan.refine import SEEDS_ENOUGH
from bench.plan.verdict import hopeless, undecided
from bench.result import Outcome
from fakes import DATASET, matrix, query_scores, trials


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


def test_a_trial_chosen_before_a_cut_leaves_its_descriptors_where_the_setting_says() -> None:
    setting = replace(SETTING, descriptors="/left")
    run = Agenda(plan(), REQUEST, setting, FORECAST)
    chosen = replace(plan().trials[0], trial_id="r-05", seed=7)
    run.resume([*(ended(trial) for trial in plan().trials), ended(chosen, outcome=Outcome.INTERRUPTED)])
    again = run.next(None)
    assert again is not None
    assert (again.retry_of, again.descriptors) == ("r-05", "/left")


def test_neighbours_of_one_tile_count_as_one_in_what_is_dropped_and_refined(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def spy(asked: Callable[..., object]) -> Callable[..., object]:
        def ask(*args: object, groups: object, **options: object) -> object:
            seen.append(groups)
            return asked(*args, groups=groups, **options)

        return ask

    monkeypatch.setattr(choose, "hopeless", spy(hopeless))
    monkeypatch.setattr(choose, "undecided", spy(undecided))
    tiles = (0, 0, 0, 0, 1, 1, 2, 2)
    run = Agenda(plan(), REQUEST, replace(SETTING, query_groups=tiles), FORECAST)
    assert len(play(run, 1e6, most=5)) == 5
    assert len(seen) > 2
    assert set(seen) == {tiles}
