import os
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pynvml
import pytest

import fakes
from bench.profile.hardware import Gpu, HardwareProfile, probe
from bench.profile.recording import VARIABLES

GIB = 1024**3


def tree(root: Path, files: dict[str, str]) -> Path:
    """A root with these files in it."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


TOP = "sys/fs/cgroup"


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", refuse)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight cores, six of them ours; 8 GiB, 5 of them free."""
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {*range(6)}, raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=8 * GIB, available=5 * GIB))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_driver", "host")
def test_a_machine_without_limits_and_gpu_is_a_normal_machine(tmp_path: Path) -> None:
    cpuinfo = "processor\t: 0\nmodel name\t: Imaginary CPU: 9000\nmodel name\t: another\n"
    found = probe(tree(tmp_path, {"proc/cpuinfo": cpuinfo}))
    assert found.cpu_name == "Imaginary CPU: 9000"
    assert (found.cores_total, found.cores_usable) == (8, 6)
    assert (found.memory_total_bytes, found.memory_limit_bytes, found.memory_available_bytes) == (
        8 * GIB,
        8 * GIB,
        5 * GIB,
    )
    assert (found.gpus, found.gpu_note) == ((), "no NVIDIA driver")


@pytest.mark.usefixtures("no_driver", "host")
@pytest.mark.parametrize(
    ("quota", "memory", "expected"),
    [
        ("200000 100000", str(4 * GIB), (2, 4 * GIB, 3 * GIB)),
        ("290000 100000", str(7 * GIB), (2, 7 * GIB, 5 * GIB)),
        ("50000 100000", str(64 * GIB), (1, 8 * GIB, 5 * GIB)),
        ("1600000 100000", "max", (6, 8 * GIB, 5 * GIB)),
        ("max 100000", str(GIB), (6, GIB, 0)),
    ],
)
def test_the_smaller_of_host_and_cgroup_counts(
    tmp_path: Path, quota: str, memory: str, expected: tuple[int, int, int]
) -> None:
    files = {
        "proc/self/cgroup": "0::/\n",
        f"{TOP}/memory.max": memory,
        f"{TOP}/memory.current": str(GIB),
        f"{TOP}/cpu.max": quota,
    }
    found = probe(tree(tmp_path, files))
    assert (found.cores_usable, found.memory_limit_bytes, found.memory_available_bytes) == expected


@pytest.mark.usefixtures("no_driver", "host")
def test_a_system_without_affinity_gives_all_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert probe(tmp_path).cores_usable == 8


def test_this_machine_can_be_probed() -> None:
    found = probe()
    assert 1 <= found.cores_usable <= found.cores_total
    assert 0 < found.memory_available_bytes <= found.memory_limit_bytes <= found.memory_total_bytes
    assert bool(found.gpus) != bool(found.gpu_note)
    assert probe().id == found.id


NVML: dict[str, Callable[..., object]] = {
    "nvmlInit": lambda: None,
    "nvmlShutdown": lambda: None,
    "nvmlDeviceGetCount": lambda: 2,
    "nvmlDeviceGetHandleByIndex": lambda number: number,
    "nvmlDeviceGetName": lambda handle: f"Card {handle}",
    "nvmlDeviceGetUUID": lambda handle: f"GPU-{'ab'[handle]}000",
    "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(total=(handle + 1) * GIB, free=handle * GIB),
    "nvmlDeviceGetCudaComputeCapability": lambda handle: (8 + handle, 6),
    "nvmlSystemGetDriverVersion": lambda: "570.00",
}

CARDS = tuple(
    Gpu(
        index=number,
        name=f"Card {number}",
        memory_total_bytes=(number + 1) * GIB,
        memory_free_bytes=number * GIB,
        compute_capability=f"{8 + number}.6",
        driver="570.00",
        energy_counter=False,
    )
    for number in range(2)
)


def refuse(*_: object) -> None:
    raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A driver with two cards; calling it with a function's name makes that function fail."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name, answer in NVML.items():
        monkeypatch.setattr(pynvml, name, answer)
    return lambda name: monkeypatch.setattr(pynvml, name, refuse)


@pytest.mark.usefixtures("nvml")
def test_each_card_is_shown_by_itself() -> None:
    found = probe()
    assert found.gpus == CARDS
    assert found.gpu_note == ""


@pytest.mark.parametrize(
    ("silent", "unknown"),
    [
        ("nvmlDeviceGetName", {"name": "unknown GPU"}),
        ("nvmlDeviceGetMemoryInfo", {"memory_total_bytes": None, "memory_free_bytes": None}),
        ("nvmlDeviceGetCudaComputeCapability", {"compute_capability": None}),
        ("nvmlSystemGetDriverVersion", {"driver": None}),
        ("nvmlDeviceGetUUID", {}),
        ("nvmlShutdown", {}),
    ],
)
def test_what_a_card_does_not_tell_is_unknown_and_nothing_else_is(
    nvml: Callable[[str], None], silent: str, unknown: dict[str, Any]
) -> None:
    nvml(silent)
    assert probe().gpus == tuple(replace(card, **unknown) for card in CARDS)


@pytest.mark.parametrize(
    ("silent", "note"),
    [
        ("nvmlInit", "the NVIDIA driver does not answer: Not Supported"),
        ("nvmlDeviceGetCount", "the NVIDIA driver finds no GPU"),
    ],
)
def test_a_driver_that_does_not_answer_is_told_in_words(nvml: Callable[[str], None], silent: str, note: str) -> None:
    nvml(silent)
    found = probe()
    assert (found.gpus, found.gpu_note) == ((), note)


@pytest.mark.usefixtures("nvml")
@pytest.mark.parametrize(
    ("chosen", "cards"),
    [
        ("0,1", [0, 1]),
        ("1", [1]),
        ("1, 0", [1, 0]),
        ("GPU-b", [1]),
        ("GPU-b000,GPU-a000", [1, 0]),
        ("1,7,0", [1]),
        ("GPU-", []),
        ("-1", []),
        ("", []),
        ("7", []),
        ("MIG-a000", []),
    ],
)
def test_cards_are_those_that_torch_will_see_in_its_order(
    monkeypatch: pytest.MonkeyPatch, chosen: str, cards: list[int]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    found = probe()
    assert found.gpus == tuple(replace(CARDS[card], index=index) for index, card in enumerate(cards))
    assert found.gpu_note == ("" if cards else f"CUDA_VISIBLE_DEVICES={chosen} names none of the GPUs (2)")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (replace(fakes.HARDWARE, memory_available_bytes=1), True),
        (replace(fakes.HARDWARE, memory_limit_bytes=fakes.HARDWARE.memory_limit_bytes - 10_000_000), True),
        (replace(fakes.HARDWARE, memory_limit_bytes=4 * GIB), False),
        (replace(fakes.HARDWARE, cores_usable=4), False),
        (replace(fakes.HARDWARE, cpu_name=None), False),
        (replace(fakes.HARDWARE, platform="Darwin arm64"), False),
        (fakes.GPU_HARDWARE, False),
    ],
)
def test_the_id_is_of_the_machine_and_not_of_the_moment(other: HardwareProfile, same: bool) -> None:
    assert (other.id == fakes.HARDWARE.id) is same


def test_the_id_does_not_change_with_free_memory_or_driver_of_a_card() -> None:
    card = replace(fakes.GPU, memory_free_bytes=None, driver="999")
    assert replace(fakes.GPU_HARDWARE, gpus=(card,)).id == fakes.GPU_HARDWARE.id
