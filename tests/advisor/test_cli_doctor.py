"""csmae-bench doctor: checks in words, and a recording that can be sent along."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advisor.cli import machine
from bench.errors import BenchError
from bench.profile import allowed, checks
from bench.profile.recording import Recording, Space, load

Ask = Callable[..., Any]

FIXTURES = Path(__file__).parents[1] / "fixtures" / "hardware"


@pytest.fixture(autouse=True)
def recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Recording], None]:
    """Be on another machine, the one recorded for the tests at first; no training process is started."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CSMAE_DB", str(tmp_path / "results.duckdb"))
    monkeypatch.setattr(checks, "run_aside", lambda _module: b"")

    def be(recording: Recording) -> None:
        monkeypatch.setattr("bench.profile.recording.record", lambda: recording)

    be(load(FIXTURES / "recorded-two-cores.json"))
    return be


def found(ask: Ask) -> dict[str, tuple[bool | None, str]]:
    """Checks by name."""
    document = json.loads(ask("doctor", "--json").out)
    return {check["name"]: (check["met"], check["words"]) for check in document["data"]["checks"]}


def test_a_machine_that_has_all_is_told_so(ask: Ask) -> None:
    answer = ask("doctor")
    assert answer.code == 0
    assert "ok  store: results can be written there" in answer.out
    assert "-   NVIDIA driver: there is none: trials run on the processor" in answer.out
    assert answer.out.count("NOT MET") == 0
    assert json.loads(answer.out[answer.out.index("\n{") :])["format"] == 1


def test_the_written_recording_is_what_simulate_reads(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "machine.json"
    answer = ask("doctor", "-o", str(file))
    assert answer.code == 0
    assert "{" not in answer.out
    assert f"recorded in {file}" in answer.err
    assert load(file) == load(FIXTURES / "recorded-two-cores.json")
    assert "AMD EPYC" in ask("profile", "hardware", "--simulate", str(file)).out


def test_a_recording_that_cannot_be_written_is_one_line(ask: Ask, tmp_path: Path) -> None:
    answer = ask("doctor", "-o", str(tmp_path / "no" / "machine.json"))
    assert answer.code == 2
    assert "the recording cannot be written: No such file or directory" in answer.err


def test_json_holds_checks_and_recording(ask: Ask) -> None:
    answer = ask("doctor", "--json")
    document = json.loads(answer.out)
    assert (document["command"], document["status"]) == ("doctor", "done")
    assert document["data"]["recording"]["versions"]["duckdb"]


def test_a_check_that_is_not_met_has_its_code(ask: Ask, recorded: Callable[[Recording], None]) -> None:
    recorded(load(FIXTURES / "broken-driver.json"))
    answer = ask("doctor")
    assert answer.code == 1
    words = "the NVIDIA driver does not answer: Driver/library version mismatch"
    assert f"NOT MET  NVIDIA driver: {words}" in " ".join(answer.out.split()).replace("MET ", "MET  ")
    assert found(ask)["NVIDIA driver"] == (False, words)


def test_a_store_in_no_folder_and_a_cache_that_is_a_file_are_not_met(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CSMAE_DB", str(tmp_path / "no" / "results.duckdb"))
    (tmp_path / "cache").write_text("")
    told = found(ask)
    assert told["store"] == (False, "results cannot be written there: No such file or directory")
    assert told["cache folder"] == (False, "decoded pairs cannot be written there: Not a directory")


MEBIBYTE = 1 << 20


@pytest.mark.parametrize(
    ("shm", "expected"),
    [
        (Space(total_bytes=64 * MEBIBYTE, free_bytes=64 * MEBIBYTE), (True, "64 MiB free of 64 MiB")),
        (
            Space(total_bytes=64 * MEBIBYTE, free_bytes=MEBIBYTE),
            (False, "1 MiB free of 64 MiB; 32 MiB should be free"),
        ),
        (None, (None, "there is none, or it does not say how large it is")),
    ],
)
def test_little_shared_memory_is_not_met(
    ask: Ask, recorded: Callable[[Recording], None], shm: Space | None, expected: tuple[bool | None, str]
) -> None:
    recording = load(FIXTURES / "recorded-two-cores.json")
    spaces = {**recording.host.spaces, "shm": shm} if shm else {"work": recording.host.spaces["work"]}
    recorded(replace(recording, host=replace(recording.host, spaces=spaces)))
    assert found(ask)["shared memory"] == expected


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("recorded-two-cores", "off: what does not fit into memory is killed at once"),
        ("busy-8gb-gpu", "on, 8.0 GiB: what does not fit becomes slow before it is killed, and times mislead"),
        ("silent-gpu", "unknown"),
    ],
)
def test_swap_is_told(ask: Ask, recorded: Callable[[Recording], None], name: str, words: str) -> None:
    recorded(load(FIXTURES / f"{name}.json"))
    assert found(ask)["swap"] == (None, words)


def test_a_training_process_that_does_not_start_says_why(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_module: str) -> bytes:
        raise BenchError(f"its process ended with code 1: OSError: {Path.home()}/env/libtorch.so is no library")

    monkeypatch.setattr(checks, "run_aside", fail)
    met, words = found(ask)["training process"]
    assert met is False
    assert words == "does not start: its process ended with code 1: OSError: ~/env/libtorch.so is no library"


def test_the_face_knows_the_name_of_no_limit() -> None:
    assert machine.MACHINE == allowed.MACHINE
