"""The cause of a process's death in words, from its wait status, the kernel's counters, full disks and its log."""

import os
import re
import shutil
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.profile.cgroup import MEMBERSHIP, groups
from bench.profile.recording import read_files
from bench.result import Outcome
from bench.units import gib

SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108  looked at, never written to

FULL_BYTES: Final = 1024**2
"""A file system with less left counts as full."""

_LAST_WORDS_BYTES: Final = 4096

_COUNTERS: Final = ("memory.events", "memory.oom_control")
"""Where a control group counts the kernel's kills: version 2, version 1."""

_HOST_COUNTER: Final = "proc/vmstat"

_MEMORY_WORDS: Final = re.compile(r"bad_alloc|thread creation failed|memory exhausted|allocate memory", re.IGNORECASE)
"""What libraries say before they end the process because they got no memory, not even for a thread's stack."""

_SIGNALS: Final = {
    "SIGABRT": "a library gave up",
    "SIGBUS": "memory that a file stands for could not be had: the file was cut short, or its disk does not answer",
    "SIGFPE": "a library computed what has no result, as a division by zero",
    "SIGHUP": "its terminal or session was closed",
    "SIGILL": "this processor does not have an instruction that a library uses: it was built for another one",
    "SIGINT": "someone outside interrupted it",
    "SIGKILL": "someone outside ended it: a person, a batch system, or a guard of the memory such as systemd-oomd",
    "SIGSEGV": "a library read or wrote memory that is not its own",
    "SIGTERM": "someone outside asked it to end: a person, a batch system or a shutdown",
    "SIGXCPU": "its processor time ran out (ulimit -t)",
    "SIGXFSZ": "a file grew larger than is allowed (ulimit -f)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """How a process that could not say so itself ended."""

    outcome: Outcome
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What can be seen of the system around a process."""

    group_kills: int | None = None
    """Processes of our control group that the kernel has killed for memory; None: it does not count."""
    host_kills: int | None = None
    """The same of the whole machine."""
    free_bytes: dict[str, int] = field(default_factory=dict)
    """Left in file systems that processes use as memory, by the folder that was asked for."""


def look(folders: Iterable[str] = (), *, root: Path = Path("/")) -> Scene:
    """What is there now.

    Args:
        folders: besides /dev/shm, those whose files a process maps.
        root: where proc, sys and dev are mounted.
    """
    free = {}
    for name, folder in [(SHARED_MEMORY, root / SHARED_MEMORY[1:]), *((name, Path(name)) for name in folders)]:
        try:
            free[name] = shutil.disk_usage(folder).free
        except OSError:
            continue
    return Scene(
        group_kills=_group_kills(root),
        host_kills=_count(read_files([_HOST_COUNTER], root).get(_HOST_COUNTER, "")),
        free_bytes=free,
    )


def explain(status: int, *, before: Scene = Scene(), after: Scene = Scene(), words: str = "") -> Death:
    """The death behind a wait status.

    Args:
        status: as `os.waitpid` gives it.
        before: the scene when the process started.
        after: the scene now.
        words: the last line that it left in its log.
    """
    code = os.waitstatus_to_exitcode(status)
    said = f". Its last words: {words}" if words else ""
    if code >= 0:
        if _MEMORY_WORDS.search(words):
            return Death(outcome=Outcome.OUT_OF_MEMORY, cause=f"memory ran out (exit code {code}){said}")
        return Death(outcome=Outcome.FAILED, cause=f"its process ended with exit code {code} before it was done{said}")
    name = _name(-code)
    if name == "SIGKILL" and _rose(before.group_kills, after.group_kills):
        return Death(
            outcome=Outcome.OUT_OF_MEMORY, cause="the kernel killed its process because memory ran out (SIGKILL)"
        )
    if name == "SIGKILL" and after.group_kills is None and _rose(before.host_kills, after.host_kills):
        return Death(
            outcome=Outcome.OUT_OF_MEMORY,
            cause="its process was killed (SIGKILL) while the kernel killed for memory somewhere on this machine: "
            "most likely it was this one, but its control group does not count such kills",
        )
    if name == "SIGABRT" and _MEMORY_WORDS.search(words):
        return Death(outcome=Outcome.OUT_OF_MEMORY, cause=f"memory ran out, and a library gave up (SIGABRT){said}")
    meaning = _full(after) if name == "SIGBUS" and _full(after) else _SIGNALS.get(name, "")
    told = ": ".join(part for part in (f"its process was killed by signal {-code} ({name})", meaning) if part)
    return Death(outcome=Outcome.FAILED, cause=told + (said if name in {"SIGABRT", "SIGSEGV"} else ""))


def last_words(log_file: Path, since_bytes: int) -> str:
    """The last line of a log that is not empty; empty when nothing was added.

    Args:
        log_file: what the process wrote to.
        since_bytes: the log's length when the process started.
    """
    try:
        with log_file.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(since_bytes, end - _LAST_WORDS_BYTES))
            lines = log.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _group_kills(root: Path) -> int | None:
    """Of the innermost group that counts: the kernel adds a kill to the group of the killed, whoever ran out."""
    membership = read_files([MEMBERSHIP], root).get(MEMBERSHIP, "")
    paths = [f"{folder}/{counter}" for folder in groups(membership, "memory") for counter in _COUNTERS]
    texts = read_files(paths, root)
    counts = (_count(texts[path]) for path in paths if path in texts)
    return next((count for count in counts if count is not None), None)


def _count(text: str) -> int | None:
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill" and value.isdecimal():
            return int(value)
    return None


def _rose(before: int | None, after: int | None) -> bool:
    return before is not None and after is not None and after > before


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "a real-time signal"


def _full(scene: Scene) -> str:
    """Which file systems are full, in words; empty when none is."""
    full = [f"{name} is full ({gib(free)} free)" for name, free in scene.free_bytes.items() if free < FULL_BYTES]
    return " and ".join(full)
