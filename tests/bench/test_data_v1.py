import csv
import json
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.data.ben_v1_lmdb import SPLIT_FILES, STATISTICS, BenV1Lmdb
from bench.data.lmdb_file import LmdbFile
from bench.data.pairs import SPLITS, open_pairs
from bench.errors import DataError
from data_fakes import TEN_METRES, TWENTY_METRES, Bomb, patch_interface, pickled_patch, write_v1
from models.config import Sensor

NAMES = ("p1", "p2", "p3")


@pytest.fixture(scope="module")
def pairs(shared_data: Path) -> BenV1Lmdb:
    opened = open_pairs(shared_data / "ben-v1-lmdb")
    assert isinstance(opened, BenV1Lmdb)
    return opened


@pytest.fixture(scope="module")
def index(shared_data: Path) -> dict[str, dict[str, str]]:
    with (shared_data / "ben-v1-lmdb/index.csv").open() as file:
        return {row["s2_name"]: row for row in csv.DictReader(file)}


def test_every_split_holds_the_names_of_its_file(pairs: BenV1Lmdb, shared_data: Path) -> None:
    for split, name in SPLIT_FILES.items():
        names = (shared_data / "ben-v1-lmdb" / name).read_text().split()
        assert len(names) == 25
        assert list(pairs.ids(split)) == sorted(names)
    assert pairs.notes == ()


def test_labels_are_those_of_the_index(pairs: BenV1Lmdb, index: dict[str, dict[str, str]]) -> None:
    assert len(index) == 78
    for split in SPLITS:
        for name, row in zip(pairs.ids(split), pairs.labels(split), strict=True):
            assert [c for c, carried in zip(pairs.classes, row, strict=True) if carried] == sorted(
                set(index[name]["labels_19"].split("|"))  # some are written twice
            )


def test_pixels_are_those_of_an_ordinary_unpickling(pairs: BenV1Lmdb, shared_data: Path) -> None:
    folder = shared_data / "ben-v1-lmdb/BigEarthNetEncoded.lmdb"
    for name in (pairs.ids("train")[0], pairs.ids("query")[12], pairs.ids("archive")[24]):
        value = LmdbFile(folder).get(name)
        assert value is not None
        with patch_interface(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy 2 warns of the old name of a module
            patch = pickle.loads(value)  # noqa: S301  our own file
        images = pairs.read(name)
        assert np.array_equal(images["s1"], np.stack([patch.s1_patch.bandVH.data, patch.s1_patch.bandVV.data]))
        bands = {band.name: band.data for band in vars(patch.s2_patch).values() if hasattr(band, "data")}
        assert np.array_equal(images["s2"][:4], np.stack([bands[name] for name in TEN_METRES]))
        coarse = torch.from_numpy(np.stack([bands[name].astype(np.float32) for name in TWENTY_METRES]))
        fine = torch.nn.functional.interpolate(coarse[None], size=(120, 120), mode="bicubic", align_corners=True)[0]
        np.testing.assert_allclose(images["s2"][4:], fine.numpy(), rtol=1e-4, atol=0.05)


def test_the_statistics_are_the_published_ones(shared_data: Path) -> None:
    published = json.loads((shared_data / "ben-metadata/band_stats.json").read_text())["v1"]
    tables: dict[Sensor, str] = {"s1": "S1_dB", "s2": "S2"}
    for sensor, table in tables.items():
        for number, band in enumerate(BenV1Lmdb.bands[sensor]):
            assert STATISTICS[sensor].mean[number] == published[table]["mean"][band]
            assert STATISTICS[sensor].std[number] == published[table]["std"][band]


def test_every_real_pair_is_of_the_right_shape_and_plausible(pairs: BenV1Lmdb) -> None:
    for split in SPLITS:
        for name in pairs.ids(split):
            images = pairs.read(name)
            assert images["s1"].shape == (2, 120, 120)
            assert images["s2"].shape == (10, 120, 120)
            assert -60 < images["s1"].min() < images["s1"].max() < 20
            assert images["s2"][:4].min() >= 1


def test_the_lmdb_can_be_named_with_its_splits_beside_it(shared_data: Path, pairs: BenV1Lmdb) -> None:
    for place in ("BigEarthNetEncoded.lmdb", "BigEarthNetEncoded.lmdb/data.mdb"):
        assert open_pairs(shared_data / "ben-v1-lmdb" / place).ids("train") == pairs.ids("train")


def test_labels_are_compared_in_lower_case(tmp_path: Path) -> None:
    opened = open_pairs(write_v1(tmp_path / "x", dict.fromkeys(NAMES, pickled_patch(["arable LAND", "Pastures"]))))
    labels = opened.labels("train")
    assert labels is not None
    assert [opened.classes[column] for column in labels[0].nonzero()[0]] == ["Arable land", "Pastures"]


def test_names_that_are_not_in_the_lmdb_are_skipped_and_counted(tmp_path: Path) -> None:
    splits = {"train": ["p1", "x1", "x2"], "val": ["p2"], "test": ["p3"]}
    opened = open_pairs(write_v1(tmp_path / "x", dict.fromkeys(NAMES, pickled_patch()), splits))
    assert opened.ids("train") == ("p1",)
    assert opened.notes == ("2 of 3 names in train.csv are not in the LMDB and were skipped",)


def test_split_files_of_other_editors_are_read(tmp_path: Path) -> None:
    folder = write_v1(tmp_path / "x", dict.fromkeys(NAMES, pickled_patch()))
    (folder / "train.csv").write_bytes(b"\xef\xbb\xbfp1\r\n\r\n")
    assert open_pairs(folder).ids("train") == ("p1",)


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"train": ["p1"], "val": ["p2"], "test": ["p1"]}, r"p1 is listed twice, in .*train\.csv and .*test\.csv"),
        ({"train": ["p1", "p1"], "val": ["p2"], "test": ["p3"]}, "p1 is listed twice"),
        ({"train": ["p1"], "val": ["x"], "test": []}, "no pair for query and archive"),
        ({"train": ["p1"]}, r"val\.csv, test\.csv is missing: put train\.csv"),
    ],
    ids=["two splits", "one split", "empty", "missing"],
)
def test_splits_that_cannot_be_used_are_refused(tmp_path: Path, splits: dict[str, list[str]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_pairs(write_v1(tmp_path / "x", dict.fromkeys(NAMES, pickled_patch()), splits))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (pickled_patch()[:9000], "is no BigEarthNet v1 patch or damaged"),
        (pickled_patch(B05=np.zeros((61, 60), np.uint16)), r"band B05 is uint16 \(61, 60\), not numbers \(60, 60\)"),
        (pickled_patch(VV=np.zeros((1, 1), np.float32)), r"band VV is float32 \(1, 1\)"),
        (b"\x80\x04}.", "is no BigEarthNet v1 patch or damaged"),
    ],
    ids=["cut", "shape", "radar", "dict"],
)
def test_a_damaged_pair_is_named_with_its_file(tmp_path: Path, value: bytes, message: str) -> None:
    opened = open_pairs(write_v1(tmp_path / "x", dict.fromkeys(NAMES, pickled_patch()) | {"p2": value}))
    opened.read("p1")
    with pytest.raises(DataError, match=rf"^p2 in .*data\.mdb.*{message}"):
        opened.read("p2")


@pytest.mark.parametrize("labels", [["Glaciers"], [7], [None]])
def test_a_label_of_no_class_is_refused(tmp_path: Path, labels: list[object]) -> None:
    opened = open_pairs(write_v1(tmp_path / "x", dict.fromkeys(NAMES, pickled_patch(labels))))
    with pytest.raises(DataError, match=r"p1 in .*is none of the 19 classes"):
        opened.labels("train")


def test_a_pair_that_is_not_there_is_an_error(pairs: BenV1Lmdb) -> None:
    with pytest.raises(DataError, match=r"nowhere is not in .*data\.mdb"):
        pairs.read("nowhere")


def test_a_hostile_archive_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    value = pickle.dumps(Bomb(mark), protocol=4)
    opened = open_pairs(write_v1(tmp_path / "x", dict.fromkeys(NAMES, value)))
    for read in (lambda: opened.read("p1"), lambda: opened.labels("train")):
        with pytest.raises(DataError, match="which no patch needs"):
            read()
    assert not mark.exists()
    pickle.loads(value)  # noqa: S301  the same value does run in an ordinary unpickler
    assert mark.exists()
