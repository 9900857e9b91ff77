"""The cause of a death, from a table of endings and from trees of counters."""

import os
import signal
from pathlib import Path

import pytest

from bench.result import Outcome
from bench.run.deaths import SHARED_MEMORY, Scene, explain, last_words, look

QUIET = Scene(group_kills=3, host_kills=9, free_bytes={SHARED_MEMORY: 10**9})
NO_MEMORY = "libgomp: Thread creation failed: Resource temporarily unavailable"


@pytest.mark.parametrize(
    ("action", "words", "outcome", "cause"),
    [
        ("exit", "", Outcome.FAILED, "its process ended with exit code 3 before it was done"),
        ("exit", "Oh dear", Outcome.FAILED, "exit code 3 before it was done. Its last words: Oh dear"),
        ("exit", NO_MEMORY, Outcome.OUT_OF_MEMORY, "memory ran out (exit code 3). Its last words: libgomp"),
        ("SIGABRT", "", Outcome.FAILED, "killed by signal 6 (SIGABRT): a library gave up"),
        ("SIGABRT", "double free", Outcome.FAILED, "a library gave up. Its last words: double free"),
        ("SIGABRT", "what():  std::bad_alloc", Outcome.OUT_OF_MEMORY, "memory ran out, and a library gave up"),
        ("SIGBUS", "", Outcome.FAILED, "(SIGBUS): memory that a file stands for could not be had"),
        ("SIGILL", "", Outcome.FAILED, "(SIGILL): this processor does not have an instruction"),
        ("SIGINT", "", Outcome.FAILED, "(SIGINT): someone outside interrupted it"),
        ("SIGKILL", "", Outcome.FAILED, "killed by signal 9 (SIGKILL): someone outside ended it"),
        ("SIGSEGV", "", Outcome.FAILED, "(SIGSEGV): a library read or wrote memory that is not its own"),
        ("SIGTERM", NO_MEMORY, Outcome.FAILED, "killed by signal 15 (SIGTERM): someone outside asked it to end"),
        ("SIGXCPU", "", Outcome.FAILED, "(SIGXCPU): its processor time ran out"),
        ("SIGUSR1", "", Outcome.FAILED, "(SIGUSR1)"),
    ],
)
def test_the_cause_of_a_death_is_named(action: str, words: str, outcome: Outcome, cause: str) -> None:
    status = 3 << 8 if action == "exit" else signal.Signals[action]
    death = explain(status, before=QUIET, after=QUIET, words=words)
    assert death.outcome is outcome
    assert cause in death.cause


def test_a_real_death_is_read_as_the_table_says() -> None:
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    before = look()
    assert "signal 9 (SIGKILL)" in explain(status, before=before, after=look()).cause


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    death = explain(40)
    assert (death.outcome, death.cause) == (Outcome.FAILED, "its process was killed by signal 40 (a real-time signal)")


@pytest.mark.parametrize(
    ("before", "after", "outcome", "cause"),
    [
        (Scene(group_kills=3), Scene(group_kills=4), Outcome.OUT_OF_MEMORY, "the kernel killed its process because"),
        (Scene(group_kills=3), Scene(group_kills=3), Outcome.FAILED, "someone outside"),
        (
            Scene(group_kills=3, host_kills=5),
            Scene(group_kills=3, host_kills=6),
            Outcome.FAILED,
            "someone outside",  # the kernel killed in another group
        ),
        (Scene(host_kills=5), Scene(host_kills=6), Outcome.OUT_OF_MEMORY, "most likely it was this one"),
        (Scene(host_kills=5), Scene(host_kills=5), Outcome.FAILED, "someone outside"),
        (Scene(), Scene(), Outcome.FAILED, "someone outside"),
    ],
)
def test_a_kill_is_the_kernels_where_its_own_group_counts_one(
    before: Scene, after: Scene, outcome: Outcome, cause: str
) -> None:
    death = explain(signal.SIGKILL, before=before, after=after)
    assert death.outcome is outcome
    assert cause in death.cause


def test_a_bus_error_names_the_file_system_that_is_full() -> None:
    after = Scene(free_bytes={SHARED_MEMORY: 4096, "/cache": 10**9})
    assert explain(signal.SIGBUS, after=after).cause.endswith("(SIGBUS): /dev/shm is full (4 KiB free)")


TOP = "sys/fs/cgroup"

TREES = {
    "no counters at all": ({}, None, None),
    "version 2": (
        {"proc/self/cgroup": "0::/job/step\n", f"{TOP}/job/step/memory.events": "low 0\noom 7\noom_kill 2\n"},
        2,
        None,
    ),
    "version 2, a group above counts for more": (
        {
            "proc/self/cgroup": "0::/job/step\n",
            f"{TOP}/job/step/memory.events": "oom_kill 2\n",
            f"{TOP}/job/memory.events": "oom_kill 8\n",
        },
        2,
        None,
    ),
    "version 2, the memory controller only above": (
        {"proc/self/cgroup": "0::/job/step\n", f"{TOP}/job/memory.events": "oom_kill 8\n"},
        8,
        None,
    ),
    "version 2 at its root, which does not count": (
        {"proc/self/cgroup": "0::/\n", "proc/vmstat": "nr_free_pages 9\noom_kill 5\n"},
        None,
        5,
    ),
    "version 1": (
        {
            "proc/self/cgroup": "4:memory:/job\n",
            f"{TOP}/memory/job/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n",
            "proc/vmstat": "oom_kill 5\n",
        },
        4,
        5,
    ),
    "version 1 before Linux 4.13": (
        {"proc/self/cgroup": "4:memory:/\n", f"{TOP}/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n"},
        None,
        None,
    ),
    "rubbish": ({"proc/self/cgroup": "::\n", "proc/vmstat": "oom_kill many\n"}, None, None),
}


@pytest.mark.parametrize(("files", "group", "host"), TREES.values(), ids=TREES)
def test_the_kernels_kills_are_counted_in_our_own_group(
    tmp_path: Path, files: dict[str, str], group: int | None, host: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    scene = look(root=tmp_path)
    assert (scene.group_kills, scene.host_kills) == (group, host)


def test_free_space_is_told_of_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "dev/shm").mkdir(parents=True)
    assert set(look([str(tmp_path), "/no/such/folder"], root=tmp_path).free_bytes) == {SHARED_MEMORY, str(tmp_path)}


def test_last_words_are_the_last_line_since_the_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("of an earlier trial\n")
    length = log.stat().st_size
    assert last_words(log, length) == ""
    log.write_text("of an earlier trial\nfirst\nlast of this one\n\n")
    assert last_words(log, length) == "last of this one"
    assert last_words(tmp_path / "none", 0) == ""
