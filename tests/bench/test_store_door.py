import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from bench.store import door as module
from bench.store.door import door

HOLD = """
import sys
from pathlib import Path
from bench.store.door import door
with door(Path(sys.argv[1]), 0.0):
    print("held", flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Doors of this test's own, here and in the processes that it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process in the door of a.duckdb."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "a.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline()
        yield process
        process.kill()


def test_who_comes_second_waits_until_the_first_is_through(
    tmp_path: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = []

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            holder.communicate("\n")

    monkeypatch.setattr(module, "sleep", wait)
    with door(tmp_path / "a.duckdb", monotonic() + 600):
        assert len(pauses) == 3


@pytest.mark.usefixtures("holder")
def test_who_has_waited_long_enough_goes_in_without(tmp_path: Path) -> None:
    with door(tmp_path / "a.duckdb", monotonic() + 0.02):
        pass


@pytest.mark.usefixtures("holder")
def test_every_store_has_a_door_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "sleep", lambda _: pytest.fail("waited at the door of another store"))
    with door(tmp_path / "b.duckdb", monotonic() + 600):
        pass


def test_one_store_has_one_door_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "a.duckdb")
    monkeypatch.chdir(tmp_path)
    names = (tmp_path / "a.duckdb", Path("a.duckdb"), Path("folder/../a.duckdb"), tmp_path / "folder" / "link")
    assert len({module._number(name) for name in names}) == 1


@pytest.mark.parametrize("place", ["nowhere", "link"])
def test_without_a_place_for_doors_there_are_none(tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if place == "link":  # somebody else's, in a folder that all may write to
        (tmp_path / f"csmae-advisor-{os.getuid()}.doors").symlink_to(tmp_path / "target")
    else:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with door(tmp_path / "a.duckdb", monotonic()):
        pass
    assert not (tmp_path / "target").exists()
