"""What the NVIDIA driver answers, as it answers it. Only reads, and makes no CUDA context that would take memory."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import pynvml


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuProcess:
    """A process that holds a CUDA context on a card."""

    ours: bool
    """Whether this process or one that it started."""
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A GPU, or an instance of one under MIG; None: it does not tell."""

    name: str | None = None
    uuid: str | None = None
    memory_total_bytes: int | None = None
    memory_free_bytes: int | None = None
    compute_capability: tuple[int, int] | None = None
    power_limit_milliwatts: int | None = None
    """What holds now, whoever set it."""
    mig_mode: int | None = None
    """1: on. Then only instances can be computed on."""
    processes: tuple[GpuProcess, ...] | None = None
    """Those that compute, not those that draw."""
    slowdown_bits: int | None = None
    """Why the clock is below its maximum now, as `nvmlDeviceGetCurrentClocksThrottleReasons` packs it."""
    energy_millijoules: int | None = None
    """Used since the driver was loaded."""
    instances: tuple["Card", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """All that the driver says."""

    error: str | None = None
    """Why it says nothing: "" when there is no driver at all, its own words when it fails; None when it answers."""
    driver: str | None = None
    cards: tuple[Card, ...] = ()


def ask() -> Answers:
    """Ask the driver for everything that a profile needs."""
    try:
        with session():
            driver = known(pynvml.nvmlSystemGetDriverVersion)
            ours = tree(os.getpid())
            return Answers(driver=driver, cards=tuple(_card(handle, ours) for handle in handles()))
    except pynvml.NVMLError_LibraryNotFound:
        return Answers(error="")
    except pynvml.NVMLError as error:
        return Answers(error=str(error))


@contextmanager
def session() -> Iterator[None]:
    """Hold the driver's library open.

    Raises: NVMLError: there is no driver, or it does not answer.
    """
    pynvml.nvmlInit()
    try:
        yield
    finally:
        known(pynvml.nvmlShutdown)


def handles() -> list[object]:
    """A handle for each card, in the driver's order; None for one that cannot be opened."""
    count = known(pynvml.nvmlDeviceGetCount) or 0
    return [known(pynvml.nvmlDeviceGetHandleByIndex, number) for number in range(count)]


def instances(handle: object) -> list[object]:
    """A handle for each MIG instance of a card."""
    places = known(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0
    found = (known(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, number) for number in range(places))
    return [instance for instance in found if instance is not None]


def tree(pid: int) -> frozenset[int]:
    """The process and all below it."""
    try:
        return frozenset({pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))})
    except psutil.Error:
        return frozenset({pid})


def known(ask: Callable[..., Any], *given: object) -> Any:  # noqa: ANN401  NVML has no types
    """What NVML answers; None where this card or driver does not."""
    try:
        return ask(*given)
    except pynvml.NVMLError:
        return None


def _card(handle: object, ours: frozenset[int], *, whole: bool = True) -> Card:
    memory = known(pynvml.nvmlDeviceGetMemoryInfo, handle)
    running = known(pynvml.nvmlDeviceGetComputeRunningProcesses, handle)
    mig = known(pynvml.nvmlDeviceGetMigMode, handle) if whole else None
    return Card(
        name=known(pynvml.nvmlDeviceGetName, handle),
        uuid=known(pynvml.nvmlDeviceGetUUID, handle),
        memory_total_bytes=memory and memory.total,
        memory_free_bytes=memory and memory.free,
        compute_capability=known(pynvml.nvmlDeviceGetCudaComputeCapability, handle),
        power_limit_milliwatts=known(pynvml.nvmlDeviceGetEnforcedPowerLimit, handle),
        mig_mode=mig and mig[0],
        processes=None
        if running is None
        else tuple(GpuProcess(ours=one.pid in ours, memory_bytes=one.usedGpuMemory) for one in running),
        slowdown_bits=known(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle),
        energy_millijoules=known(pynvml.nvmlDeviceGetTotalEnergyConsumption, handle),
        instances=tuple(_card(one, ours, whole=False) for one in instances(handle)) if mig and mig[0] else (),
    )
