"""What a trial tells of its rungs, its memory, its pairs and its endings."""

import os
import signal
from dataclasses import replace

import pytest
import torch

from bench.data import cache
from bench.data.subsets import nested
from bench.plan.plan import TrialPlan
from bench.result import Outcome
from bench.run.events import PhaseEntered, RungScored, StepMeasured, TrialEvent
from bench.run.train import Trainer
from trials import costs, curve, notes, of_steps, only, outcome, scores, told, toy_plan


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> TrialPlan:
    return toy_plan(tmp_path_factory.mktemp("cache"))


def test_a_rung_scores_what_a_trial_of_its_length_alone_scores(plan: TrialPlan) -> None:
    events = told(of_steps(plan, 20, 4, 5, 11))
    assert outcome(events) is Outcome.COMPLETED
    for steps in (4, 5, 11, 20):
        alone = told(of_steps(plan, steps))
        assert scores(events)[steps] == scores(alone)[steps]
        assert scores(events)[0] == scores(alone)[0]
        if steps == 20:
            assert curve(events) == curve(alone)
    assert [rung.step for rung in only(events, RungScored)] == [0, 4, 5, 11, 20]
    assert len({scores(events)[steps] for steps in (0, 4, 5, 11, 20)}) == 5


@pytest.mark.parametrize("decay_share", [0.0, 1.0])
def test_rungs_are_exact_without_a_decay_and_without_a_trunk(plan: TrialPlan, decay_share: float) -> None:
    shaped = replace(plan, training=replace(plan.training, decay_share=decay_share))
    events = told(of_steps(shaped, 8, 4))
    assert scores(events)[4] == scores(told(of_steps(shaped, 4)))[4]
    assert scores(events)[8] == scores(told(of_steps(shaped, 8)))[8]


def test_seconds_are_those_of_the_length_alone_and_costs_those_of_all(plan: TrialPlan) -> None:
    events = told(of_steps(plan, 20, 10))
    _, rung, last = only(events, RungScored)
    assert 0 < rung.seconds < last.seconds
    assert last.seconds == only(events, StepMeasured)[-1].losses.seconds
    branch_alone = (costs(events).train_seconds or 0) - last.seconds
    assert 0 < branch_alone < rung.seconds
    assert len(costs(events).step_seconds) == 19


def test_phases_follow_the_rungs(plan: TrialPlan) -> None:
    phases = [event.phase for event in only(told(of_steps(plan, 8, 4)), PhaseEntered)]
    assert phases == ["loading", "training", "embedding", "searching", "training", "embedding", "searching"]


def test_a_stop_while_the_last_scores_are_told_changes_nothing(plan: TrialPlan) -> None:
    def ask(event: TrialEvent) -> None:
        if isinstance(event, PhaseEntered) and event.phase == "searching":
            os.kill(os.getpid(), signal.SIGTERM)

    assert outcome(told(plan, ask)) is Outcome.COMPLETED


def test_a_stop_before_the_first_step_is_one(plan: TrialPlan) -> None:
    def ask(event: TrialEvent) -> None:
        if isinstance(event, PhaseEntered):
            os.kill(os.getpid(), signal.SIGTERM)

    events = told(plan, ask)
    assert outcome(events) is Outcome.CANCELLED
    assert costs(events).train_seconds is None
    assert not only(events, StepMeasured)


def test_less_memory_is_told_and_recorded(plan: TrialPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt, failed = Trainer._attempt, list[int]()

    def fails_at_first(self: Trainer) -> object:
        made = attempt(self)
        if self.steps_done == 3 and not failed:
            failed.append(self.steps_done)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return made

    monkeypatch.setattr(Trainer, "_attempt", fails_at_first)
    events = told(of_steps(plan, 6))
    assert failed == [3]
    assert outcome(events) is Outcome.COMPLETED
    assert costs(events).micro_batches == 2
    assert notes(events) == ["each batch was trained in 2 parts because the whole did not fit in memory"]


def test_a_subset_is_the_nested_one(plan: TrialPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    begin = Trainer.__init__

    def spy(self: Trainer, *args: object, **options: object) -> None:
        seen.append(options["rows"])
        begin(self, *args, **options)  # type: ignore[arg-type]  # handed on as they come

    monkeypatch.setattr(Trainer, "__init__", spy)
    part = replace(plan, data=replace(plan.data, train_pairs=11))
    events = told(of_steps(part, 2))
    assert outcome(events) is Outcome.COMPLETED
    labels = cache.open_split(plan.cache, "train").labels
    assert [*map(list, seen)] == [nested(20, labels, 11).tolist()]  # type: ignore[arg-type]  # arrays
    told(of_steps(plan, 2))
    assert seen[1] is None


def test_a_loss_that_is_not_finite_is_an_outcome_with_its_costs(plan: TrialPlan) -> None:
    wild = replace(plan, training=replace(plan.training, learning_rate=0.99, weight_decay=0.0, warmup_steps=0))
    events = told(replace(wild, model=replace(plan.model, temperature=1e-38)))
    assert outcome(events) is Outcome.DIVERGED
    assert costs(events).parameters
