"""How much memory and how many cores a machine lets us use, and which of its many limits says so."""

from dataclasses import dataclass
from typing import Final

from bench.profile import cgroup
from bench.profile.recording import Recording

MACHINE: Final = "the machine"
"""The origin of a limit that is none: all there is may be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The memory at which we are killed or refused more."""

    limit_bytes: int
    available_bytes: int
    """Free now, within the limit."""
    origin: str
    """What sets the limit: "the machine", "cgroup v2", "Slurm", "ulimit -v"."""
    swap_total_bytes: int | None
    swap_free_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """The cores that threads of ours really get."""

    usable: int
    origin: str
    """What sets it: "the machine", "affinity", "cgroup quota", "Slurm"."""
    quota: float | None
    """Processor seconds in a second; None: no quota."""
    slurm: int | None
    """None: not inside a job, or the job does not say."""


def memory(recording: Recording) -> Memory:
    """The tightest of all limits on memory."""
    host, groups = recording.host, cgroup.limits(recording.files)
    limits = {
        MACHINE: host.memory_total_bytes,
        f"cgroup v{groups.memory_version}": groups.memory_bytes,
        "Slurm": _slurm_memory(recording),
        "ulimit -v": host.address_space_bytes,
        "ulimit -d": host.data_segment_bytes,
    }
    limit, origin = _tightest(limits)
    left = host.memory_available_bytes if groups.memory_free_bytes is None else groups.memory_free_bytes
    swap_total, swap_free = host.swap_total_bytes, host.swap_free_bytes
    if groups.swap_bytes is not None and swap_total is not None and swap_free is not None:
        swap_total, swap_free = min(swap_total, groups.swap_bytes), min(swap_free, groups.swap_bytes)
    return Memory(
        limit_bytes=int(limit),
        available_bytes=min(host.memory_available_bytes, left, int(limit)),
        origin=origin,
        swap_total_bytes=swap_total,
        swap_free_bytes=swap_free,
    )


def cores(recording: Recording) -> Cores:
    """The tightest of all limits on cores, and at least one core."""
    quota, slurm = cgroup.limits(recording.files).cpus, _slurm_cores(recording)
    limits = {
        MACHINE: recording.host.cores,
        "affinity": recording.host.affinity,
        "cgroup quota": None if quota is None else int(quota),
        "Slurm": slurm,
    }
    usable, origin = _tightest(limits)
    return Cores(usable=max(1, int(usable)), origin=origin, quota=quota, slurm=slurm)


def _tightest(limits: dict[str, int | None]) -> tuple[int, str]:
    """The least, and the first that sets it."""
    known = {origin: limit for origin, limit in limits.items() if limit is not None}
    origin = min(known, key=known.__getitem__)
    return known[origin], origin


def _slurm(recording: Recording, name: str) -> int | None:
    """A number of the job that we are in; "4(x2),3" says 4 for the first node."""
    if "SLURM_JOB_ID" not in recording.variables:
        return None
    digits = recording.variables.get(name, "").partition(",")[0].partition("(")[0]
    # Slurm writes 0 where a job gets all of the node
    return int(digits) if digits.isdecimal() and int(digits) else None


def _slurm_cores(recording: Recording) -> int | None:
    """Of our task where the job says so, else of the job on this node."""
    names = ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE", "SLURM_JOB_CPUS_PER_NODE")
    return next((count for name in names if (count := _slurm(recording, name))), None)


def _slurm_memory(recording: Recording) -> int | None:
    whole = _slurm(recording, "SLURM_MEM_PER_NODE")
    each, count = _slurm(recording, "SLURM_MEM_PER_CPU"), _slurm(recording, "SLURM_CPUS_ON_NODE")
    mebibytes = whole or (each * count if each and count else None)
    return mebibytes and mebibytes * 1024**2
