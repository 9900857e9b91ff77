"""The published schedule, what a plan refuses, and which trainings can go on from one another."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fakes
from bench.data.pairs import open_pairs
from bench.errors import DataError, UsageError
from bench.full.plan import FullPlan, learning_rate, read_plan, write_plan
from bench.full.prepare import Wanted, decoded, means_of, planned, resumed, still_decoded
from bench.result import Candidate, Training
from full_fakes import SOURCE, toy_full

WANTED = Wanted(
    source=SOURCE,
    candidate=Candidate(variant="cesd", size="nano"),
    precision=None,
    epochs=4,
    batch_pairs=8,
    learning_rate=1e-4,
    warmup_epochs=1,
    seed=42,
    save_every=1,
)
MEANS = means_of(("cpu",), 1, fakes.HARDWARE)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> FullPlan:
    return toy_full(tmp_path_factory.mktemp("cache"))


def test_the_rate_rises_to_its_peak_then_falls_as_half_a_cosine() -> None:
    training = Training(steps=110, batch_pairs=2, learning_rate=1e-4, warmup_steps=10, decay_share=0.0)
    rates = [learning_rate(step, training) for step in range(110)]
    assert rates[:10] == pytest.approx([1e-5 * step for step in range(1, 11)])
    assert rates[10] == pytest.approx(1e-4)
    assert rates[60] == pytest.approx(0.5e-4)
    assert rates[85] == pytest.approx(1e-4 * (1 - math.sqrt(0.5)) / 2)
    assert 0 < rates[-1] < 1e-7


def test_without_warm_up_and_shorter_than_it_there_is_a_rate_all_the_same() -> None:
    assert learning_rate(0, Training(steps=3, batch_pairs=2, learning_rate=0.1, warmup_steps=0)) == pytest.approx(0.1)
    assert learning_rate(2, Training(steps=3, batch_pairs=2, learning_rate=0.1, warmup_steps=6)) == pytest.approx(0.05)


def test_published_values_are_the_defaults(plan: FullPlan) -> None:
    published = FullPlan(
        candidate=plan.candidate,
        model=plan.model,
        data=replace(plan.data, train_pairs=7761),
        source="",
        cache="",
        precision="fp16",
        devices=("cuda:0",),
        threads=1,
    )
    training = published.training
    assert (published.epochs, published.seed, training.batch_pairs, training.learning_rate) == (150, 42, 128, 1e-4)
    assert (training.weight_decay, training.betas) == (0.05, (0.9, 0.95))
    assert (training.steps, training.warmup_steps) == (150 * 60, 10 * 60)


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("batch_pairs", 64, "training pairs"),
        ("devices", ("cuda:0", "cuda:1", "cuda:2"), "3 devices"),
        ("devices", (), "at least 1"),
        ("epochs", 0, "epochs"),
        ("learning_rate", 0.0, "learning_rate"),
        ("save_every", 0, "save_every"),
    ],
)
def test_what_cannot_be_trained_is_refused_at_birth(plan: FullPlan, field: str, value: Any, word: str) -> None:  # noqa: ANN401  of several types
    with pytest.raises(ValueError, match=word):
        replace(plan, **{field: value})


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({"devices": ("cuda:0", "cuda:1"), "threads": 4, "micro_batches": 2, "save_every": 3, "cache": "x"}, True),
        ({"epochs": 4}, False),
        ({"batch_pairs": 5}, False),
        ({"learning_rate": 1e-2}, False),
        ({"warmup_epochs": 0}, False),
        ({"seed": 1}, False),
        ({"precision": "bf16"}, False),
    ],
)
def test_whatever_changes_the_weights_makes_it_another_training(
    plan: FullPlan, fields: dict[str, Any], *, same: bool
) -> None:
    assert (replace(plan, **fields).key == plan.key) is same


def test_a_plan_is_read_as_it_was_written_and_bad_ones_are_told(plan: FullPlan, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "one"
    write_plan(plan, folder)
    assert read_plan(folder) == plan
    with pytest.raises(UsageError, match="no full training"):
        read_plan(tmp_path)
    (folder / "plan.json").write_text((folder / "plan.json").read_text().replace('"epochs": 3', '"epochs": 0'))
    with pytest.raises(UsageError, match="epochs"):
        read_plan(folder)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        write_plan(plan, tmp_path / "file")


def test_a_plan_is_made_of_pairs_wishes_and_means_and_its_pairs_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    pairs = open_pairs(SOURCE)
    plan = planned(pairs, WANTED, MEANS, "fp32")
    assert (plan.data.train_pairs, plan.epoch_steps, plan.model.decoder, plan.model.patch_pixels) == (
        20,
        2,
        "specific",
        2,
    )
    assert (plan.source, still_decoded(plan)) == (SOURCE, False)
    lines: list[str] = []
    plan = decoded(plan, pairs, lambda what, _done, _total: lines.append(what))
    assert still_decoded(plan)
    assert "decoding" in lines
    with pytest.raises(DataError, match="no longer"):
        decoded(plan, open_pairs(SOURCE.replace("train=20", "train=21")), lambda *_: None)
    with pytest.raises(UsageError, match="CESD nano cannot be trained on"):
        planned(pairs, replace(WANTED, batch_pairs=64), MEANS, "fp32")


def test_going_on_may_use_other_means_that_share_a_batch_evenly(plan: FullPlan, tmp_path: Path) -> None:
    write_plan(plan, tmp_path)
    assert resumed(tmp_path, None) == plan
    other = replace(MEANS, devices=("cuda:0", "cuda:1"), micro_batches=2)
    assert resumed(tmp_path, other).devices == ("cuda:0", "cuda:1")
    assert resumed(tmp_path, other).key == plan.key
    with pytest.raises(UsageError, match="3 devices"):
        resumed(tmp_path, replace(MEANS, devices=("cuda:0", "cuda:1", "cuda:2")))
