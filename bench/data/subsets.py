"""Nested subsets of the training split: every smaller one lies inside every larger one."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SUBSET_SEED: Final = 20240917
"""Fixed: a subset is part of what a trial was trained on, so it depends on nothing that a trial chooses."""


def nested(count: int, labels: NDArray[np.bool_] | None, pairs: int) -> NDArray[np.intp]:
    """Rows of a subset of the training split, ascending.

    Pairs are grouped by the rarest of their labels, and each group gives the same share to every subset, to within a
    pair. Without labels the subset is a random one.

    Args:
        count: pairs in the whole split.
        labels: count x classes.
        pairs: how many to take.
    Raises: ValueError: more pairs than there are, or none.
    """
    if not 1 <= pairs <= count:
        raise ValueError(f"pairs={pairs}: a subset of {count} pairs holds 1 to {count}")
    shuffled = np.random.default_rng(SUBSET_SEED).permutation(count)
    groups = np.zeros(count, dtype=np.intp) if labels is None else _rarest_label(labels)[shuffled]
    place = np.empty(count)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        # evenly over the whole: whatever begins the line holds this group's share of it
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.sort(shuffled[np.argsort(place, kind="stable")[:pairs]])


def _rarest_label(labels: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Of each pair, the label that the fewest pairs carry; the number of classes for a pair without any."""
    by_rarity = np.argsort(labels.sum(axis=0), kind="stable")
    rarest: NDArray[np.intp] = by_rarity[labels[:, by_rarity].argmax(axis=1)]
    rarest[~labels.any(axis=1)] = labels.shape[1]
    return rarest
