"""A run folded from its events."""

from dataclasses import replace

import pytest

import fakes
from advisor.tui.story import Story, TrialStory
from bench.result import Outcome
from bench.run.events import Event, Planned, Preparing, RunFinished, TrialStarted
from tui_fakes import TRIALS, events, half_run, trial_events


def told(*happened: Event) -> Story:
    story = Story(begun_seconds=100.0)
    for event in happened:
        story = story.after(event)
    return story


def test_a_whole_run_ends_with_the_results_of_its_trials() -> None:
    story = told(*events())
    assert [trial.outcome for trial in story.trials] == [trial.outcome for trial in TRIALS]
    assert [trial.losses for trial in story.trials] == [trial.losses for trial in TRIALS]
    assert story.trials[-1].cause == TRIALS[-1].cause
    assert story.ending == "11 of 12 trials completed"
    assert story.share == 1
    assert story.seconds_left == 0


def test_in_the_middle_it_knows_the_running_trial() -> None:
    story = told(*half_run())
    assert [trial.status for trial in story.trials] == ["completed"] * 5 + ["running"] + ["waiting"] * 6
    assert story.current is story.trials[5]
    assert (story.current.phase, story.current.step) == ("training", 50)
    assert story.share == pytest.approx((5 + 0.5) / 12)


def test_time_left_follows_the_pace_of_completed_trials() -> None:
    # trials are predicted to take 7 s; the fakes take 0.05 s a step and 2 s
    assert told(*half_run()).seconds_left == pytest.approx(6.5 * 7)
    slow = fakes.trial_result(variant="cecd", costs=replace(TRIALS[0].costs, total_seconds=14.0))
    rest = TRIALS[1:4]
    story = told(Planned(plan=fakes.run_plan(slow, *rest)), *trial_events(slow, 1))
    assert story.seconds_left == pytest.approx(3 * 14.0)
    assert told().seconds_left is None
    assert told().share is None
    assert told(Preparing(what="decoding", done=1, total=4)).share == pytest.approx(0.25)


def test_the_score_is_the_newest_mean_of_the_cross_sensor_directions() -> None:
    plan = fakes.trial_plan(TRIALS[0])
    early, late = fakes.matrix("trained", 0.2, step=50), fakes.matrix("trained", 0.4, step=100, within=0.9)
    untrained = fakes.matrix("untrained", 0.1, step=0)
    assert TrialStory(plan=plan, scores=untrained).score is None
    assert TrialStory(plan=plan, scores=late + early + untrained).score == pytest.approx(0.4)


def test_without_labels_the_score_is_partner_recall() -> None:
    plan = fakes.trial_plan(fakes.trial_result(dataset=fakes.UNLABELLED_DATASET))
    scores = fakes.matrix("trained", 0.3, step=100, labelled=False)
    assert TrialStory(plan=plan, scores=scores).score == pytest.approx(0.3)


@pytest.mark.parametrize(("failed", "cause"), [(False, "stopped by the user"), (True, "the run failed")])
def test_a_run_that_is_cut_off_leaves_no_trial_running(failed: bool, cause: str) -> None:
    story = told(*half_run()).ended(130.0, failed=failed)
    assert story.trials[5].outcome is Outcome.CANCELLED
    assert story.trials[5].cause == story.ending == cause
    assert story.trials[6].status == "not run"
    assert not story.going


def test_a_run_that_stopped_itself_says_why() -> None:
    end = RunFinished(
        run_id="run", completed=1, planned=2, seconds=9.0, stopped="the time budget does not hold trial 2"
    )
    story = told(Preparing(what="decoding"), end).ended(109.0, failed=False)
    assert story.ending == "1 of 2 trials completed; the time budget does not hold trial 2"


def test_a_trial_that_was_chosen_on_the_way_is_told_with_the_planned_ones() -> None:
    planned = fakes.trial_result()
    chosen = replace(fakes.trial_plan(fakes.trial_result(seed=3)), trial_id="chosen")
    story = Story(begun_seconds=0.0).after(Planned(plan=fakes.run_plan(planned)))
    story = story.after(TrialStarted(plan=chosen, number=2, pid=1))
    assert [trial.status for trial in story.trials] == ["waiting", "running"]
    assert story.share == 0.0
