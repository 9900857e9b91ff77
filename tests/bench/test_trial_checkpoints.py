"""What a trial keeps of its trunk, and how exactly a later one goes on from it."""

import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bench.plan.keys import trunk_key
from bench.plan.plan import TrialPlan
from bench.result import Losses, Outcome
from bench.run import shelf
from bench.run.checkpoint import RUNGS_FILE, STATE_FILE, read_trunk
from bench.run.events import Ended, RungScored, StepMeasured, TrialEvent
from bench.run.train import Trainer
from trials import costs, curve, notes, of_steps, only, outcome, scores, told, toy_plan


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> TrialPlan:
    return toy_plan(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def kept(plan: TrialPlan, tmp_path: Path) -> TrialPlan:
    """The plan with a folder for checkpoints."""
    return replace(plan, checkpoints=str(tmp_path / "trunks"))


def stopping_at(step: int) -> Callable[[TrialEvent], None]:
    def ask(event: TrialEvent) -> None:
        if isinstance(event, StepMeasured) and event.losses.step == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return ask


class KilledError(BaseException):
    """Stands for a death: nothing is saved or told after it."""


def killed_at(step: int, plan: TrialPlan) -> None:
    def die(event: TrialEvent) -> None:
        if isinstance(event, StepMeasured) and event.losses.step == step:
            raise KilledError

    with pytest.raises(KilledError):
        told(plan, die)


def folder_of(plan: TrialPlan) -> Path:
    return Path(plan.checkpoints) / trunk_key(plan)


def kept_step(plan: TrialPlan) -> int:
    found = read_trunk(folder_of(plan), trunk_key(plan))
    assert found is not None
    return found[0].step


@pytest.mark.parametrize("step", [2, 9, 14])
def test_a_stopped_trial_tells_its_costs_and_goes_on_exactly(plan: TrialPlan, kept: TrialPlan, step: int) -> None:
    stopped = told(of_steps(kept, 20, 8), stopping_at(step))
    assert only(stopped, Ended)[0] == Ended(trial_id="r-01", outcome=Outcome.CANCELLED, cause="stopped by the user")
    assert outcome(stopped) is Outcome.CANCELLED
    assert costs(stopped).train_seconds
    assert curve(stopped)[-1].step == step == kept_step(kept)
    resumed, straight = told(of_steps(kept, 20, 8)), told(of_steps(plan, 20, 8))
    assert notes(resumed) == [f"went on from a checkpoint at step {step}"]
    assert scores(resumed) == scores(straight)
    assert curve(resumed) == curve(straight)
    assert len(costs(resumed).step_seconds) == 20 - step - 1
    seconds = [event.losses.seconds for event in only(resumed, StepMeasured)]
    assert seconds == sorted(seconds)
    assert seconds[-1] == only(resumed, RungScored)[-1].seconds


def test_a_stop_in_a_branch_leaves_the_trunk_and_tells_the_seconds(
    plan: TrialPlan, kept: TrialPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.step

    def ask_at_7(self: Trainer) -> dict[str, torch.Tensor]:
        if self.steps_done == 7 and self.training.steps == 8:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "step", ask_at_7)
        stopped = told(of_steps(kept, 20, 8))
    assert outcome(stopped) is Outcome.CANCELLED
    assert kept_step(kept) == 6 == curve(stopped)[-1].step
    assert (costs(stopped).train_seconds or 0) > only(stopped, StepMeasured)[-1].losses.seconds
    assert scores(told(of_steps(kept, 20, 8))) == scores(told(of_steps(plan, 20, 8)))


def test_a_trial_killed_in_its_decay_goes_on_from_where_the_trunk_was_left(plan: TrialPlan, kept: TrialPlan) -> None:
    killed_at(17, kept)
    assert kept_step(kept) == 14
    assert scores(told(kept)) == scores(told(plan))


def test_a_stop_in_the_decay_leaves_the_trunk_alone(kept: TrialPlan) -> None:
    assert outcome(told(kept, stopping_at(16))) is Outcome.CANCELLED
    assert kept_step(kept) == 14


def test_a_longer_training_goes_on_from_a_shorter_one(plan: TrialPlan, kept: TrialPlan) -> None:
    told(of_steps(kept, 10))
    longer, straight = told(of_steps(kept, 20, 10)), told(of_steps(plan, 20, 10))
    assert notes(longer) == ["went on from a checkpoint at step 7"]
    assert scores(longer) == scores(straight)
    assert [event.losses.step for event in only(longer, StepMeasured)] == [*range(1, 21)]
    # the rung was scored as the shorter trial's end: nothing but trunk and last decay were trained
    assert (costs(longer).train_seconds or 0) == pytest.approx(sum(lap.seconds for lap in _last_laps(longer, 7)))


def _last_laps(events: list[TrialEvent], after: int) -> list[Losses]:
    steps = [event.losses for event in only(events, StepMeasured)]
    return [
        replace(losses, seconds=losses.seconds - before.seconds)
        for before, losses in zip(steps[after - 1 :], steps[after:], strict=False)
    ]


def test_a_rung_before_the_checkpoint_is_told_again_when_it_was_scored(plan: TrialPlan, kept: TrialPlan) -> None:
    told(of_steps(kept, 20, 4))
    again = told(replace(of_steps(kept, 30, 4), trial_id="r-02"))
    assert notes(again) == ["went on from a checkpoint at step 14"]
    assert scores(again) == scores(told(of_steps(plan, 30, 4)))
    assert {event.trial_id for event in again} == {"r-02"}


def test_a_rung_before_the_checkpoint_that_was_not_scored_is_trained_from_scratch(
    plan: TrialPlan, kept: TrialPlan
) -> None:
    told(of_steps(kept, 20))
    again = told(of_steps(kept, 30, 4))
    assert not notes(again)
    assert scores(again) == scores(told(of_steps(plan, 30, 4)))
    assert kept_step(kept) == 21


def test_a_shorter_training_leaves_the_longer_ones_checkpoint(plan: TrialPlan, kept: TrialPlan) -> None:
    told(kept)
    assert scores(told(of_steps(kept, 8))) == scores(told(of_steps(plan, 8)))
    assert kept_step(kept) == 14


def test_scores_with_other_neighbours_are_not_taken_for_these(plan: TrialPlan, kept: TrialPlan) -> None:
    told(of_steps(kept, 20, 4))
    assert scores(told(replace(of_steps(kept, 30, 4), k=2))) == scores(told(replace(of_steps(plan, 30, 4), k=2)))


def test_other_seeds_are_other_trunks(kept: TrialPlan) -> None:
    told(kept)
    assert not notes(told(replace(kept, seed=1)))
    assert len([*Path(kept.checkpoints).iterdir()]) == 2


def test_the_trunk_is_kept_from_time_to_time(kept: TrialPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(shelf, "SAVE_SHARE", 1.0)
    killed_at(9, kept)
    assert 0 < kept_step(kept) <= 9
    assert [*folder_of(kept).glob("*.partial")] == []


def damage(kept: TrialPlan, file: str, at: float, content: bytes | None) -> None:
    path = folder_of(kept) / file
    whole = bytearray(path.read_bytes())
    whole[int(at * len(whole))] ^= 0xFF
    path.write_bytes(whole if content is None else content)


@pytest.mark.parametrize(
    ("at", "content"),
    [(0.5, None), (0.99, None), (0, b""), (0, b"no checkpoint"), (0, b"PK\x03\x04")],
    ids=["flipped bits", "flipped end", "empty", "foreign", "cut off"],
)
def test_a_damaged_checkpoint_is_named_and_replaced(
    plan: TrialPlan, kept: TrialPlan, at: float, content: bytes | None
) -> None:
    told(kept)
    damage(kept, STATE_FILE, at, content)
    longer = told(of_steps(kept, 22))
    assert outcome(longer) is Outcome.COMPLETED
    assert len(notes(longer)) == 1
    assert notes(longer)[0].startswith("a checkpoint of its trunk cannot be used, trained from scratch: it is damaged")
    assert scores(longer) == scores(told(of_steps(plan, 22)))
    assert kept_step(kept) == 15


def test_damaged_scores_are_named_and_made_again(plan: TrialPlan, kept: TrialPlan) -> None:
    told(of_steps(kept, 20, 4))
    damage(kept, RUNGS_FILE, 0.5, b"{")
    again = told(of_steps(kept, 22, 4))
    assert notes(again) == ["the scores kept of its trunk cannot be used: it is damaged (DecodeError)"]
    assert scores(again) == scores(told(of_steps(plan, 22, 4)))


def test_a_checkpoint_of_another_training_is_not_gone_on_from(kept: TrialPlan) -> None:
    other = replace(kept, seed=1)
    told(kept)
    folder_of(kept).rename(folder_of(other))
    assert "it is of another training" in notes(told(other))[0]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_without_room_costs_the_checkpoint_and_not_the_trial(plan: TrialPlan, kept: TrialPlan) -> None:
    with files_of_at_most(10_000):
        events = told(of_steps(kept, 20, 8))
    assert outcome(events) is Outcome.COMPLETED
    assert scores(events) == scores(told(of_steps(plan, 20, 8)))
    assert notes(events) == ["went on without a checkpoint: OSError: [Errno 27] File too large"]
    assert not (folder_of(kept) / STATE_FILE).exists()
    assert [*folder_of(kept).glob("*.partial")] == []


def test_a_folder_that_cannot_be_made_costs_the_checkpoint_and_not_the_trial(plan: TrialPlan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    events = told(replace(plan, checkpoints=str(tmp_path / "file")))
    assert outcome(events) is Outcome.COMPLETED
    assert "went on without a checkpoint" in notes(events)[-1]


def test_a_plan_may_begin_in_parts_and_goes_on_in_as_many(plan: TrialPlan, kept: TrialPlan) -> None:
    parted = replace(kept, micro_batches=4)
    told(parted, stopping_at(9))
    resumed = told(kept)  # the plan says one part, the checkpoint four: exact is as it began
    assert costs(resumed).micro_batches == 4
    assert scores(resumed) == scores(told(replace(plan, micro_batches=4)))
