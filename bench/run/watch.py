"""The parent's look at what else went on while a trial ran, and at the energy it took.

It reads counters once before and once after, so that watching disturbs nothing, and it makes no CUDA context.
"""

import logging
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import psutil
import pynvml

from bench.profile import cgroup, nvml
from bench.profile.gpu import Place, slowdown_words, visible
from bench.profile.recording import read_files, sees_all_processes

log = logging.getLogger(__name__)

SHORTEST_SECONDS: Final = 1.0
"""Processor time is counted in ticks of a hundredth of a second: nothing is said of less than this."""

DISTURBING_CORES: Final = 0.25
DISTURBING_SHARE: Final = 0.05
"""Others are told of when they use more than both: so many cores, and such a share of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What was seen."""

    energy_joules: float | None = None
    """Of the whole GPU; None on a CPU, on a MIG instance, and where it is not counted."""
    foreign_processes: int | None = None
    """Processes that are not ours and computed on the GPU at the start or at the end; None: nobody can tell."""
    marks: tuple[str, ...] = ()
    """What disturbed the trial, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cpu:
    at: float
    cores: int
    busy_seconds: float
    """Of all processes, on the cores that are ours."""
    stolen_seconds: float
    """That other virtual machines took of them."""
    own_seconds: float
    """Of this process and all that it ever started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gpu:
    energy_millijoules: int | None
    foreign: frozenset[int] | None
    slowdown_bits: int


class Watch:
    """Call `start` before a trial and `finish` after it, or just before its end. Neither raises."""

    def __init__(self, device: str, pid: int | None = None) -> None:
        """Watch a device.

        Args:
            device: as torch writes it: "cpu" or "cuda:1", counted under CUDA_DEVICE_ORDER=PCI_BUS_ID.
            pid: the process that trials are forked from, where it was not started by this one. A trial that is gone
                is counted with the process that waited for it.
        """
        self._index = int(device.partition(":")[2] or 0) if device.startswith("cuda") else None
        self._pids = tuple({os.getpid(), *([] if pid is None else [pid])})
        self._driver = ExitStack()
        self._handle: object = None
        self._cpu: _Cpu | None = None
        self._gpu: _Gpu | None = None
        self._quota: cgroup.Throttling | None = None

    def start(self) -> None:
        """Read the counters."""
        try:
            self._quota = _quota()
            if self._index is None:
                self._cpu = _look_at_cpu(self._pids)
            else:
                # held open until the end: the counter of a driver that nobody uses may start again
                self._driver.enter_context(nvml.session())
                self._handle = _handle(self._index, os.environ)
                if self._handle is not None:
                    self._gpu = _look_at_gpu(self._handle, self._pids)
        except Exception as error:  # noqa: BLE001  whatever it is, the trial goes on unwatched
            log.info("the machine cannot be watched: %r", error)

    def finish(self) -> Watched:
        """Read them again and say what happened between."""
        try:
            marks = _quota_marks(self._quota, _quota())
            if self._cpu is not None:
                return Watched(marks=(*_cpu_marks(self._cpu, _look_at_cpu(self._pids)), *marks))
            if self._gpu is None:
                return Watched(marks=marks)
            seen = _gpu_seen(self._gpu, _look_at_gpu(self._handle, self._pids))
            return Watched(
                energy_joules=seen.energy_joules,
                foreign_processes=seen.foreign_processes,
                marks=(*seen.marks, *marks),
            )
        except Exception as error:  # noqa: BLE001  whatever it is, the trial is over and counts
            log.info("the machine could not be watched to the end: %r", error)
            return Watched()
        finally:
            self._driver.close()


_BUSY: Final = ("user", "nice", "system", "irq", "softirq")
"""Kinds of processor time that somebody used; that of guests is counted in the first already."""


def _look_at_cpu(pids: tuple[int, ...]) -> _Cpu:
    every = psutil.cpu_times(percpu=True)
    ours = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(every))
    times = [every[core] for core in ours if core < len(every)]
    return _Cpu(
        at=monotonic(),
        cores=len(times),
        busy_seconds=sum(sum(getattr(one, kind, 0.0) for kind in _BUSY) for one in times),
        stolen_seconds=sum(getattr(one, "steal", 0.0) for one in times),
        own_seconds=_own_seconds(pids),
    )


def _own_seconds(pids: tuple[int, ...]) -> float:
    """Of these processes and all below them, those that have ended among them; each counted once."""
    members: dict[int, psutil.Process] = {}
    for pid in pids:
        for number in nvml.tree(pid):
            try:
                members[number] = psutil.Process(number)
            except psutil.Error:
                continue
    total = 0.0
    for process in members.values():
        try:
            total += sum(process.cpu_times()[:4])  # own and of children that were waited for
        except psutil.Error:
            continue
    return total


def _cpu_marks(before: _Cpu, after: _Cpu) -> tuple[str, ...]:
    seconds = after.at - before.at
    if seconds < SHORTEST_SECONDS:
        return ()
    own = after.own_seconds - before.own_seconds
    used = {
        "other processes": after.busy_seconds - before.busy_seconds - own,
        "other virtual machines": after.stolen_seconds - before.stolen_seconds,
    }
    least = max(DISTURBING_CORES, DISTURBING_SHARE * after.cores)
    return tuple(
        f"{who} used {taken / seconds:.1f} of {after.cores} cores meanwhile"
        for who, taken in used.items()
        if taken / seconds > least
    )


def _quota() -> cgroup.Throttling | None:
    membership = read_files([cgroup.MEMBERSHIP])
    return cgroup.throttling({**membership, **read_files(cgroup.paths(membership.get(cgroup.MEMBERSHIP, "")))})


def _quota_marks(before: cgroup.Throttling | None, after: cgroup.Throttling | None) -> tuple[str, ...]:
    if before is None or after is None or after.throttled <= before.throttled:
        return ()
    stopped, periods = after.throttled - before.throttled, after.periods - before.periods
    return (f"the cgroup's processor quota stopped it in {stopped} of {periods} periods",)


def _handle(index: int, environment: Mapping[str, str]) -> Any:  # noqa: ANN401  NVML has no types
    """The driver's handle of what torch calls "cuda:<index>"; None where there is no such thing."""
    cards = nvml.ask().cards
    places = visible(cards, environment.get("CUDA_VISIBLE_DEVICES"))
    return None if index >= len(places) else _opened(places[index])


def _opened(place: Place) -> Any:  # noqa: ANN401  the same
    number, instance = place
    handle = nvml.handles()[number]
    return handle if instance is None else nvml.instances(handle)[instance]


def _look_at_gpu(handle: object, pids: tuple[int, ...]) -> _Gpu:
    return _Gpu(
        energy_millijoules=nvml.known(pynvml.nvmlDeviceGetTotalEnergyConsumption, handle),
        foreign=_foreign(handle, pids),
        slowdown_bits=nvml.known(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle) or 0,
    )


def _foreign(handle: object, pids: tuple[int, ...]) -> frozenset[int] | None:
    """Processes on the GPU that are not ours; None where they cannot be told apart."""
    running = nvml.known(pynvml.nvmlDeviceGetComputeRunningProcesses, handle)
    # inside a container the driver lists nothing, or numbers that mean nothing here
    if running is None or not sees_all_processes():
        return None
    ours = frozenset().union(*(nvml.tree(pid) for pid in pids))
    # the driver may still list a trial that has just ended
    return frozenset(one.pid for one in running if one.pid not in ours and psutil.pid_exists(one.pid))


def _gpu_seen(before: _Gpu, after: _Gpu) -> Watched:
    energy = None
    if before.energy_millijoules is not None and after.energy_millijoules is not None:
        energy = (after.energy_millijoules - before.energy_millijoules) / 1000
    foreign = None if before.foreign is None or after.foreign is None else len(before.foreign | after.foreign)
    marks = []
    if foreign:
        marks.append(f"{foreign} other process{'' if foreign == 1 else 'es'} computed on this GPU meanwhile")
    slow = slowdown_words(before.slowdown_bits | after.slowdown_bits)
    if slow:
        marks.append(f"the GPU's clock was held down: {', '.join(slow)}")
    return Watched(
        energy_joules=None if energy is None or energy < 0 else energy, foreign_processes=foreign, marks=tuple(marks)
    )
