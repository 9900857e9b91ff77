"""Descriptors on the disk: written, read, pruned."""

import os
from pathlib import Path

import numpy as np
import pytest

from bench.data.descriptors import SEARCHED, Descriptors, _age_and_bytes, descriptor_root, load, save
from bench.errors import DataError
from models.config import SENSORS, Sensor


def made(seed: int, *, width: int = 8) -> Descriptors:
    """3 queries and 5 archive pairs; the two sensors' widths differ."""
    rng = np.random.default_rng(seed)
    widths: dict[Sensor, int] = {"s1": width, "s2": width + 1}
    return Descriptors(
        query={sensor: rng.normal(size=(3, widths[sensor])).astype(np.float32) for sensor in SENSORS},
        archive={sensor: rng.normal(size=(5, widths[sensor])).astype(np.float32) for sensor in SENSORS},
    )


def equal(one: Descriptors, other: Descriptors) -> bool:
    return all(
        np.array_equal(getattr(one, split)[sensor], getattr(other, split)[sensor])
        for split in SEARCHED
        for sensor in SENSORS
    )


def kept(root: Path) -> set[str]:
    return {folder.name for folder in root.iterdir()}


def bytes_of(root: Path, trial_id: str) -> int:
    return sum(file.stat().st_size for file in (root / trial_id).iterdir())


def test_descriptors_come_back_as_they_went_in(tmp_path: Path) -> None:
    save("r-01", made(1), root=tmp_path / "new")
    found = load("r-01", root=tmp_path / "new")
    assert equal(found, made(1))
    assert all(isinstance(array, np.memmap) for array in (*found.query.values(), *found.archive.values()))
    assert kept(tmp_path / "new") == {"r-01"}


def test_a_trial_that_is_run_again_replaces_its_own(tmp_path: Path) -> None:
    save("r-01", made(1), root=tmp_path)
    save("r-01", made(2), root=tmp_path)
    assert equal(load("r-01", root=tmp_path), made(2))


def test_what_a_killed_writer_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "r-01.partial").mkdir()
    (tmp_path / "r-01.partial" / "query_s1.npy").write_bytes(b"half")
    save("r-01", made(1), root=tmp_path)
    assert kept(tmp_path) == {"r-01"}


def test_the_oldest_of_other_trials_are_removed_beyond_the_limit(tmp_path: Path) -> None:
    for age, trial_id in enumerate(("new", "middle", "old")):
        save(trial_id, made(age), root=tmp_path)
        os.utime(tmp_path / trial_id, (1000 - age, 1000 - age))
    size = bytes_of(tmp_path, "new")
    save("now", made(9), root=tmp_path, keep_bytes=4 * size)
    assert kept(tmp_path) == {"now", "new", "middle", "old"}
    save("now", made(9), root=tmp_path, keep_bytes=3 * size)
    assert kept(tmp_path) == {"now", "new", "middle"}
    save("now", made(9), root=tmp_path, keep_bytes=2 * size - 1)
    assert kept(tmp_path) == {"now"}


def test_what_was_just_written_stays_however_large_and_old_it_looks(tmp_path: Path) -> None:
    save("other", made(1), root=tmp_path)
    os.utime(tmp_path / "other", (2**33, 2**33))
    save("now", made(2), root=tmp_path, keep_bytes=1)
    assert kept(tmp_path) == {"now"}


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save("r-01", made(1), root=tmp_path)

    def full(file: Path, array: np.ndarray) -> None:
        if file.name == "archive_s2.npy":
            raise OSError(28, "No space left on device")
        file.write_bytes(array.tobytes())

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", full)
        with pytest.raises(OSError, match="No space left"):
            save("r-01", made(2), root=tmp_path)
    assert kept(tmp_path) == {"r-01"}
    assert equal(load("r-01", root=tmp_path), made(1))


@pytest.mark.parametrize("damage", [b"", b"no numpy file", b"\x93NUMPY\x01\x00"])
def test_a_damaged_file_is_named_by_its_folder(tmp_path: Path, damage: bytes) -> None:
    save("r-01", made(1), root=tmp_path)
    (tmp_path / "r-01" / "archive_s1.npy").write_bytes(damage)
    with pytest.raises(DataError, match=r"the descriptors in .*r-01 cannot be read"):
        load("r-01", root=tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    save("r-01", made(1), root=tmp_path)
    (tmp_path / "r-01" / "query_s2.npy").unlink()
    with pytest.raises(DataError, match=r"the descriptors in .*r-01 cannot be read: .*query_s2\.npy"):
        load("r-01", root=tmp_path)


def test_descriptors_that_were_removed_are_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"trial r-02 has left no descriptors in .*: .*run it again"):
        load("r-02", root=tmp_path)


def test_they_lie_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert descriptor_root() == tmp_path / "csmae-advisor" / "descriptors"


def test_a_folder_that_another_process_takes_away_meanwhile_is_no_matter(tmp_path: Path) -> None:
    assert _age_and_bytes(tmp_path / "gone") == (0.0, 0)
