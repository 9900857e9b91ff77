"""Limits that the Linux kernel holds this process to: control groups, version 1 and 2. Elsewhere there are none.

Everything is read from texts of files, named without the leading slash, so that a recorded machine answers as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

MEMBERSHIP: Final = "proc/self/cgroup"
"""Says which groups this process is in."""

MOUNT: Final = "sys/fs/cgroup"

_FILES: Final = {
    "memory": (
        *("memory.max", "memory.current", "memory.stat", "memory.swap.max"),
        *("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.memsw.limit_in_bytes"),
    ),
    "cpu": ("cpu.max", "cpu.stat", "cpu.cfs_quota_us", "cpu.cfs_period_us"),
}
"""What is read of a group, for each controller; a version has only some."""

_UNLIMITED: Final = 1 << 60
"""Version 1 writes "no limit" as a number beyond any memory."""

Files = Mapping[str, str]
"""Texts by path; what is not there, or may not be read, is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The tightest of our group and all groups above it; None: no limit."""

    memory_bytes: int | None = None
    memory_free_bytes: int | None = None
    """Left below the limit; files that the kernel can drop from memory count as left."""
    memory_version: int | None = None
    """Version of the control group that sets the limit."""
    swap_bytes: int | None = None
    cpus: float | None = None
    """Processor seconds in a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttling:
    """How often the quota has stopped our groups since they were made."""

    periods: int
    throttled: int


def paths(membership: str) -> Iterator[str]:
    """The files that decide, whether they exist or not.

    Args:
        membership: the text of `MEMBERSHIP`.
    """
    for controller, names in _FILES.items():
        for folder in groups(membership, controller):
            for name in names:
                yield f"{folder}/{name}"


def limits(files: Files) -> Limits:
    """What the kernel allows this process."""
    membership = files.get(MEMBERSHIP, "")
    memory: dict[int, int | None] = {}
    free, swap = [], []
    for folder in groups(membership, "memory"):
        version, limit = _memory_limit(files, folder)
        if limit is not None:
            memory.setdefault(limit, version)
            free.append(max(0, limit - _memory_held(files, folder)))
        swap.append(_swap_limit(files, folder, limit))
    quotas = [_cpu_quota(files, folder) for folder in groups(membership, "cpu")]
    tightest = min(memory, default=None)
    return Limits(
        memory_bytes=tightest,
        memory_free_bytes=min(free, default=None),
        memory_version=None if tightest is None else memory[tightest],
        swap_bytes=min((limit for limit in swap if limit is not None), default=None),
        cpus=min((quota for quota in quotas if quota is not None), default=None),
    )


def throttling(files: Files) -> Throttling | None:
    """What the quota has done so far; None when no group of ours counts it."""
    found = []
    for folder in groups(files.get(MEMBERSHIP, ""), "cpu"):
        counts = _table(files.get(f"{folder}/cpu.stat", ""))
        periods, throttled = _number(counts.get("nr_periods", "")), _number(counts.get("nr_throttled", ""))
        if periods is not None and throttled is not None:
            found.append(Throttling(periods=periods, throttled=throttled))
    return max(found, key=lambda one: one.throttled, default=None)


def groups(membership: str, controller: str) -> Iterator[str]:
    """Folders of our group and of those above it, the innermost first, for both versions; not all need exist."""
    for line in membership.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if not controllers:
            top = MOUNT
        elif controller in controllers.split(","):
            top = f"{MOUNT}/{controller}"
        else:
            continue
        # seen from inside a namespace, a group above it starts with ".."
        names = [name for name in group.split("/") if name not in {"", ".."}]
        for depth in range(len(names), -1, -1):
            yield "/".join((top, *names[:depth]))


def _memory_limit(files: Files, folder: str) -> tuple[int | None, int | None]:
    """Version of the group, and its limit."""
    for version, name in ((2, "memory.max"), (1, "memory.limit_in_bytes")):
        text = files.get(f"{folder}/{name}")
        if text:
            limit = _number(text)
            return version, None if limit is None or limit >= _UNLIMITED else limit
    return None, None


def _memory_held(files: Files, folder: str) -> int:
    used = _number(files.get(f"{folder}/memory.current") or files.get(f"{folder}/memory.usage_in_bytes", "")) or 0
    # version 1 has a total that counts the groups below, as version 2 always does
    statistics = _table(files.get(f"{folder}/memory.stat", ""))
    return used - (_number(statistics.get("total_inactive_file") or statistics.get("inactive_file", "")) or 0)


def _swap_limit(files: Files, folder: str, memory_bytes: int | None) -> int | None:
    both = _number(files.get(f"{folder}/memory.memsw.limit_in_bytes", ""))  # version 1 limits memory and swap together
    if both is not None and memory_bytes is not None and both < _UNLIMITED:
        return max(0, both - memory_bytes)
    return _number(files.get(f"{folder}/memory.swap.max", ""))


def _cpu_quota(files: Files, folder: str) -> float | None:
    quota, _, period = files.get(f"{folder}/cpu.max", "").partition(" ")
    if not quota:
        quota = files.get(f"{folder}/cpu.cfs_quota_us", "")
        period = files.get(f"{folder}/cpu.cfs_period_us", "")
    allowed, within = _number(quota), _number(period)
    return allowed / within if allowed and within and allowed > 0 else None


def _table(text: str) -> dict[str, str]:
    """Names and values of a file with one of each on a line."""
    return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)


def _number(text: str) -> int | None:
    """None for "max", nothing, or what is no number."""
    try:
        return int(text)
    except ValueError:
        return None
