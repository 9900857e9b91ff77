"""How much memory a trial may hold on a CPU, and what keeps it to that without harm to other processes.

Linux kills when memory runs out, and its choice may be the parent or the shell. So a trial puts itself first in the
kernel's order, and limits its own private memory: an allocation that fails is an exception, which can be told.
"""

import logging
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from bench.profile.hardware import HardwareProfile
from bench.units import gib

log = logging.getLogger(__name__)

CONFINES: Final = sys.platform == "linux"
"""Whether a trial can be held to a limit: macOS counts nothing in RLIMIT_DATA that a network's memory comes from."""

RESERVE_BYTES: Final = 256 * 1024**2
RESERVE_SHARE: Final = 0.05

STACK_BYTES: Final = 8 * 1024**2
"""Address space of a thread's stack, of which a trial touches next to nothing."""

_FIRST_TO_KILL: Final = 1000


def headroom(profile: HardwareProfile) -> int:
    """Bytes that a trial's process may hold here: what is free within the limit, less a reserve.

    The reserve, a twentieth of the limit and at least 256 MiB, is for what grows beside the trial: the parent with
    DuckDB (about 100 MiB), the pages of torch and of the data that the kernel must keep at hand, its own tables, and
    other programs. The process that trials are forked from needs none: a trial shares its memory, and it counts in
    what the trial holds.
    """
    reserve = max(RESERVE_BYTES, int(RESERVE_SHARE * profile.memory_limit_bytes))
    return max(0, min(profile.memory_available_bytes, profile.memory_limit_bytes) - reserve)


def confine(limit_bytes: int | None, *, threads: int = 1, maps: str | Path | None = None) -> None:
    """Make this process the first that the kernel kills for memory, and let allocations beyond a limit fail.

    To be called in a forked trial before it allocates. The limit is on private memory, what it shares with the process
    that it was forked from included; files that are only read do not count. It is the soft RLIMIT_DATA, which since
    Linux 4.7 counts private writable mappings by their length: libraries' (about 0.6 GB with torch), arrays mapped
    copy-on-write, and threads' stacks are added to it, since next to nothing of them is ever touched. Measured with
    torch 2.14 at nano size: the exception comes when 94 to 103 % of the limit are held. A limit that the user has set
    (ulimit -d) is never raised. Does nothing where `CONFINES` is false, and says so in the log.

    Args:
        limit_bytes: None: no limit but the system's.
        threads: that will compute.
        maps: folder of the arrays (*.npy) that will be mapped copy-on-write.
    Raises: MemoryError: the process holds as much before it does anything.
    """
    if not CONFINES:
        if limit_bytes is not None:
            log.warning("this system cannot hold a process to %s of memory", gib(limit_bytes))
        return
    with suppress(OSError):  # a sandbox without it kills whom it likes
        Path("/proc/self/oom_score_adj").write_text(str(_FIRST_TO_KILL))
    if limit_bytes is None:
        return
    status = _status()
    if "RssAnon" not in status:
        log.warning("this kernel does not tell what a process holds: no limit of %s is set", gib(limit_bytes))
        return
    held, counted = status["RssAnon"], status["VmData"]
    if held >= limit_bytes:
        raise MemoryError(f"{gib(held)} are held before the first step, and the limit is {gib(limit_bytes)}")
    mapped = sum(array.stat().st_size for array in Path(maps).rglob("*.npy")) if maps else 0
    wanted = limit_bytes + (counted - held) + mapped + threads * STACK_BYTES
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([wanted, *allowed]), hard))


def private_peak_bytes() -> int | None:
    """The most private memory that this process has held, files that it maps not counted; None where it is not told.

    The kernel keeps the peak of all resident memory; files are taken off as they are now. Ask after each step and take
    the largest: what is mapped grows as more pairs are read.
    """
    status = _status() if CONFINES else {}
    return None if "RssFile" not in status else status["VmHWM"] - status["RssFile"] - status["RssShmem"]


def _status() -> dict[str, int]:
    """Bytes by name, of this process."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if words[-1] == "kB"}
