"""Whether a machine has what a run needs, each thing by itself and in words that name no folder."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

from platformdirs import user_cache_path

from bench.errors import BenchError
from bench.profile import allowed
from bench.profile.aside import run_aside
from bench.profile.hardware import profile
from bench.profile.provenance import without_home
from bench.profile.recording import Recording, Space
from bench.units import duration, gib

LEAST_SHARED_BYTES: Final = 32 << 20
"""Libraries keep locks and small buffers there; containers often give 64 MiB in all."""

LEAST_CACHE_BYTES: Final = 1 << 30
"""A few thousand decoded pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    met: bool | None
    """None: good to know, neither good nor bad."""
    words: str


def checks(recording: Recording, store: Path) -> Iterator[Check]:
    """Look at what a run needs; the last check starts the process that trains, which takes seconds.

    Args:
        recording: of this machine, now.
        store: the file of results, whether it is there yet or not.
    """
    yield _writable("store", store.absolute().parent, "results")
    yield _writable("cache folder", _nearest(user_cache_path("csmae-advisor")), "decoded pairs")
    yield _room("cache disk", recording.host.spaces.get("cache"), LEAST_CACHE_BYTES)
    yield _room("shared memory", recording.host.spaces.get("shm"), LEAST_SHARED_BYTES)
    yield _memory(recording)
    yield _swap(recording)
    yield _driver(recording)
    yield _training_process()


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it in which it would be made."""
    return next(one for one in (folder, *folder.absolute().parents) if one.exists())


def _writable(name: str, folder: Path, what: str) -> Check:
    """Write a file without a name."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"here")
    except OSError as error:
        return Check(name=name, met=False, words=f"{what} cannot be written there: {error.strerror}")
    return Check(name=name, met=True, words=f"{what} can be written there")


def _room(name: str, space: Space | None, least_bytes: int) -> Check:
    if space is None:
        return Check(name=name, met=None, words="there is none, or it does not say how large it is")
    words = f"{gib(space.free_bytes)} free of {gib(space.total_bytes)}"
    if space.free_bytes >= least_bytes:
        return Check(name=name, met=True, words=words)
    return Check(name=name, met=False, words=f"{words}; {gib(least_bytes)} should be free")


def _memory(recording: Recording) -> Check:
    memory = allowed.memory(recording)
    words = f"{gib(memory.available_bytes)} free of {gib(memory.limit_bytes)}, set by {memory.origin}"
    return Check(name="memory", met=None, words=words)


def _swap(recording: Recording) -> Check:
    total = allowed.memory(recording).swap_total_bytes
    if total is None:
        words = "unknown"
    elif total:
        words = f"on, {gib(total)}: what does not fit becomes slow before it is killed, and times mislead"
    else:
        words = "off: what does not fit into memory is killed at once"
    return Check(name="swap", met=None, words=words)


def _driver(recording: Recording) -> Check:
    """Not met where a driver is installed that gives no GPU."""
    machine = profile(recording)
    if machine.gpus:
        names = ", ".join(gpu.name for gpu in machine.gpus)
        return Check(name="NVIDIA driver", met=True, words=f"answers: {names}")
    if recording.nvml.error == "":
        return Check(name="NVIDIA driver", met=None, words="there is none: trials run on the processor")
    return Check(name="NVIDIA driver", met=False, words=machine.gpu_note)


def _training_process() -> Check:
    start = perf_counter()
    try:
        run_aside("bench.run.child")  # without a job it ends as soon as everything is imported
    except BenchError as error:
        return Check(name="training process", met=False, words=f"does not start: {without_home(str(error))}")
    return Check(name="training process", met=True, words=f"starts in {duration(perf_counter() - start)}")
