import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

import fakes
from bench.errors import StoreError
from bench.store import file
from bench.store.results import Results


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.duckdb"


def test_older_versions_of_duckdb_can_open_a_new_store(path: Path) -> None:
    Results(path).check()
    with duckdb.connect(path, read_only=True) as connection:
        row = connection.execute("SELECT tags['storage_version'] FROM duckdb_databases() WHERE path IS NOT NULL")
        assert str(row.fetchall()[0][0]).startswith("v1.4.0")


def junk(place: Path) -> None:
    place.write_bytes(bytes(range(256)) * 100)


def sqlite(place: Path) -> None:
    connection = sqlite3.connect(place)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()


def foreign(place: Path) -> None:
    with duckdb.connect(place) as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")


Make = Callable[[Path], object]

BAD_PLACES: dict[str, tuple[Make, str]] = {
    "a folder": (lambda place: place.mkdir(), "is a folder: name a file in it"),
    "nothing in it": (lambda place: place.touch(), "is no DuckDB database"),
    "text": (lambda place: place.write_text("hello"), "is no DuckDB database"),
    "junk": (junk, "is no DuckDB database"),
    "another database": (sqlite, "is no DuckDB database"),
    "tables of others": (foreign, "is a DuckDB database of something else"),
}


@pytest.mark.parametrize(("make", "words"), BAD_PLACES.values(), ids=BAD_PLACES)
def test_what_is_no_store_is_refused_in_one_line_and_left_alone(path: Path, make: Make, words: str) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else None
    for act in (Results(path).check, Results(path).trials):
        with pytest.raises(StoreError) as error:
            act()
        assert str(path) in str(error.value)
        assert words in str(error.value)
        assert "\n" not in str(error.value)
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.parametrize(
    ("place", "words"),
    [("none/results.duckdb", "none does not exist: make it"), ("text/results.duckdb", "text is no folder")],
)
def test_a_place_without_a_folder_is_named(tmp_path: Path, place: str, words: str) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(StoreError, match=words):
        Results(tmp_path / place).check()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
def test_a_folder_that_takes_no_files_is_named() -> None:
    with pytest.raises(StoreError, match=r"/proc/results\.duckdb cannot be used: "):
        Results(Path("/proc/results.duckdb")).check()


def test_a_truncated_store_is_named(path: Path) -> None:
    Results(path).check()
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(StoreError, match=r"results\.duckdb cannot be used: IO Error: "):
        Results(path).trials()


def test_a_read_only_file_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Results(path).check()

    def refuse(*_: object, **__: object) -> None:
        raise duckdb.IOException(f'IO Error: Cannot open file "{path}": Permission denied\nmore')

    monkeypatch.setattr(duckdb, "connect", refuse)
    with pytest.raises(StoreError, match=r"cannot be used: .*Permission denied$"):
        Results(path).check()


def test_a_read_only_folder_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(file, "TemporaryDirectory", refuse)
    with pytest.raises(StoreError, match=r"results\.duckdb cannot be used: Permission denied$"):
        Results(path).check()


def test_a_file_system_without_hard_links_will_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    Results(path).add_trial(fakes.trial_result())
    assert Results(path).trials() == (fakes.trial_result(),)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("act", ["check", "trials"])
def test_a_folder_that_may_not_be_entered_is_named(path: Path, act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", refuse)
        with pytest.raises(StoreError, match=r"results\.duckdb cannot be used: Permission denied$"):
            getattr(Results(path), act)()
