"""Who conducts a run, and whether that process still lives."""

import hashlib
import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import psutil

GRACE: Final = timedelta(minutes=15)
"""Silence after which a process that cannot be asked for counts as ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process, told from every other that this store may meet. It names no machine: hosts are hashes."""

    host: str
    """Short hash of the machine, its name and the namespace of its process ids: two containers are two hosts."""
    boot: str
    """Short hash of the kernel's id of this boot; empty where it has none."""
    pid: int
    began: str | None
    """Start of the process as the kernel counts it; None where it does not tell."""


def this_process() -> Holder:
    """The process that asks."""
    boot = _read("/proc/sys/kernel/random/boot_id")
    # without a machine id, containers of one image look alike wherever they run; a boot tells their machines apart
    machine = _read("/etc/machine-id") or boot
    return Holder(
        host=_short(machine, platform.node(), _namespace()),
        boot=_short(boot) if boot else "",
        pid=os.getpid(),
        began=_began(os.getpid()),
    )


def has_ended(holder: Holder | None, *, heard_at: datetime, now: datetime) -> bool:
    """Whether the process is gone. One that can be asked for here is never taken for gone, however long it is silent.

    Args:
        holder: None: of a version that did not note it.
        heard_at: its last heartbeat.
    """
    here = this_process()
    if holder and holder.host == here.host:
        if holder.boot != here.boot:
            return True
        lives = _lives(holder)
        if lives is not None:
            return not lives
    return now - heard_at > GRACE


def _lives(holder: Holder) -> bool | None:
    """Whether a process of this host runs; None when the system does not tell."""
    try:
        with suppress(PermissionError):  # there is one, of another user
            os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    began = _began(holder.pid)
    return None if began is None or holder.began is None else began == holder.began


_DEAD: Final = ("Z", "X")
"""States of a process that has ended and whose parent has not asked how."""


def _began(pid: int) -> str | None:
    """When a process began; empty when it has ended but for its entry, None when the system does not tell.

    psutil's start time on Linux is not used: it moves whenever the clock is set.
    """
    with suppress(OSError):
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()  # a name may hold blanks
        return "" if state in _DEAD else fields[18]
    if not Path("/proc/self/stat").exists():  # no Linux
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            return "" if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    return None


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _short(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
