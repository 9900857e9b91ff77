from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.data.fingerprint import fingerprint
from bench.data.pairs import Split, open_pairs
from data_fakes import FakePairs

MEMBERS: dict[Split, list[str]] = {"train": ["a", "b"], "query": ["c"], "archive": ["d", "e"]}


def test_order_name_place_and_layout_do_not_count() -> None:
    one = FakePairs(members=MEMBERS)
    other: dict[Split, list[str]] = {split: names[::-1] for split, names in MEMBERS.items()}
    assert fingerprint(one) == fingerprint(FakePairs(members=other, name="copy", layout="other"))
    assert len(fingerprint(one)) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"members": MEMBERS | {"train": ["a"]}},
        {"members": MEMBERS | {"train": ["a", "c"], "query": ["b"]}},
        {"members": MEMBERS | {"train": ["a", "bb"]}},
        {"bands": {"s1": ("VV", "VH"), "s2": ("B02", "B03", "B08")}},
        {"image_pixels": 16},
        {"classes": ("field", "forest", "sea")},
        {"classes": ()},
    ],
    ids=["pairs", "split", "name", "bands", "pixels", "classes", "no labels"],
)
def test_everything_that_makes_another_data_set_counts(change: dict[str, Any]) -> None:
    one = FakePairs(members=MEMBERS)
    assert fingerprint(one) != fingerprint(replace(one, **change))


def test_labels_count() -> None:
    class Relabelled(FakePairs):
        def labels(self, split: Split) -> NDArray[np.bool_]:
            labels = super().labels(split)
            assert labels is not None
            labels[0, 0] ^= split == "query"
            return labels

    assert fingerprint(FakePairs()) != fingerprint(Relabelled())


def test_pixels_are_not_read() -> None:
    pairs = FakePairs()
    fingerprint(pairs)
    assert pairs.reads == []


@pytest.mark.parametrize("option", ["seed=1", "level=hard", "pixels=32", "train=9"])
def test_options_of_the_synthetic_set_count(option: str) -> None:
    sizes = "train=8,query=2,archive=2"
    assert fingerprint(open_pairs(f"synthetic:{sizes}")) == fingerprint(open_pairs(f"synthetic:{sizes},seed=0"))
    assert fingerprint(open_pairs(f"synthetic:{sizes}")) != fingerprint(open_pairs(f"synthetic:{sizes},{option}"))
