"""A full training ends with the same weights however often it is interrupted, and leaves what can be used."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.data.cache import open_split
from bench.data.pairs import SPLITS
from bench.errors import DataError, ExitCode, UsageError
from bench.full import course
from bench.full.export import export
from bench.full.keep import read_checkpoint
from bench.full.plan import FullPlan
from bench.full.trainer import FullTrainer
from bench.full.wire import Began, Exported, FullEnded, FullEvent, Lap, Noted, Saved
from full_fakes import told, toy_full
from models import checkpoint
from models.config import SENSORS
from models.csmae import CSMAE, build
from models.losses import Losses


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> FullPlan:
    return toy_full(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def _short_laps_and_no_confinement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Confinement would hold for the process of the tests."""
    monkeypatch.setattr("bench.full.story.memory.confine", lambda *_, **__: None)
    monkeypatch.setattr(course, "LAP_STEPS", 2)


@pytest.fixture(scope="module")
def whole(plan: FullPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.full.story.memory.confine", lambda *_, **__: None)
        patch.setattr(course, "LAP_STEPS", 2)
        assert told(plan, folder)[-1] == FullEnded(finished=True)
    return folder


def weights(folder: Path, plan: FullPlan) -> dict[str, torch.Tensor]:
    found, _ = read_checkpoint(folder, plan.key)
    assert found
    return dict(found.state["weights"])


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def last_step(events: list[FullEvent]) -> int:
    return next(event.step for event in reversed(events) if isinstance(event, Saved))


def test_it_trains_every_epoch_saves_each_and_keeps_the_last_two(plan: FullPlan, whole: Path) -> None:
    laps = metrics(whole)
    assert laps[-1]["step"] == plan.training.steps == 15
    assert [lap["epoch"] for lap in laps if lap["step"] % 5 == 0] == [1, 2, 3]
    assert laps[-1]["total"] < laps[0]["total"]
    assert laps[-1]["total"] == pytest.approx(sum(laps[-1][part] for part in ("umr", "cmr", "mim")), rel=1e-5)
    assert checkpoints(whole) == ["step-000000010.pt", "step-000000015.pt"]


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_weights_do_not_tell_where_it_was_interrupted(plan: FullPlan, tmp_path: Path, precision: Any) -> None:  # noqa: ANN401  one of the literals
    plan = replace(plan, precision=precision)
    told(plan, tmp_path / "whole")
    folder = tmp_path / "parts"
    events = told(plan, folder, stop_at=lambda event: isinstance(event, Began))
    assert (events[-1], last_step([Saved(step=0), *events])) == (FullEnded(), 0)
    events = told(plan, folder, stop_at=lambda event: isinstance(event, Lap) and event.step == 6)
    assert (events[-1], last_step(events)) == (FullEnded(), 6)
    events = told(plan, folder, limit_steps=3)
    assert (events[0].step, last_step(events)) == (6, 9)  # type: ignore[union-attr]  # the first one is Began
    assert told(plan, folder)[-1] == FullEnded(finished=True)
    assert same(weights(folder, plan), weights(tmp_path / "whole", plan))
    steps = [lap["step"] for lap in metrics(folder)]
    assert steps == sorted(set(steps))


def test_a_damaged_checkpoint_is_passed_over_and_its_steps_are_trained_again(
    plan: FullPlan, whole: Path, tmp_path: Path
) -> None:
    told(plan, tmp_path, limit_steps=10)
    newest = tmp_path / "checkpoints" / "step-000000010.pt"
    newest.write_bytes(newest.read_bytes()[:-100])
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 2, "st')
    events = told(plan, tmp_path)
    assert isinstance(events[0], Noted)
    assert newest.name in events[0].note
    assert isinstance(events[1], Began)
    assert events[1].step == 5
    assert same(weights(tmp_path, plan), weights(whole, plan))
    assert [lap["step"] for lap in metrics(tmp_path)] == [2, 4, 5, 6, 8, 10, 12, 14, 15]


def test_checkpoints_that_are_all_damaged_or_of_another_training_are_refused(plan: FullPlan, tmp_path: Path) -> None:
    told(plan, tmp_path, limit_steps=1)
    with pytest.raises(DataError, match="another training"):
        told(replace(plan, seed=7), tmp_path)
    (tmp_path / "checkpoints" / "step-000000001.pt").write_bytes(b"")
    with pytest.raises(DataError, match="can be read"):
        told(plan, tmp_path)


def test_less_frequent_checkpoints_end_with_the_last_step_all_the_same(plan: FullPlan, tmp_path: Path) -> None:
    events = told(replace(plan, save_every=2), tmp_path)
    assert [event.step for event in events if isinstance(event, Saved)] == [10, 15]


def test_a_batch_in_parts_trains_the_same(plan: FullPlan, whole: Path, tmp_path: Path) -> None:
    told(replace(plan, micro_batches=3), tmp_path)
    # AdamW makes much of the rounding of small gradients, so losses are compared
    assert [lap["total"] for lap in metrics(tmp_path)] == pytest.approx(
        [lap["total"] for lap in metrics(whole)], rel=1e-4
    )


def test_memory_that_runs_out_over_a_batch_splits_it_and_shows_no_pair_twice(
    plan: FullPlan, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, forward = iter(range(100)), CSMAE.forward

    def short(self: CSMAE, *arguments: Any, **named: Any) -> Losses:  # noqa: ANN401  passed on
        if next(calls) == 6:
            raise MemoryError("no room")
        return forward(self, *arguments, **named)

    monkeypatch.setattr(CSMAE, "forward", short)
    events = told(plan, tmp_path)
    (note,) = [event.note for event in events if isinstance(event, Noted)]
    assert "2 parts" in note
    assert [lap["total"] for lap in metrics(tmp_path)] == pytest.approx(
        [lap["total"] for lap in metrics(whole)], rel=1e-4
    )


def test_the_loss_that_is_no_number_ends_it_with_advice(
    plan: FullPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = FullTrainer.step

    def broken(self: FullTrainer) -> dict[str, torch.Tensor]:
        losses = step(self)
        return {**losses, "total": losses["total"] * (torch.nan if self.steps_done > 6 else 1)}

    monkeypatch.setattr(FullTrainer, "step", broken)
    end = told(plan, tmp_path)[-1]
    assert isinstance(end, FullEnded)
    assert (end.code, end.resumable, end.finished) == (ExitCode.FAILED, False, False)
    assert "--learning-rate" in end.problem
    assert checkpoints(tmp_path) == ["step-000000005.pt"]


def test_released_and_own_weights_and_descriptors_are_those_of_the_last_step(plan: FullPlan, whole: Path) -> None:
    model = checkpoint.load(whole / "model.safetensors")
    released = checkpoint.load_released(whole / "released.ckpt", plan.model)
    assert model.config == plan.model
    for network in (model, released):
        assert same({name: tensor.detach() for name, tensor in network.named_parameters()}, weights(whole, plan))
    for name in SPLITS:
        split = open_split(plan.cache, name)
        assert (whole / "descriptors" / f"{name}_ids.txt").read_text().split() == list(split.ids)
        for sensor in SENSORS:
            images = torch.from_numpy(np.array(getattr(split, sensor), dtype=np.float32))
            with torch.inference_mode():
                expected = released.eval().embed(images, sensor).numpy()
            np.testing.assert_allclose(np.load(whole / "descriptors" / f"{name}_{sensor}.npy"), expected, atol=1e-5)


def test_an_export_alone_trains_nothing_and_needs_a_checkpoint(plan: FullPlan, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no checkpoint"):
        told(plan, tmp_path, export_only=True)
    told(plan, tmp_path, limit_steps=2)
    events = told(replace(plan, devices=("cuda:99",)), tmp_path, export_only=True)  # such a GPU is nowhere
    released = checkpoint.load_released(tmp_path / "released.ckpt", plan.model)
    assert same({name: tensor.detach() for name, tensor in released.named_parameters()}, weights(tmp_path, plan))
    assert sum(isinstance(event, Exported) for event in events) == 8
    assert checkpoints(tmp_path) == ["step-000000002.pt"]
    assert not [event for event in events if isinstance(event, Lap)]


def test_an_export_can_be_ended_between_splits(plan: FullPlan, tmp_path: Path) -> None:
    model = build(plan.model, seed=0)
    files = [*export(model, plan, tmp_path, torch.device("cpu"), asked=lambda: True)]
    assert [file.name for file in files] == ["model.safetensors", "released.ckpt"]


def test_a_plan_for_several_processes_is_not_trained_by_one(plan: FullPlan, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="2 processes"):
        told(replace(plan, devices=("cpu", "cpu")), tmp_path)
