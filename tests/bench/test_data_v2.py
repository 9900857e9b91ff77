import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import save

from bench.data.ben_v2_lmdb import STATISTICS, BenV2Lmdb
from bench.data.lmdb_file import LmdbFile
from bench.data.pairs import SPLITS, Split, open_pairs
from bench.errors import DataError
from data_fakes import TEN_METRES, TWENTY_METRES, write_lmdb
from models.config import SENSORS

WORDS: dict[Split, str] = {"train": "train", "query": "validation", "archive": "test"}


@pytest.fixture(scope="module")
def pairs(shared_data: Path) -> BenV2Lmdb:
    opened = open_pairs(shared_data / "ben-v2-lmdb")
    assert isinstance(opened, BenV2Lmdb)
    return opened


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> list[dict[str, object]]:
    table: list[dict[str, object]] = pq.read_table(shared_data / "ben-v2-lmdb/metadata.parquet").to_pylist()
    return table


def test_every_split_holds_the_pairs_of_the_metadata(pairs: BenV2Lmdb, rows: list[dict[str, object]]) -> None:
    assert len(rows) == 26
    for split, word in WORDS.items():
        assert list(pairs.ids(split)) == sorted(str(row["patch_id"]) for row in rows if row["split"] == word)


def test_labels_are_those_of_the_metadata(pairs: BenV2Lmdb, rows: list[dict[str, object]]) -> None:
    labels = {row["patch_id"]: row["labels"] for row in rows}
    for split in SPLITS:
        for name, row in zip(pairs.ids(split), pairs.labels(split), strict=True):
            assert [c for c, carried in zip(pairs.classes, row, strict=True) if carried] == labels[name]


def test_patches_with_snow_or_cloud_are_left_out_and_counted(pairs: BenV2Lmdb, shared_data: Path) -> None:
    keys = LmdbFile(shared_data / "ben-v2-lmdb/Encoded-BigEarthNet").keys()
    assert sum(key.startswith("S2") for key in keys) == 32
    assert pairs.notes == ("6 pairs with snow, cloud or shadow were left out, as the authors advise",)


def test_the_official_metadata_over_a_part_of_the_archive_gives_the_same_pairs(
    pairs: BenV2Lmdb, shared_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "part.lmdb").symlink_to(shared_data / "ben-v2-lmdb/Encoded-BigEarthNet")
    for file in (shared_data / "ben-metadata/v2").glob("*.parquet"):
        (tmp_path / file.name).symlink_to(file)
    full = open_pairs(tmp_path)
    assert {split: full.ids(split) for split in SPLITS} == {split: pairs.ids(split) for split in SPLITS}
    assert full.notes == (
        *pairs.notes,
        "480,012 of 480,038 pairs in metadata.parquet are not in the LMDB and were skipped",
    )


def _tensor(value: bytes, name: str) -> np.ndarray:
    """A tensor by the format's description, without its library."""
    length = int.from_bytes(value[:8], "little")
    entry = json.loads(value[8 : 8 + length])[name]
    start, end = entry["data_offsets"]
    kind = {"U16": "<u2", "F32": "<f4"}[entry["dtype"]]
    return np.frombuffer(value[8 + length + start : 8 + length + end], kind).reshape(entry["shape"])


def test_pixels_are_those_in_the_file(pairs: BenV2Lmdb, shared_data: Path, rows: list[dict[str, object]]) -> None:
    database = LmdbFile(shared_data / "ben-v2-lmdb/Encoded-BigEarthNet")
    for row in rows[::9]:
        s1, s2 = (database.get(str(row[key])) or b"" for key in ("s1_name", "patch_id"))
        images = pairs.read(str(row["patch_id"]))
        assert np.array_equal(images["s1"], np.stack([_tensor(s1, name) for name in ("VH", "VV")]))
        assert np.array_equal(images["s2"][:4], np.stack([_tensor(s2, name) for name in TEN_METRES]))
        coarse = torch.from_numpy(np.stack([_tensor(s2, name).astype(np.float32) for name in TWENTY_METRES]))
        fine = torch.nn.functional.interpolate(coarse[None], size=(120, 120), mode="bicubic", align_corners=True)[0]
        np.testing.assert_allclose(images["s2"][4:], fine.numpy(), rtol=1e-4, atol=0.05)


def test_the_statistics_are_the_published_ones(shared_data: Path) -> None:
    published = json.loads((shared_data / "ben-metadata/band_stats.json").read_text())["v2"]
    for sensor in SENSORS:
        for number, band in enumerate(BenV2Lmdb.bands[sensor]):
            assert STATISTICS[sensor].mean[number] == published["mean"]["120_bicubic"][band]
            assert STATISTICS[sensor].std[number] == published["std"]["120_bicubic"][band]


def _s1() -> bytes:
    return save({name: np.full((120, 120), -12, np.float32) for name in ("VV", "VH")})


def _s2(**bands: np.ndarray) -> bytes:
    plain = {name: np.ones((120, 120), np.uint16) for name in TEN_METRES}
    plain |= {name: np.ones((60, 60), np.uint16) for name in TWENTY_METRES}
    return save(plain | bands)


ROWS: dict[str, list[object]] = {
    "patch_id": ["S2c", "S2a", "S2b", "S2d"],
    "labels": [["Pastures"], ["Arable land", "Urban fabric"], ["Pastures"], ["Pastures"]],
    "split": ["test", "train", "validation", "test"],
    "s1_name": ["S1c", "S1a", "S1b", "S1d"],
    "contains_seasonal_snow": [False, False, False, True],
    "contains_cloud_or_shadow": [False, False, False, False],
}


def _data_set(folder: Path, metadata: dict[str, list[object]] | None = None, **values: bytes) -> Path:
    """Four pairs, of which one has snow; values given by name replace the plain ones, or leave them out if empty."""
    plain = {f"S1{name}": _s1() for name in "abcd"} | {f"S2{name}": _s2() for name in "abcd"} | values
    folder.mkdir()
    write_lmdb(folder / "x.lmdb", {key: value for key, value in plain.items() if value})
    pq.write_table(pa.table(metadata or ROWS), folder / "metadata.parquet")
    return folder


def test_a_flag_in_the_metadata_itself_leaves_a_pair_out(tmp_path: Path) -> None:
    opened = open_pairs(_data_set(tmp_path / "x"))
    assert [opened.ids(split) for split in SPLITS] == [("S2a",), ("S2b",), ("S2c",)]
    assert opened.notes == ("1 pairs with snow, cloud or shadow were left out, as the authors advise",)


def test_a_pair_with_one_image_is_skipped(tmp_path: Path) -> None:
    metadata = ROWS | {"contains_seasonal_snow": [False] * 4}
    opened = open_pairs(_data_set(tmp_path / "x", metadata, S1d=b""))
    assert opened.ids("archive") == ("S2c",)
    assert opened.notes == ("1 of 4 pairs in metadata.parquet are not in the LMDB and were skipped",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patch_id": ["X1", "X2", "X3", "X4"]}, "no pair for train and query and archive"),
        ({"patch_id": ["S2a", "S2a", "S2b", "S2d"]}, "names a patch twice"),
        ({"labels": [["Glaciers"]] * 4}, "'Glaciers' is none of the 19 classes"),
        ({"split": ["test", "train", "val", "test"]}, "'val' is no split; known: train, validation, test"),
        ({"labels": [1, 2, 3, 4]}, "cannot be read as BigEarthNet v2 metadata"),
        ({"contains_seasonal_snow": ["no", "x", "", "yes"]}, "cannot be read as BigEarthNet v2 metadata"),
        ({"split": ["test", "train", None, "test"]}, "column split has cells without text"),
    ],
    ids=["other patches", "twice", "class", "split word", "numbers", "words", "null"],
)
def test_metadata_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, list[object]], message: str) -> None:
    with pytest.raises(DataError, match=rf"metadata\.parquet.*{message}"):
        open_pairs(_data_set(tmp_path / "x", ROWS | change))


@pytest.mark.parametrize("column", list(ROWS))
def test_metadata_without_a_column_are_refused(tmp_path: Path, column: str) -> None:
    metadata = {name: values for name, values in ROWS.items() if name != column}
    with pytest.raises(DataError, match=rf"metadata\.parquet cannot be read as BigEarthNet v2 metadata.*{column}"):
        open_pairs(_data_set(tmp_path / "x", metadata))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ({}, [None, None, None]),
        ({"country": ["Serbia", "Austria", None, "Serbia"]}, ["Austria", None, "Serbia"]),
        ({"country": [None] * 4}, [None, None, None]),
    ],
    ids=["no column", "one unknown", "all unknown"],
)
def test_a_country_that_the_metadata_do_not_tell_is_unknown(
    tmp_path: Path, column: dict[str, list[object]], expected: list[str | None]
) -> None:
    opened = open_pairs(_data_set(tmp_path / "x", ROWS | column))
    assert [opened.places(split)[0].country for split in SPLITS] == expected


def test_missing_and_damaged_metadata_are_told_apart(tmp_path: Path) -> None:
    folder = _data_set(tmp_path / "x")
    (folder / "metadata.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(DataError, match=r"metadata\.parquet cannot be read"):
        open_pairs(folder)
    (folder / "metadata.parquet").unlink()
    with pytest.raises(
        DataError, match=r"is a BigEarthNet v2 LMDB, but metadata\.parquet is missing: put .* into .*/x$"
    ):
        open_pairs(folder / "x.lmdb")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (_s2()[:-100], "S2a in .* is no safetensors value or damaged"),
        (b"short", "S2a in .* is no safetensors value or damaged"),
        (save({"B02": np.ones((120, 120), np.uint16)}), "S2a in .*: band B03 is missing"),
        (_s2(B08=np.ones((60, 60), np.uint16)), r"S2a in .*: band B08 is uint16 \(60, 60\)"),
    ],
    ids=["cut", "short", "missing band", "shape"],
)
def test_a_damaged_pair_is_named_with_its_file(tmp_path: Path, value: bytes, message: str) -> None:
    opened = open_pairs(_data_set(tmp_path / "x", S2a=value))
    with pytest.raises(DataError, match=message):
        opened.read("S2a")


def test_only_pairs_can_be_read(pairs: BenV2Lmdb, rows: list[dict[str, object]]) -> None:
    with pytest.raises(DataError, match="is no pair of"):
        pairs.read(str(rows[0]["s1_name"]))


def test_the_lmdb_can_be_named_with_its_metadata_inside(tmp_path: Path) -> None:
    folder = _data_set(tmp_path / "x")
    shutil.move(folder / "metadata.parquet", folder / "x.lmdb")
    assert open_pairs(folder / "x.lmdb").ids("train") == ("S2a",)
