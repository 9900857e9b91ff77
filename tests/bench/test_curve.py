from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from toys import TOY

from bench.data.cache import CachedSplit
from bench.result import Losses, Training
from bench.run.curve import Curve, DivergedError
from bench.run.train import Trainer
from models import csmae
from models.config import ModelConfig


@pytest.fixture
def split() -> CachedSplit:
    random = np.random.default_rng(0)
    s1, s2 = (random.standard_normal((12, bands, 16, 16)).astype(np.float16) for bands in (2, 10))
    return CachedSplit(ids=tuple(map(str, range(12))), s1=s1, s2=s2, labels=None)


def trainer_of(split: CachedSplit, *, steps: int, seed: int = 0) -> Trainer:
    config = ModelConfig(
        encoder="common", decoder="common", size=TOY, bands={"s1": 2, "s2": 10}, image_pixels=16, patch_pixels=4
    )
    training = Training(steps=steps, batch_pairs=4, warmup_steps=2)
    model = csmae.build(config, seed=seed)
    return Trainer(model, split, training, seed=seed, device=torch.device("cpu"), precision="fp32")


def never() -> bool:
    return False


def untimed(curve: list[Losses]) -> list[Losses]:
    return [replace(losses, seconds=0) for losses in curve]


def whole(split: CachedSplit, *, steps: int, seed: int = 0) -> list[Losses]:
    return [*Curve(trainer_of(split, steps=steps, seed=seed)).train(steps, never)]


def test_equal_seeds_train_to_equal_losses_and_others_do_not(split: CachedSplit) -> None:
    assert untimed(whole(split, steps=8)) == untimed(whole(split, steps=8))
    assert untimed(whole(split, steps=8)) != untimed(whole(split, steps=8, seed=1))


def test_the_losses_of_a_lap_are_told_with_its_step_and_the_time_so_far(split: CachedSplit) -> None:
    told = whole(split, steps=90)
    assert [losses.step for losses in told] == [*range(2, 91, 2)]
    assert all(a.seconds < b.seconds for a, b in pairwise(told))
    assert told[0].mim is not None
    assert told[0].mde is None
    assert told[-1].total < told[0].total


def test_a_lap_is_the_mean_of_its_steps(split: CachedSplit) -> None:
    trainer = trainer_of(split, steps=90)
    single = [trainer.step()["total"].item() for _ in range(90)]
    means = [sum(pair) / 2 for pair in zip(single[::2], single[1::2], strict=True)]
    assert [losses.total for losses in whole(split, steps=90)] == pytest.approx(means, rel=1e-6)


def test_stretches_of_any_length_give_the_same_curve(split: CachedSplit) -> None:
    trainer = trainer_of(split, steps=90)
    curve = Curve(trainer)
    told = [losses for until in (1, 4, 4, 5, 37, 90) for losses in curve.train(until, never)]
    assert untimed(told) == untimed(whole(split, steps=90))
    assert len(curve.step_seconds) == len(told)
    assert curve.seconds == curve.seconds_here == told[-1].seconds


def test_a_curve_broken_off_at_every_step_is_the_same(split: CachedSplit) -> None:
    trainer = trainer_of(split, steps=90)
    curve, told, calls = Curve(trainer), list[Losses](), 0
    while trainer.steps_done < 90:
        told += curve.train(90, lambda: True)
        calls += 1
        assert trainer.steps_done == calls
    assert untimed(told) == untimed(whole(split, steps=90))


@pytest.mark.parametrize("at", [4, 5])
def test_a_curve_goes_on_in_another_process_where_it_was(split: CachedSplit, at: int) -> None:
    first = trainer_of(split, steps=90)
    before = Curve(first)
    told = [*before.train(at, never)]
    second = trainer_of(split, steps=90)
    second.restore(first.state())
    after = Curve(second, inherited=before.progress)
    told += after.train(90, never)
    assert untimed(told) == untimed(whole(split, steps=90))
    assert after.seconds == pytest.approx(before.seconds + after.seconds_here)
    assert told[-1].seconds == after.seconds
    assert 0 < after.step_seconds[0] < after.seconds_here


def test_a_longer_training_goes_on_with_laps_of_its_own(split: CachedSplit) -> None:
    short = trainer_of(split, steps=90)
    curve = Curve(short)
    assert [losses.step for losses in curve.train(5, never)] == [2, 4]
    long = trainer_of(split, steps=160)
    long.restore(short.state())
    steps = [losses.step for losses in Curve(long, inherited=curve.progress).train(160, never)]
    assert steps == [*range(8, 161, 4)]


def test_a_shorter_training_that_goes_on_ends_the_long_lap_at_once(split: CachedSplit) -> None:
    long = trainer_of(split, steps=160)
    curve = Curve(long)
    assert not [*curve.train(3, never)]
    short = trainer_of(split, steps=10)
    short.restore(long.state())
    steps = [losses.step for losses in Curve(short, inherited=curve.progress).train(10, never)]
    assert steps == [*range(4, 11)]


def test_a_loss_that_leaves_the_finite_numbers_is_named(split: CachedSplit) -> None:
    split.s1[:] = np.inf
    with pytest.raises(DivergedError, match=r"the loss was (nan|inf) at step 1 of 8"):
        whole(split, steps=8)
