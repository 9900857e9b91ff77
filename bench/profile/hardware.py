"""What this machine has and will let us use. Unknown values are None, never zero."""

import hashlib
import json
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pynvml

from bench.profile.cgroup import limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One accelerator as NVML tells of it."""

    index: int
    """As torch counts: "cuda:0" is 0."""
    name: str
    memory_total_bytes: int | None
    memory_free_bytes: int | None
    """Free now: other processes count."""
    compute_capability: str | None
    """As "9.0"."""
    driver: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareProfile:
    """One machine."""

    cpu_name: str | None
    cores_total: int
    """Logical cores of the host."""
    cores_usable: int
    """Under affinity and cgroup quota: what a trial's threads get."""
    memory_total_bytes: int
    """Of the host."""
    memory_limit_bytes: int
    """Where the kernel kills us: the cgroup limit, or the host's memory without one."""
    memory_available_bytes: int
    """Free now, within the limit."""
    gpus: tuple[Gpu, ...]
    gpu_note: str
    """Why there is no GPU in the list ("no NVIDIA driver"); empty when there is one."""
    platform: str
    """As "Linux x86_64"."""

    @property
    def id(self) -> str:
        """A short hash of what does not change between runs; equal machines share it."""
        stable = (
            self.platform,
            self.cpu_name,
            self.cores_usable,
            round(self.memory_limit_bytes / 1024**3),  # kernels differ in what they keep for themselves
            [(gpu.name, gpu.memory_total_bytes) for gpu in self.gpus],
        )
        return hashlib.sha256(json.dumps(stable).encode()).hexdigest()[:12]


def probe(root: Path = Path("/")) -> HardwareProfile:
    """Look at this machine, from outside: no CUDA context is made.

    Args:
        root: where proc and sys are mounted.
    """
    memory = psutil.virtual_memory()
    allowed = limits(root)
    cores = os.cpu_count() or 1
    usable = min(_affinity() or cores, int(allowed.cpus or cores))
    gpus, note = _gpus(os.environ)
    return HardwareProfile(
        cpu_name=_cpu_name(root),
        cores_total=cores,
        cores_usable=max(1, usable),
        memory_total_bytes=memory.total,
        memory_limit_bytes=min(memory.total, _or(allowed.memory_bytes, memory.total)),
        memory_available_bytes=min(memory.available, _or(allowed.memory_free_bytes, memory.available)),
        gpus=gpus,
        gpu_note=note,
        platform=f"{platform.system()} {platform.machine()}",
    )


def _or(limit: int | None, otherwise: int) -> int:
    return otherwise if limit is None else limit


def _affinity() -> int | None:
    """Cores that this process may be scheduled on, where the system has such a thing."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _cpu_name(root: Path) -> str | None:
    try:
        lines = (root / "proc/cpuinfo").read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or None


def _gpus(environment: Mapping[str, str]) -> tuple[tuple[Gpu, ...], str]:
    """The GPUs that torch will see, in its order, or why there are none."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError_LibraryNotFound:
        return (), "no NVIDIA driver"
    except pynvml.NVMLError as error:
        return (), f"the NVIDIA driver does not answer: {error}"
    count = _known(pynvml.nvmlDeviceGetCount) or 0
    handles = [_known(pynvml.nvmlDeviceGetHandleByIndex, number) for number in range(count)]
    chosen = environment.get("CUDA_VISIBLE_DEVICES")
    shown = handles if chosen is None else _visible(handles, chosen)
    gpus = tuple(_gpu(index, handle) for index, handle in enumerate(shown))
    _known(pynvml.nvmlShutdown)
    if gpus:
        return gpus, ""
    if handles:
        return (), f"CUDA_VISIBLE_DEVICES={chosen} names none of the GPUs ({len(handles)})"
    return (), "the NVIDIA driver finds no GPU"


def _visible(handles: list[object], chosen: str) -> list[object]:
    """The GPUs named by number or by the start of their UUID; CUDA stops reading at the first name it does not know."""
    uuids = [str(_known(pynvml.nvmlDeviceGetUUID, handle)) for handle in handles]
    shown = []
    for word in map(str.strip, chosen.split(",")):
        numbers = [number for number, uuid in enumerate(uuids) if word == str(number) or _names(word, uuid)]
        if len(numbers) != 1:
            break
        shown.append(handles[numbers[0]])
    return shown


def _names(word: str, uuid: str) -> bool:
    return word.startswith("GPU-") and uuid.startswith(word)


def _gpu(index: int, handle: object) -> Gpu:
    memory = _known(pynvml.nvmlDeviceGetMemoryInfo, handle)
    capability = _known(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    return Gpu(
        index=index,
        name=_known(pynvml.nvmlDeviceGetName, handle) or "unknown GPU",
        memory_total_bytes=memory and memory.total,
        memory_free_bytes=memory and memory.free,
        compute_capability=capability and f"{capability[0]}.{capability[1]}",
        driver=_known(pynvml.nvmlSystemGetDriverVersion),
    )


def _known(ask: Callable[..., Any], *given: object) -> Any:  # noqa: ANN401  NVML has no types
    """What NVML answers; None where this card or driver does not."""
    try:
        return ask(*given)
    except pynvml.NVMLError:
        return None
