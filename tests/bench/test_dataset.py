from pathlib import Path

import pytest

from bench.data.fingerprint import fingerprint
from bench.data.pairs import SPLITS, open_pairs
from bench.data.places import Place, Queries
from bench.profile.dataset import data_use, profile_dataset, queries_of
from data_fakes import FakePairs


def test_the_v1_archive_is_counted_as_its_readme_counts_it(shared_data: Path) -> None:
    profile = profile_dataset(open_pairs(shared_data / "ben-v1-lmdb"))
    assert profile.pairs == {"train": 25, "query": 25, "archive": 25}
    assert (profile.name, profile.layout, profile.synthetic) == ("ben-v1-lmdb", "ben-v1-lmdb", False)
    assert profile.image_pixels == 120
    assert profile.unlabelled_pairs == 0
    total = dict(
        zip(profile.classes, (sum(counts) for counts in zip(*profile.class_pairs.values(), strict=True)), strict=True)
    )
    # 3 of the 78 pairs are in no split
    assert total["Mixed forest"] == 33
    assert total["Permanent crops"] == 0
    assert profile.labels_per_pair == pytest.approx(sum(total.values()) / 75)


def test_notes_about_pairs_left_out_come_along(shared_data: Path) -> None:
    pairs = open_pairs(shared_data / "ben-v2-lmdb")
    profile = profile_dataset(pairs)
    assert sum(profile.pairs.values()) == 26
    assert profile.notes == pairs.notes
    assert len(profile.notes) == 1


def test_labels_are_counted_pair_by_pair() -> None:
    pairs = FakePairs()
    profile = profile_dataset(pairs)
    rows = [row for split in SPLITS for row in pairs.labels(split)]  # type: ignore[union-attr]  # these have labels
    assert profile.labels_per_pair == pytest.approx(sum(int(row.sum()) for row in rows) / len(rows))
    assert profile.unlabelled_pairs == sum(not row.any() for row in rows)
    for split in SPLITS:
        counted = [sum(bool(row[c]) for row in pairs.labels(split)) for c in range(3)]  # type: ignore[union-attr]  # same
        assert profile.class_pairs[split] == tuple(counted)


def test_data_without_labels_have_no_counts() -> None:
    profile = profile_dataset(FakePairs(classes=()))
    assert profile.labels_per_pair is None
    assert profile.unlabelled_pairs == 12
    assert profile.class_pairs == {"train": (), "query": (), "archive": ()}
    assert not data_use(profile).labelled


def test_what_a_trial_records_is_taken_from_the_profile() -> None:
    pairs = open_pairs("synthetic:train=5,query=3,archive=4")
    use = data_use(profile_dataset(pairs))
    assert (use.train_pairs, use.query_pairs, use.archive_pairs) == (5, 3, 4)
    assert (use.name, use.layout, use.fingerprint) == (pairs.name, "synthetic", fingerprint(pairs))
    assert use.synthetic
    assert use.labelled


def test_queries_carry_their_places_and_the_columns_of_their_labels() -> None:
    pairs = FakePairs()
    rows = pairs.labels("query")
    assert rows is not None
    assert queries_of(pairs, "f") == Queries(
        fingerprint="f",
        places=(Place(pair_id="q0"), Place(pair_id="q1"), Place(pair_id="q2")),
        labels=tuple(tuple(column for column in range(3) if row[column]) for row in rows),
    )


def test_queries_of_data_without_labels_carry_none() -> None:
    assert queries_of(FakePairs(classes=()), "f").labels == ()


def test_queries_of_the_v1_archive_are_grouped_by_product(shared_data: Path) -> None:
    queries = queries_of(open_pairs(shared_data / "ben-v1-lmdb"), "f")
    assert queries.groups is not None
    tiles = [place.tile for place in queries.places]
    assert [sorted(set(tiles), key=str)[number] for number in queries.groups] == tiles
