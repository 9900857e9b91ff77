"""What this machine has and will let us use. Unknown values are None, never zero."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.profile import allowed
from bench.profile.gpu import Gpu, visible_gpus
from bench.profile.recording import CPUINFO, Recording, Space, record

__all__ = ["Gpu", "HardwareProfile", "probe", "profile"]

INSTRUCTION_SETS: Final = {
    "avx2": "",
    "avx512f": "",
    "avx512_bf16": "bf16",
    "avx512_fp16": "fp16",
    "amx_bf16": "bf16",
    "amx_fp16": "fp16",
    "asimd": "",
    "asimdhp": "fp16",
    "sve": "",
    "bf16": "bf16",
}
"""Flags of /proc/cpuinfo that decide how fast matrix products are, and the arithmetic that each brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareProfile:
    """One machine."""

    cpu_name: str | None
    cores_total: int
    """Logical cores of the host."""
    cores_usable: int
    """Under affinity, cgroup quota and Slurm: what a trial's threads get."""
    memory_total_bytes: int
    """Of the host."""
    memory_limit_bytes: int
    """Where we are killed or refused more: the tightest limit, or the host's memory without one."""
    memory_available_bytes: int
    """Free now, within the limit."""
    gpus: tuple[Gpu, ...]
    gpu_note: str
    """Why there is no GPU in the list ("no NVIDIA driver"); empty when there is one."""
    platform: str
    """As "Linux x86_64"."""
    cores_origin: str = ""
    """What sets `cores_usable`: "the machine", "affinity", "cgroup quota", "Slurm"; empty: not recorded."""
    affinity_cores: int | None = None
    cpu_quota_cores: float | None = None
    """Processor seconds in a second that the cgroup allows; None: no quota."""
    slurm_cores: int | None = None
    """None outside a job."""
    instruction_sets: tuple[str, ...] | None = None
    """Those of `INSTRUCTION_SETS` that the processor has."""
    memory_origin: str = ""
    """What sets `memory_limit_bytes`: "the machine", "cgroup v2", "Slurm", "ulimit -v"; empty: not recorded."""
    swap_total_bytes: int | None = None
    """That we may use."""
    swap_free_bytes: int | None = None
    work_disk: Space | None = None
    """Where the working folder lies."""
    cache_disk: Space | None = None
    """Where the cache folder lies."""
    shared_memory: Space | None = None
    """The file system in memory that processes share (/dev/shm)."""
    simulated: str = ""
    """What this is simulated from; empty: the machine is real and here."""

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

    @property
    def cpu_precisions(self) -> tuple[str, ...] | None:
        """Arithmetic below float32 that the processor has units for; None: unknown."""
        if self.instruction_sets is None:
            return None
        return tuple(sorted({INSTRUCTION_SETS[name] for name in self.instruction_sets} - {""}))


def probe(root: Path = Path("/")) -> HardwareProfile:
    """Look at this machine, from outside: no CUDA context is made.

    Args:
        root: where proc, sys and dev are mounted.
    """
    return profile(record(root))


def profile(recording: Recording) -> HardwareProfile:
    """What a machine's answers come to."""
    host, cores, memory = recording.host, allowed.cores(recording), allowed.memory(recording)
    gpus, note = visible_gpus(
        recording.nvml,
        recording.variables.get("CUDA_VISIBLE_DEVICES"),
        sees_all_processes=host.sees_all_processes,
    )
    processor = _processor(recording)
    return HardwareProfile(
        cpu_name=processor.get("model name") or host.processor,
        cores_total=host.cores,
        cores_usable=cores.usable,
        memory_total_bytes=host.memory_total_bytes,
        memory_limit_bytes=memory.limit_bytes,
        memory_available_bytes=memory.available_bytes,
        gpus=gpus,
        gpu_note=note,
        platform=host.platform,
        cores_origin=cores.origin,
        affinity_cores=host.affinity,
        cpu_quota_cores=cores.quota,
        slurm_cores=cores.slurm,
        instruction_sets=_instruction_sets(processor),
        memory_origin=memory.origin,
        swap_total_bytes=memory.swap_total_bytes,
        swap_free_bytes=memory.swap_free_bytes,
        work_disk=host.spaces.get("work"),
        cache_disk=host.spaces.get("cache"),
        shared_memory=host.spaces.get("shm"),
    )


def _processor(recording: Recording) -> dict[str, str]:
    """The lines of the first core's description."""
    pairs = (line.partition(":") for line in recording.files.get(CPUINFO, "").splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _instruction_sets(processor: dict[str, str]) -> tuple[str, ...] | None:
    flags = processor.get("flags") or processor.get("Features")
    return None if flags is None else tuple(name for name in INSTRUCTION_SETS if name in flags.split())
