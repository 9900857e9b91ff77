import os
import shutil
import subprocess
import sys
from pathlib import Path

import lmdb
import pytest

from bench.data.lmdb_file import LmdbFile, find_lmdb
from bench.errors import DataError
from data_fakes import write_lmdb

PAGE = 4096


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_lmdb(tmp_path / "x.lmdb", {"b": b"2" * 9000, "a": b"1", "c": b"3"})


def test_keys_and_values_are_read(folder: Path) -> None:
    database = LmdbFile(folder)
    assert database.keys() == ["a", "b", "c"]
    assert database.get("b") == b"2" * 9000
    assert database.get("no such key") is None
    assert database.first_value() == b"1"


def test_two_readers_share_a_file_that_lmdb_opens_once(folder: Path) -> None:
    first, second = LmdbFile(folder), LmdbFile(folder.parent / "." / folder.name)
    first.close()
    first.close()
    assert second.get("a") == b"1"
    with pytest.raises(DataError, match="was closed"):
        first.get("a")
    second.close()
    lmdb.open(str(folder), lock=False, readonly=True).close()  # refused while anyone holds it


def test_a_forked_process_reads_what_was_open_before(folder: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from bench.data.lmdb_file import LmdbFile\n"
        f"database = LmdbFile(Path({str(folder)!r}))\n"
        "child = os.fork()\n"
        "if not child: os._exit(0 if database.get('a') == b'1' else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_lock_file_or_a_writable_place_is_not_needed(folder: Path) -> None:
    (folder / "lock.mdb").unlink()
    assert LmdbFile(folder).get("c") == b"3"
    assert not (folder / "lock.mdb").exists()


@pytest.mark.parametrize("layout", ["ben-v1-lmdb/BigEarthNetEncoded.lmdb", "ben-v2-lmdb/Encoded-BigEarthNet"])
def test_a_truncated_archive_is_an_error_and_not_a_crash(shared_data: Path, tmp_path: Path, layout: str) -> None:
    raw = (shared_data / layout / "data.mdb").read_bytes()
    for size in (0, 1, PAGE, 5000, 2 * PAGE, 10_000, 3 * PAGE, len(raw) // 2, len(raw) - PAGE, len(raw) - 1):
        place = tmp_path / str(size)
        place.mkdir()
        (place / "data.mdb").write_bytes(raw[:size])
    # in a process of its own: the error this guards against is a signal
    code = (
        "import sys; from pathlib import Path\n"
        "from bench.data.pairs import open_pairs; from bench.errors import DataError\n"
        f"for place in sorted(Path({str(tmp_path)!r}).iterdir()):\n"
        "    try: open_pairs(place); sys.exit(f'{place} was opened')\n"
        "    except DataError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 10
    assert all("data.mdb" in line and ("is cut off" in line or "cannot be opened" in line) for line in lines)
    assert f"{len(raw) - 1:,} of {len(raw):,} bytes" in done.stdout


@pytest.mark.parametrize("content", [b"hello\n", bytes(5 * PAGE), os.urandom(5 * PAGE)], ids=["text", "zeros", "noise"])
def test_a_file_that_is_no_lmdb_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.mdb").write_bytes(content)
    with pytest.raises(DataError, match=r"data\.mdb cannot be opened: .*not an LMDB"):
        LmdbFile(tmp_path)


def test_an_empty_lmdb_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty: it holds no patch"):
        LmdbFile(write_lmdb(tmp_path / "x", {}))


def test_an_lmdb_is_found_as_the_folder_itself_or_inside_it(folder: Path) -> None:
    inside, itself = find_lmdb(folder.parent), find_lmdb(folder)
    assert inside is not None
    assert itself is not None
    assert inside.path == itself.path
    assert find_lmdb(Path(__file__).parent) is None


def test_two_lmdbs_in_one_folder_are_named_and_not_chosen_from(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("y.lmdb"))
    with pytest.raises(DataError, match=r"holds 2 LMDBs \(x\.lmdb, y\.lmdb\): name one"):
        find_lmdb(folder.parent)


def test_files_are_found_in_the_folder_beside_it_and_through_links(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "link.lmdb"
    link.parent.mkdir()
    link.symlink_to(folder)
    for place in (folder, folder.parent, link.parent):
        (place / "train.csv").touch()
        assert LmdbFile(link).beside("train.csv") is not None
        (place / "train.csv").unlink()
        assert LmdbFile(link).beside("train.csv") is None
