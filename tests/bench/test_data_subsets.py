from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.data.subsets import nested

COUNT = 400


@pytest.fixture
def labels() -> NDArray[np.bool_]:
    """Classes from common to rare, and some pairs with none."""
    shares = np.array([0.6, 0.3, 0.1, 0.03])
    return np.random.default_rng(0).random((COUNT, 4)) < shares


@pytest.mark.parametrize("labelled", [True, False])
def test_smaller_subsets_lie_inside_larger_ones(labels: NDArray[np.bool_], labelled: bool) -> None:
    known = labels if labelled else None
    sizes = [1, 7, 50, 200, 399, COUNT]
    subsets = [nested(COUNT, known, size).tolist() for size in sizes]
    assert [len(set(rows)) for rows in subsets] == sizes
    assert all(rows == sorted(rows) for rows in subsets)
    for smaller, larger in pairwise(subsets):
        assert set(smaller) < set(larger)
    assert subsets[-1] == list(range(COUNT))


@pytest.mark.parametrize("pairs", [20, 40, 100, 200])
def test_each_group_of_pairs_gives_its_share(labels: NDArray[np.bool_], pairs: int) -> None:
    frequency = labels.sum(axis=0)
    rarest = [
        min(np.flatnonzero(row), key=lambda label: (frequency[label], label), default=4) for row in labels
    ]  # the slow obvious version
    rows = nested(COUNT, labels, pairs)
    for group in range(5):
        whole = rarest.count(group)
        found = sum(rarest[row] == group for row in rows)
        assert abs(found - whole * pairs / COUNT) <= 1


def test_pairs_of_a_subset_are_not_the_first_of_the_archive(labels: NDArray[np.bool_]) -> None:
    for known in (labels, None):
        assert nested(COUNT, known, 40).max() > 300


def test_the_same_subset_is_taken_every_time(labels: NDArray[np.bool_]) -> None:
    assert np.array_equal(nested(COUNT, labels, 33), nested(COUNT, labels.copy(), 33))


@pytest.mark.parametrize("pairs", [0, 401])
def test_a_subset_that_there_is_not_is_refused_in_words(pairs: int) -> None:
    with pytest.raises(ValueError, match="a subset of 400 pairs holds 1 to 400"):
        nested(COUNT, None, pairs)
