"""Limits that the Linux kernel holds this process to: control groups, version 1 and 2. Elsewhere there are none."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_UNLIMITED: Final = 1 << 60
"""Version 1 writes "no limit" as a number beyond any memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The tightest of our group and all groups above it; None: no limit."""

    memory_bytes: int | None
    memory_free_bytes: int | None
    """Left below the limit; files that the kernel can drop from memory count as left."""
    cpus: float | None
    """Processor seconds in a second."""


def limits(root: Path = Path("/")) -> Limits:
    """What the kernel allows this process.

    Args:
        root: where proc and sys are mounted.
    """
    memory, free, cpus = [], [], []
    for folder in _groups(root, "memory"):
        limit = _memory_limit(folder)
        if limit is not None:
            memory.append(limit)
            free.append(max(0, limit - _memory_held(folder)))
    for folder in _groups(root, "cpu"):
        quota = _cpu_quota(folder)
        if quota is not None:
            cpus.append(quota)
    return Limits(
        memory_bytes=min(memory, default=None),
        memory_free_bytes=min(free, default=None),
        cpus=min(cpus, default=None),
    )


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of our group and of those above it, for both versions; not all of them exist inside a container."""
    mount = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if not controllers:
            top = mount
        elif controller in controllers.split(","):
            top = mount / controller
        else:
            continue
        # seen from inside a namespace, a group above it starts with ".."
        names = [name for name in group.split("/") if name not in {"", ".."}]
        for depth in range(len(names), -1, -1):
            yield top.joinpath(*names[:depth])


def _memory_limit(folder: Path) -> int | None:
    limit = _number(_read(folder / "memory.max") or _read(folder / "memory.limit_in_bytes"))
    return None if limit is None or limit >= _UNLIMITED else limit


def _memory_held(folder: Path) -> int:
    used = _number(_read(folder / "memory.current") or _read(folder / "memory.usage_in_bytes")) or 0
    # version 1 has a total that counts the groups below, as version 2 always does
    statistics = dict(line.split(" ", 1) for line in _read(folder / "memory.stat").splitlines() if " " in line)
    return used - (_number(statistics.get("total_inactive_file") or statistics.get("inactive_file", "")) or 0)


def _cpu_quota(folder: Path) -> float | None:
    quota, _, period = _read(folder / "cpu.max").partition(" ")
    if not quota:
        quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
    allowed, within = _number(quota), _number(period)
    return allowed / within if allowed and within and allowed > 0 else None


def _number(text: str) -> int | None:
    """None for "max", nothing, or what is no number."""
    try:
        return int(text)
    except ValueError:
        return None


def _read(file: Path) -> str:
    """The text; empty when there is no such file, or it may not be read."""
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
