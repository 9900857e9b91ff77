import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import astuple, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bench.store import lease
from bench.store.lease import GRACE, Holder, has_ended, this_process

NOW = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001  naive UTC, as the store has it
LONG_AGO = NOW - timedelta(days=365)

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")


@pytest.fixture
def ended() -> int:
    """The number of a process that has ended and was asked how."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.fixture
def unasked() -> Iterator[int]:
    """The number of a process that has ended, but whose parent has not asked how."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        yield process.pid


def test_a_process_that_lives_holds_its_run_however_long_it_is_silent() -> None:
    assert not has_ended(this_process(), heard_at=LONG_AGO, now=NOW)


def test_a_process_that_is_gone_has_ended_though_it_was_heard_of_just_now(ended: int) -> None:
    assert has_ended(replace(this_process(), pid=ended), heard_at=NOW, now=NOW)


def test_a_process_that_nobody_has_asked_how_it_ended_has_ended(unasked: int) -> None:
    assert has_ended(replace(this_process(), pid=unasked), heard_at=NOW, now=NOW)


def test_a_process_that_took_over_the_number_is_another_one() -> None:
    assert has_ended(replace(this_process(), began="1"), heard_at=NOW, now=NOW)


def test_no_process_outlives_a_restart_of_its_machine() -> None:
    assert has_ended(replace(this_process(), boot="another"), heard_at=NOW, now=NOW)


AT_THE_LIMIT = [(GRACE, False), (GRACE + timedelta(seconds=1), True)]


@pytest.mark.parametrize(("silence", "gone"), AT_THE_LIMIT)
@pytest.mark.parametrize("holder", [replace(this_process(), host="another", boot="another", pid=1), None])
def test_who_cannot_be_asked_for_is_judged_by_its_silence(
    holder: Holder | None, silence: timedelta, gone: bool
) -> None:
    assert has_ended(holder, heard_at=NOW - silence, now=NOW) is gone


@pytest.mark.parametrize(("silence", "gone"), AT_THE_LIMIT)
def test_a_process_that_the_system_does_not_tell_of_is_judged_by_its_silence(
    silence: timedelta, gone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = this_process()
    monkeypatch.setattr(lease, "_began", lambda _: None)
    assert has_ended(holder, heard_at=NOW - silence, now=NOW) is gone


def test_a_process_of_another_user_is_no_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert not has_ended(this_process(), heard_at=LONG_AGO, now=NOW)
    assert has_ended(replace(this_process(), began="1"), heard_at=NOW, now=NOW)


def test_containers_are_hosts_of_their_own(ended: int, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = replace(this_process(), pid=ended)
    monkeypatch.setattr(lease, "_namespace", lambda: "pid:[4026539999]")
    assert not has_ended(inside, heard_at=NOW, now=NOW)


def test_machines_without_an_id_are_told_apart_by_their_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    boots = iter(("one", "two"))
    monkeypatch.setattr(lease, "_read", lambda path: next(boots) if path.endswith("boot_id") else "")
    there = this_process()
    assert not has_ended(there, heard_at=NOW, now=NOW)


def test_a_holder_names_no_machine() -> None:
    told = " ".join(map(str, astuple(this_process())))
    assert platform.node() not in told
    assert all(secret not in told for secret in map(lease._read, ("/etc/machine-id",)) if secret)


RENAMED = """
import os
from bench.store import lease
before = lease._began(os.getpid())
with open("/proc/self/comm", "w") as name:
    name.write("a) Z 1 (b")
print(before == lease._began(os.getpid()) and before.isdigit())
"""


@linux
def test_the_start_is_read_whatever_the_process_calls_itself() -> None:
    told = subprocess.run([sys.executable, "-c", RENAMED], capture_output=True, text=True, check=True)
    assert told.stdout == "True\n"


def test_the_start_of_a_process_stays_as_it_is() -> None:
    assert this_process() == this_process()


def test_two_processes_have_two_starts_or_numbers(unasked: int) -> None:
    assert lease._began(unasked) == ""
    assert lease._began(os.getpid()) not in {"", None}


def test_without_proc_the_process_table_is_asked(unasked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_text

    def hide(path: Path) -> str:
        if path.parts[1] == "proc":
            raise FileNotFoundError
        return read(path)

    monkeypatch.setattr(Path, "read_text", hide)
    monkeypatch.setattr(Path, "exists", lambda path: path.parts[1] != "proc")
    assert not has_ended(this_process(), heard_at=LONG_AGO, now=NOW)
    assert has_ended(replace(this_process(), pid=unasked), heard_at=NOW, now=NOW)
    assert has_ended(replace(this_process(), began="1.0"), heard_at=NOW, now=NOW)
