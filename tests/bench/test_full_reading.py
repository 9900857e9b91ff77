"""Batches: every pair once an epoch, any step found at once, shares that make the whole."""

from itertools import islice

import numpy as np
import pytest

from bench.data.cache import CachedSplit
from bench.full.reading import batches


def split_of(pairs: int) -> CachedSplit:
    """Pairs whose S1 pixels name the pair and the place; S2 is the same but for its sign."""
    pixels = np.arange(4, dtype=np.float16).reshape(1, 1, 2, 2)
    s1 = np.arange(pairs, dtype=np.float16)[:, None, None, None] * 10 + pixels
    return CachedSplit(ids=tuple(map(str, range(pairs))), s1=s1, s2=-s1, labels=None)


def test_an_epoch_shows_each_pair_once_and_leaves_an_incomplete_batch_out() -> None:
    seen = [*islice(batches(split_of(11), 3, seed=0), 6)]
    for epoch in (seen[:3], seen[3:]):
        numbers = [int(image.min()) // 10 for batch in epoch for image in batch["s1"]]
        assert len(set(numbers)) == len(numbers) == 9
    assert [batch["s1"].tolist() for batch in seen[:3]] != [batch["s1"].tolist() for batch in seen[3:]]


def test_both_images_of_a_pair_are_flipped_alike_in_each_of_four_ways() -> None:
    ways = set()
    for batch in islice(batches(split_of(16), 4, seed=0), 40):
        np.testing.assert_array_equal(batch["s1"], -batch["s2"])
        ways |= {tuple((image[0] - image.min()).flatten().astype(int)) for image in batch["s1"]}
    assert ways == {(0, 1, 2, 3), (1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0)}


@pytest.mark.parametrize("skip", [0, 1, 2, 3, 7])
def test_any_step_is_found_without_those_before_it(skip: int) -> None:
    through = [*islice(batches(split_of(10), 3, seed=5), skip, skip + 4)]
    at_once = [*islice(batches(split_of(10), 3, seed=5, skip=skip), 4)]
    for one, other in zip(through, at_once, strict=True):
        np.testing.assert_array_equal(one["s1"], other["s1"])


def test_shares_of_a_batch_are_the_batch() -> None:
    whole = next(batches(split_of(10), 4, seed=1))
    parts = [next(batches(split_of(10), 4, seed=1, share=slice(start, start + 2))) for start in (0, 2)]
    for sensor in ("s1", "s2"):
        np.testing.assert_array_equal(np.concatenate([part[sensor] for part in parts]), whole[sensor])


def test_the_pairs_themselves_stay_as_they_are() -> None:
    split = split_of(8)
    before = split.s1.copy()
    [*islice(batches(split, 4, seed=0), 8)]
    np.testing.assert_array_equal(split.s1, before)


def test_too_few_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fill"):
        next(batches(split_of(3), 4, seed=0))
