"""What this machine has and will let us use. Unknown values are None, never zero."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One accelerator as NVML tells of it."""

    index: int
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
        raise NotImplementedError
