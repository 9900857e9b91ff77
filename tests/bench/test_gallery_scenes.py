"""Where a gallery's images come from: decoded pairs, the original ones, or one clear line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bench.data import cache
from bench.data.pairs import Split
from bench.data.places import Place
from bench.errors import DataError
from bench.gallery import scenes
from bench.gallery.scenes import SEARCHED, Scenes, scenes_of
from bench.profile.dataset import DatasetProfile, profile_dataset
from data_fakes import FakePairs
from models.config import SENSORS


@dataclass
class Placed(FakePairs):
    """Fakes that know where they were taken."""

    closed: bool = False

    def places(self, split: Split) -> Sequence[Place]:
        return [Place(pair_id=name, tile="33UUP", country="Austria", date="2017-06-13") for name in self.ids(split)]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def pairs(monkeypatch: pytest.MonkeyPatch) -> Placed:
    """What is opened as "here"; nothing else exists."""
    there = Placed()

    def opened(data: str) -> Placed:
        if data != "here":
            raise DataError(f"{data} does not exist")
        return there

    monkeypatch.setattr(scenes, "open_pairs", opened)
    return there


@pytest.fixture
def dataset(pairs: Placed) -> DatasetProfile:
    return profile_dataset(pairs)


def expect(found: Scenes, pairs: Placed, *, tolerance: float) -> None:
    """That everything shown is what the pairs hold."""
    for split in SEARCHED:
        assert [place.pair_id for place in found.sides[split].places] == pairs.ids(split)
        labels = pairs.labels(split)
        assert labels is not None
        for row, name in enumerate(pairs.ids(split)):
            expected = {pairs.classes[column] for column in np.flatnonzero(labels[row])}
            assert set(found.labels(split, row)) == expected
            for sensor in SENSORS:
                got = found.read(split, row)[sensor]
                assert np.allclose(got, pairs.read(name)[sensor], atol=tolerance), (name, sensor)
    assert (found.classes, found.bands) == (pairs.classes, pairs.bands)


def test_decoded_pairs_come_back_in_their_own_units(tmp_path: Path, pairs: Placed, dataset: DatasetProfile) -> None:
    cache.prepare(pairs, root=tmp_path)
    pairs.reads.clear()
    with scenes_of(dataset, recorded="here", root=tmp_path) as found:
        images = found.read("query", 1)
        assert pairs.reads == []
        assert images["s2"].shape == (3, 8, 8)
        expect(found, pairs, tolerance=0.02)
        assert found.sides["archive"].places[2] == pairs.places("archive")[2]


def test_decoded_pairs_serve_when_the_data_has_moved(tmp_path: Path, pairs: Placed, dataset: DatasetProfile) -> None:
    cache.prepare(pairs, root=tmp_path)
    with scenes_of(dataset, recorded="gone", root=tmp_path) as found:
        expect(found, pairs, tolerance=0.02)
        assert found.sides["query"].places[0] == Place(pair_id="q0")


def test_places_of_other_pairs_are_not_believed(tmp_path: Path, pairs: Placed, dataset: DatasetProfile) -> None:
    cache.prepare(pairs, root=tmp_path)
    pairs.members["query"] = ["q0", "q1"]
    with scenes_of(dataset, recorded="here", root=tmp_path) as found:
        assert found.sides["query"].places[2] == Place(pair_id="q2")


@pytest.mark.parametrize("damage", [False, True])
def test_the_original_pairs_serve_when_none_are_decoded(
    tmp_path: Path, pairs: Placed, dataset: DatasetProfile, damage: bool
) -> None:
    if damage:
        folder = cache.prepare(pairs, root=tmp_path).folder
        (folder / cache.ABOUT_FILE).write_text("{")
    with scenes_of(dataset, recorded="here", root=tmp_path) as found:
        expect(found, pairs, tolerance=0)
        assert found.sides["query"].places[0].country == "Austria"
        assert not pairs.closed
    assert pairs.closed


def test_data_said_to_be_elsewhere_is_looked_for_there_alone(
    tmp_path: Path, pairs: Placed, dataset: DatasetProfile
) -> None:
    with scenes_of(dataset, recorded="gone", given="here", root=tmp_path) as found:
        expect(found, pairs, tolerance=0)
    cache.prepare(pairs, root=tmp_path)
    with (
        pytest.raises(DataError, match=r"^elsewhere does not exist$"),
        scenes_of(dataset, recorded="here", given="elsewhere", root=tmp_path),
    ):
        pytest.fail("nothing is there")


def test_other_data_at_the_same_place_is_refused(tmp_path: Path, pairs: Placed, dataset: DatasetProfile) -> None:
    changed = replace(dataset, fingerprint="f" * 64)
    with (
        pytest.raises(DataError, match="here is not what the trial was searched on: its fingerprint is"),
        scenes_of(changed, recorded="here", root=tmp_path),
    ):
        pytest.fail("it is another one")
    assert pairs.closed


def test_data_that_is_nowhere_is_told_with_what_to_do(tmp_path: Path, dataset: DatasetProfile) -> None:
    told = "no longer decoded here, nor where the run found them: gone does not exist. --data says where they are now"
    with pytest.raises(DataError, match=told), scenes_of(dataset, recorded="gone", root=tmp_path):
        pytest.fail("nothing is there")
