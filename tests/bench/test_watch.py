"""What went on beside a trial, told from counters that the test sets."""

import os
from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import psutil
import pynvml
import pytest

from bench.profile import nvml
from bench.profile.cgroup import Throttling
from bench.run import watch
from bench.run.watch import Watch, Watched

Times = namedtuple("Times", "user nice system idle steal guest")  # noqa: PYI024  psutil's own are such


class Machine:
    """Counters of a machine of two cores, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.busy = 0.0
        self.steal = 0.0
        self.own = 0.0
        self.throttling: Throttling | None = None

    def times(self, *, percpu: bool) -> list[Times]:
        assert percpu
        return [Times(self.busy / 2, 0.0, 0.0, 99.0, self.steal / 2, 5.0)] * 2


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(psutil, "cpu_times", found.times)
    monkeypatch.setattr(watch, "monotonic", lambda: found.now)
    monkeypatch.setattr(watch, "_own_seconds", lambda _: found.own)
    monkeypatch.setattr(watch, "_quota", lambda: found.throttling)
    return found


BUSY = {
    "alone": ({"now": 10.0, "busy": 20.0, "own": 20.0}, ()),
    "a little else": ({"now": 10.0, "busy": 20.0, "own": 18.0}, ()),
    "much else": (
        {"now": 10.0, "busy": 20.0, "own": 7.0},
        ("other processes used 1.3 of 2 cores meanwhile",),
    ),
    "much else, but for a moment only": ({"now": 0.5, "busy": 1.0, "own": 0.0}, ()),
    "another virtual machine": (
        {"now": 10.0, "busy": 10.0, "own": 10.0, "steal": 6.0},
        ("other virtual machines used 0.6 of 2 cores meanwhile",),
    ),
    "counters that went back": ({"now": 10.0, "busy": -5.0, "own": 10.0}, ()),
    "a quota": (
        {"now": 10.0, "busy": 9.0, "own": 9.0, "throttling": Throttling(periods=110, throttled=48)},
        ("the cgroup's processor quota stopped it in 40 of 100 periods",),
    ),
    "a quota that did nothing": ({"now": 10.0, "throttling": Throttling(periods=90, throttled=8)}, ()),
    "a quota that is gone": ({"now": 10.0, "throttling": None}, ()),
}


@pytest.mark.parametrize(("later", "marks"), BUSY.values(), ids=BUSY)
def test_a_processor_shared_with_others_is_a_mark(
    machine: Machine, later: dict[str, Any], marks: tuple[str, ...]
) -> None:
    machine.throttling = Throttling(periods=10, throttled=8)
    seen = Watch("cpu", None)
    seen.start()
    for name, value in later.items():
        setattr(machine, name, value)
    assert seen.finish() == Watched(marks=marks)


def test_on_many_cores_a_small_share_is_no_mark(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {*range(64)}, raising=False)
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: [Times(machine.busy / 64, 0, 0, 0, 0, 0)] * (64 * percpu))
    seen = Watch("cpu")
    seen.start()
    machine.now, machine.busy = 10.0, 30.0
    assert seen.finish().marks == ()


def test_processor_time_counts_for_processes_that_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    times = {1: (1.0, 0.5, 8.0, 0.5, 77.0), 2: (2.0, 0.0, 0.0, 0.0, 77.0), 3: (4.0, 0.0, 0.0, 0.0, 77.0)}

    def process(pid: int) -> Any:  # noqa: ANN401  a fake
        if pid == 3:
            raise psutil.NoSuchProcess(pid)
        return SimpleNamespace(cpu_times=lambda: times[pid])

    monkeypatch.setattr(nvml, "tree", lambda pid: {pid, 2, 3})
    monkeypatch.setattr(psutil, "Process", process)
    assert watch._own_seconds((1, 2)) == 12.0


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_watching_never_raises(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    for module, name in ((psutil, "cpu_times"), (pynvml, "nvmlInit"), (watch, "_quota")):
        monkeypatch.setattr(module, name, broken)
    seen = Watch(device, 1)
    seen.start()
    assert seen.finish() == Watched()
    assert Watch(device, None).finish() == Watched()


def test_watching_this_machine_reads_real_counters() -> None:
    seen = Watch("cpu", os.getpid())
    seen.start()
    assert seen._cpu is not None
    assert seen._cpu.own_seconds > 0
    assert seen._cpu.busy_seconds > 0
    assert seen.finish().energy_joules is None


class Card:
    """A GPU's counters."""

    def __init__(self) -> None:
        self.energy: int | None = 5_000
        self.pids = [os.getpid()]
        self.bits = 1
        self.open = 0


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    found = Card()

    def told(value: Any) -> Any:  # noqa: ANN401  what NVML tells
        if value is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return value

    answers = {
        "nvmlInit": lambda: setattr(found, "open", found.open + 1),
        "nvmlShutdown": lambda: setattr(found, "open", found.open - 1),
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda number: number,
        "nvmlDeviceGetTotalEnergyConsumption": lambda handle: told({1: found.energy}.get(handle)),
        "nvmlDeviceGetCurrentClocksThrottleReasons": lambda handle: told({1: found.bits}.get(handle)),
        "nvmlDeviceGetComputeRunningProcesses": lambda handle: [
            SimpleNamespace(pid=pid, usedGpuMemory=None) for pid in (found.pids if handle == 1 else [])
        ],
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setattr(watch, "sees_all_processes", lambda: True)
    monkeypatch.setattr(watch, "_quota", lambda: None)
    monkeypatch.setattr(psutil, "pid_exists", lambda pid: pid != 666)
    return found


GPUS = {
    "alone": ({"energy": 47_500}, Watched(energy_joules=42.5, foreign_processes=0)),
    "no counter": ({"energy": None}, Watched(foreign_processes=0)),
    "a counter that started again": ({"energy": 10}, Watched(foreign_processes=0)),
    "a guest": (
        {"pids": [1, 666]},
        Watched(
            energy_joules=0.0,
            foreign_processes=1,
            marks=("1 other process computed on this GPU meanwhile",),
        ),
    ),
    "heat": (
        {"bits": 0x21},
        Watched(energy_joules=0.0, foreign_processes=0, marks=("the GPU's clock was held down: heat",)),
    ),
}


@pytest.mark.parametrize(("later", "expected"), GPUS.values(), ids=GPUS)
def test_a_gpu_tells_its_energy_and_its_guests(card: Card, later: dict[str, Any], expected: Watched) -> None:
    seen = Watch("cuda:0", None)
    seen.start()
    assert card.open == 1
    for name, value in later.items():
        setattr(card, name, value)
    assert seen.finish() == expected
    assert card.open == 0


def test_inside_a_container_guests_are_unknown_and_not_none(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "sees_all_processes", lambda: False)
    card.pids = [1]
    seen = Watch("cuda:0", None)
    seen.start()
    assert seen.finish() == Watched(energy_joules=0.0, foreign_processes=None)


@pytest.mark.usefixtures("card")
def test_a_gpu_that_is_not_there_is_not_watched() -> None:
    seen = Watch("cuda:1", None)
    seen.start()
    assert seen.finish() == Watched()
