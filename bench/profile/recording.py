"""What a machine answers when it is asked, before anything is made of it: a record that can be kept and read again.

The same code reads a machine that is here and one that was recorded elsewhere.
"""

import os
import platform
import re
import resource
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

import msgspec
import psutil
from platformdirs import user_cache_path

from bench.errors import DataError
from bench.profile import cgroup
from bench.profile.nvml import Answers, ask

FORMAT: Final = 1
"""Goes up when a recording says something else with the same words."""

CPUINFO: Final = "proc/cpuinfo"

VARIABLES: Final = (
    *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"),
    *("SLURM_JOB_ID", "SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE", "SLURM_JOB_CPUS_PER_NODE"),
    *("SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU"),
    *("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS"),
    *("LANG", "LC_ALL", "LC_CTYPE", "TERM", "COLORTERM", "COLUMNS", "NO_COLOR"),
)
"""The environment variables that are looked at; no other is ever recorded."""

PACKAGES: Final = ("csmae-advisor", "torch", "timm", "faiss-cpu", "numpy", "scipy", "duckdb", "nvidia-ml-py", "textual")
"""Packages whose version is recorded."""

_KEPT: Final = {
    "cpuinfo": ("model name", "flags", "Features"),
    "memory.stat": ("inactive_file", "total_inactive_file"),
}
"""Of long files, by their name: the lines that are kept."""

_FIRST_PID_NAMESPACE: Final = "pid:[4026531836]"
"""Of the host: the kernel gives it this number (PROC_PID_INIT_INO), and containers another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Room in a file system."""

    total_bytes: int
    free_bytes: int
    """For us, not for the administrator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the operating system says."""

    platform: str
    """As "Linux x86_64"."""
    cores: int
    memory_total_bytes: int
    memory_available_bytes: int
    processor: str | None = None
    affinity: int | None = None
    """Cores that this process may be scheduled on."""
    swap_total_bytes: int | None = None
    swap_free_bytes: int | None = None
    address_space_bytes: int | None = None
    """`ulimit -v`; None: no limit."""
    data_segment_bytes: int | None = None
    """`ulimit -d`; None: no limit."""
    sees_all_processes: bool | None = None
    """False inside a container, where other processes have no number that we could know."""
    spaces: dict[str, Space] = field(default_factory=dict)
    """Of the working folder ("work"), the cache folder ("cache") and /dev/shm ("shm"), without their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A machine's answers."""

    format: int
    host: Host
    made_up: bool = False
    """Written by hand: no such machine answered."""
    about: str = ""
    """What a made-up machine is an example of."""
    recorded_at: str = ""
    files: dict[str, str] = field(default_factory=dict)
    """Texts by path without the leading slash."""
    variables: dict[str, str] = field(default_factory=dict)
    nvml: Answers = field(default_factory=lambda: Answers(error=""))
    versions: dict[str, str] = field(default_factory=dict)


def record(root: Path = Path("/")) -> Recording:
    """Ask this machine. The answers name groups, devices and jobs: `scrub.scrubbed` takes those out.

    Args:
        root: where proc, sys and dev are mounted.
    """
    return Recording(
        format=FORMAT,
        host=_host(root),
        recorded_at=datetime.now(UTC).isoformat(timespec="seconds"),
        files=_files(root),
        variables={name: os.environ[name] for name in VARIABLES if name in os.environ},
        nvml=ask(),
        versions={"python": platform.python_version(), **versions(PACKAGES)},
    )


def load(path: Path) -> Recording:
    """Read a recording.

    Raises: DataError: there is no such file, it is no recording, or it is of a newer tool.
    """
    try:
        recording = msgspec.json.decode(path.read_bytes(), type=Recording)
    except OSError as error:
        raise DataError(f"the recording {path} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} is no recording of a machine: {error}. `csmae-bench doctor -o FILE` writes one"
        ) from error
    if recording.format != FORMAT:
        raise DataError(f"{path} is a recording of format {recording.format}; this version reads format {FORMAT}")
    return recording


def dump(recording: Recording) -> str:
    """The recording as JSON, without what is unknown anyway."""
    return msgspec.json.format(msgspec.json.encode(_filled(msgspec.to_builtins(recording))), indent=2).decode()


def read_files(paths: Iterable[str], root: Path = Path("/")) -> Mapping[str, str]:
    """The texts of these files, stripped; those that cannot be read are left out."""
    found = {}
    for path in paths:
        try:
            found[path] = (root / path).read_text().strip()
        except (OSError, UnicodeDecodeError):
            continue
    return found


def _files(root: Path) -> dict[str, str]:
    own = read_files([CPUINFO, cgroup.MEMBERSHIP], root)
    groups = read_files(cgroup.paths(own.get(cgroup.MEMBERSHIP, "")), root)
    return {path: _excerpt(text, path.rpartition("/")[2]) for path, text in {**own, **groups}.items()}


def _excerpt(text: str, name: str) -> str:
    """The first of each line that matters: a processor's description repeats itself for every core."""
    if name not in _KEPT:
        return text
    kept: dict[str, str] = {}
    for line in text.splitlines():
        key = next((key for key in _KEPT[name] if re.match(rf"{key}\s*[: ]", line)), None)
        if key:
            kept.setdefault(key, line)
    return "\n".join(kept.values())


def _host(root: Path) -> Host:
    memory = psutil.virtual_memory()
    with warnings.catch_warnings(action="ignore"):  # psutil warns where /proc/vmstat is hidden
        swap = psutil.swap_memory()
    return Host(
        platform=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count() or 1,
        memory_total_bytes=memory.total,
        memory_available_bytes=memory.available,
        processor=platform.processor() or None,
        affinity=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        swap_total_bytes=swap.total,
        swap_free_bytes=swap.free,
        address_space_bytes=_ulimit(resource.RLIMIT_AS),
        data_segment_bytes=_ulimit(resource.RLIMIT_DATA),
        sees_all_processes=sees_all_processes(root),
        spaces=_spaces({"work": Path.cwd(), "cache": user_cache_path("csmae-advisor"), "shm": root / "dev/shm"}),
    )


def _ulimit(kind: int) -> int | None:
    soft, _ = resource.getrlimit(kind)
    return None if soft == resource.RLIM_INFINITY else soft


def sees_all_processes(root: Path = Path("/")) -> bool | None:
    """Whether process numbers are those of the host; None where that cannot be told."""
    try:
        return str((root / "proc/self/ns/pid").readlink()) == _FIRST_PID_NAMESPACE
    except OSError:
        return None


def _spaces(folders: Mapping[str, Path]) -> dict[str, Space]:
    found = {}
    for name, folder in folders.items():
        there = folder if name == "shm" else next(one for one in (folder, *folder.parents) if one.exists())
        try:
            usage = psutil.disk_usage(str(there))
        except OSError:
            continue
        found[name] = Space(total_bytes=usage.total, free_bytes=usage.free)
    return found


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Installed versions, read without importing anything; a package that is not installed is left out."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _filled(value: object) -> object:
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items() if item is not None}
    return [_filled(item) for item in value] if isinstance(value, list | tuple) else value
