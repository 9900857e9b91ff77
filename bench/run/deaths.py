"""The cause of a process's death in words."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from bench.result import Outcome


def oom_kills() -> int:
    """Processes that the kernel has killed for memory so far, in our cgroup where it counts, else on the host."""
    for counter in (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat")):
        try:
            lines = counter.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """How a process that could not say so itself ended."""

    outcome: Outcome
    cause: str


def explain(status: int, *, kernel_killed: bool) -> Death:
    """The death behind a wait status.

    Args:
        status: as `os.waitpid` gives it.
        kernel_killed: whether `oom_kills` rose while the process lived.
    """
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return Death(outcome=Outcome.FAILED, cause=f"its process ended with exit code {code} before it was done")
    name = signal.Signals(-code).name
    if -code == signal.SIGKILL and kernel_killed:
        return Death(
            outcome=Outcome.OUT_OF_MEMORY, cause="the kernel killed its process because memory ran out (SIGKILL)"
        )
    return Death(outcome=Outcome.FAILED, cause=f"its process was killed by signal {-code} ({name})")
