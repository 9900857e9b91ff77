import os
from pathlib import Path

import pytest

from bench.run.retention import partial_of, prune


def trunk(root: Path, digit: str, *, age: int, size: int = 100) -> Path:
    folder = root / (digit * 32)
    folder.mkdir(parents=True)
    for name in ("trunk.pt", "rungs.json"):
        (folder / name).write_bytes(b"x" * size)
        os.utime(folder / name, (1_000_000 - age, 1_000_000 - age))
    return folder


@pytest.mark.parametrize(("limit", "left"), [(600, "abc"), (599, "ab"), (400, "ab"), (200, "a"), (199, ""), (0, "")])
def test_the_trunks_used_longest_ago_go_first(tmp_path: Path, limit: int, left: str) -> None:
    for age, digit in enumerate("abc"):
        trunk(tmp_path, digit, age=age)
    assert prune(tmp_path, keep_bytes=limit) == 200 * (3 - len(left))
    assert sorted(folder.name[0] for folder in tmp_path.iterdir()) == [*left]


def test_what_a_killed_process_left_is_removed_and_a_living_ones_is_not(tmp_path: Path) -> None:
    folder = trunk(tmp_path, "a", age=0)
    dead, living, nameless = (partial_of(folder / "trunk.pt", pid) for pid in (2**30, os.getpid(), 0))
    nameless = nameless.with_name("trunk.pt.partial")
    for file in (dead, living, nameless):
        file.write_bytes(b"y" * 10)
    assert prune(tmp_path, keep_bytes=1000) == 20
    assert (dead.exists(), living.exists(), nameless.exists()) == (False, True, False)
    assert sorted(file.name for file in folder.iterdir()) == sorted(["rungs.json", "trunk.pt", living.name])


def test_what_is_no_trunk_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.partial").write_bytes(b"mine")
    (tmp_path / "note.txt").write_text("mine")
    assert prune(tmp_path, keep_bytes=0) == 0
    assert (tmp_path / "photos" / "one.partial").exists()
    assert (tmp_path / "note.txt").exists()


def test_there_may_be_nothing_to_remove(tmp_path: Path) -> None:
    assert prune(tmp_path / "nowhere") == 0
