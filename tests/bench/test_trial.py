"""What a trial tells of its rungs, its memory, its pairs and its endings."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bench.data import cache
from bench.data.descriptors import load
from bench.data.subsets import nested
from bench.plan.plan import TrialPlan
from bench.result import BASELINES, Outcome
from bench.run.events import PhaseEntered, RungScored, StepMeasured, TrialEvent
from bench.run.train import Trainer
from bench.score.baselines import FILE
from bench.score.matrix import retrieval_matrix
from models.config import SENSORS
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


def test_what_training_has_to_beat_is_scored_before_it(plan: TrialPlan) -> None:
    events = told(of_steps(plan, 2))
    before, queries = scores(events)[0]
    assert {score.subject for score in before} == {"untrained", *BASELINES}
    assert {score.step for score in before} == {0}
    assert queries == ()
    within = {(s.subject, s.query) for s in before if s.query == s.archive and s.metric == "f1_of_means"}
    assert within == {(subject, sensor) for subject in BASELINES for sensor in SENSORS}
    partners = {s.subject for s in before if (s.query, s.archive, s.metric, s.k) == ("s1", "s2", "partner_recall", 1)}
    assert partners == {"untrained", "thumbnail", "chance"}  # the sensors' bands differ in number
    kept = Path(plan.cache) / FILE
    read_at = kept.stat().st_mtime_ns
    assert scores(told(of_steps(plan, 2)))[0] == scores(events)[0]
    assert kept.stat().st_mtime_ns == read_at


def test_classes_are_scored_for_trained_descriptors_alone(plan: TrialPlan) -> None:
    untrained, *trained = only(told(of_steps(plan, 8, 4)), RungScored)
    assert untrained.class_scores == ()
    assert [{score.step for score in rung.class_scores} for rung in trained] == [{4}, {8}]
    assert {score.subject for rung in trained for score in rung.class_scores} == {"trained"}


def test_a_trial_leaves_the_descriptors_of_its_whole_training(plan: TrialPlan, tmp_path: Path) -> None:
    events = told(replace(of_steps(plan, 8, 4), descriptors=str(tmp_path)))
    assert outcome(events) is Outcome.COMPLETED
    assert notes(events) == []
    left = load(plan.trial_id, root=tmp_path)
    query, archive = (cache.open_split(plan.cache, split) for split in ("query", "archive"))
    again = retrieval_matrix(
        query=left.query,
        archive=left.archive,
        query_labels=query.labels,
        archive_labels=archive.labels,
        k=plan.k,
        subject="trained",
        step=8,
    )
    assert (again.scores, again.query_scores) == scores(events)[8]
    assert (again.scores, again.query_scores) != scores(events)[4]


def test_descriptors_that_cannot_be_written_are_noted_and_nothing_else(plan: TrialPlan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    events = told(replace(of_steps(plan, 2), descriptors=str(tmp_path / "file")))
    assert outcome(events) is Outcome.COMPLETED
    (note,) = notes(events)
    assert note.startswith("its descriptors were not kept for index and gallery: ")


def test_a_trial_that_does_not_end_leaves_no_descriptors(plan: TrialPlan, tmp_path: Path) -> None:
    def ask(event: TrialEvent) -> None:
        if isinstance(event, RungScored) and event.step == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    events = told(replace(of_steps(plan, 8, 4), descriptors=str(tmp_path)), ask)
    assert outcome(events) is Outcome.CANCELLED
    assert not [*tmp_path.iterdir()]
