from itertools import pairwise

import numpy as np
import pytest
import torch

from bench.data.cache import CachedSplit
from bench.result import Training
from bench.run.clock import Clock
from bench.run.train import DivergedError, Trainer, batches, learning_rate, train
from models import csmae
from models.config import configure

CPU = torch.device("cpu")


def split_of(pairs: int) -> CachedSplit:
    """Pairs whose every S1 pixel is the pair's number, and S2 its negative plus a mark in one corner."""
    number = np.arange(pairs, dtype=np.float16)[:, None, None, None]
    s1 = np.broadcast_to(number, (pairs, 2, 16, 16)).copy()
    s2 = -np.broadcast_to(number, (pairs, 10, 16, 16)).copy()
    s1[:, :, 0, 0] += 0.5
    s2[:, :, 0, 0] -= 0.5
    return CachedSplit(ids=tuple(str(i) for i in range(pairs)), s1=s1, s2=s2, labels=None)


def trainer_of(split: CachedSplit, *, steps: int = 8, rate: float = 1e-3, seed: int = 0) -> Trainer:
    config = configure("cecd", "nano", bands={"s1": 2, "s2": 10}, image_pixels=16)
    training = Training(steps=steps, batch_pairs=4, learning_rate=rate, warmup_steps=2)
    return Trainer(csmae.build(config, seed=seed), split, training, seed=seed, device=CPU, precision="fp32")


def test_the_rate_rises_stays_and_falls_to_nothing() -> None:
    training = Training(steps=100, batch_pairs=2, learning_rate=0.1, warmup_steps=10, decay_share=0.3)
    rates = [learning_rate(step, training) for step in range(101)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[9:70] == pytest.approx([0.1] * 61)
    assert all(a > b for a, b in pairwise(rates[70:]))
    assert rates[100] == 0


def test_each_pair_is_seen_once_an_epoch_with_both_images_flipped_alike() -> None:
    stream = batches(split_of(12), 4, seed=3, device=CPU)
    corners = {(0, 0), (0, 15), (15, 0), (15, 15)}
    places = set()
    for _ in range(2):
        epoch = [next(stream) for _ in range(3)]
        seen = sorted(int(images["s1"][i, 0, 5, 5]) for images in epoch for i in range(4))
        assert seen == list(range(12))
        for images in epoch:
            assert torch.equal(images["s1"][:, 0], -images["s2"][:, 0])
            for image in images["s1"][:, 0]:
                marked = [(r, c) for r, c in corners if image[r, c] != image[5, 5]]
                assert len(marked) == 1
                places.add(marked[0])
    assert places == corners


def test_the_last_incomplete_batch_is_left_out() -> None:
    stream = batches(split_of(10), 4, seed=0, device=CPU)
    assert [next(stream)["s1"].shape[0] for _ in range(5)] == [4] * 5


def test_equal_seeds_train_to_equal_losses_and_others_do_not() -> None:
    def last(seed: int) -> float:
        return [losses.total for losses in train(trainer_of(split_of(12), seed=seed), Clock(CPU))][-1]

    assert last(0) == last(0)
    assert last(0) != last(1)


def test_the_losses_of_a_lap_are_told_with_its_step_and_the_time_so_far() -> None:
    told = list(train(trainer_of(split_of(12), steps=90), Clock(CPU)))
    assert [losses.step for losses in told] == [*range(2, 91, 2)]
    assert all(a.seconds < b.seconds for a, b in pairwise(told))
    assert told[0].mim is not None
    assert told[0].mde is None
    assert told[-1].total < told[0].total


def test_a_loss_that_leaves_the_finite_numbers_is_named() -> None:
    broken = split_of(12)
    broken.s1[:] = np.inf
    with pytest.raises(DivergedError, match=r"the loss was (nan|inf) at step 1 of 8"):
        list(train(trainer_of(broken), Clock(CPU)))
