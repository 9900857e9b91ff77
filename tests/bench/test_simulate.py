"""Machines in place of this one."""

from dataclasses import replace
from pathlib import Path

import pytest

import fakes
from bench.errors import UsageError
from bench.profile import allowed, hardware
from bench.profile.recording import load
from bench.profile.simulate import machine, simulated

FIXTURES = Path(__file__).parents[1] / "fixtures" / "hardware"
GIB = 1024**3


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "probe", lambda: fakes.GPU_HARDWARE)


def test_without_a_wish_the_machine_is_this_one() -> None:
    assert machine() == fakes.GPU_HARDWARE
    assert machine().simulated == ""


def test_a_recording_stands_for_its_machine() -> None:
    path = FIXTURES / "recorded-two-cores.json"
    found = machine(path)
    assert found.simulated == "recorded-two-cores.json"
    assert replace(found, simulated="") == hardware.profile(load(path))
    assert "made-up" in machine(FIXTURES / "slurm-job.json").simulated


def test_a_gpu_keeps_all_but_its_memory_and_its_guests() -> None:
    found = machine(FIXTURES / "busy-8gb-gpu.json", 24 * GIB)
    (gpu,) = found.gpus
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes, gpu.other_processes) == (24 * GIB, 24 * GIB, None)
    assert (gpu.name, gpu.compute_capability) == ("NVIDIA GeForce RTX 3070", "8.6")
    assert found.simulated == "busy-8gb-gpu.json, a made-up machine with a GPU of 24.0 GiB"


def test_memory_of_two_gpus_is_never_that_of_one() -> None:
    assert len(machine(FIXTURES / "two-unequal-gpus.json", 8 * GIB).gpus) == 1


def test_a_machine_without_a_gpu_gets_one_of_which_nothing_else_is_known() -> None:
    found = simulated(fakes.HARDWARE, gpu_memory_bytes=8 * GIB)
    (gpu,) = found.gpus
    assert (gpu.name, gpu.compute_capability, gpu.driver) == ("a simulated GPU", None, None)
    assert (found.gpu_note, found.simulated) == ("", "this machine with a GPU of 8.0 GiB")
    assert found.id != fakes.HARDWARE.id


@pytest.mark.parametrize("size", [0, -1])
def test_a_gpu_without_memory_is_refused(size: int) -> None:
    with pytest.raises(UsageError, match="a GPU without memory is none"):
        machine(None, size)


SLURM = {
    "outside a job": ({"SLURM_CPUS_PER_TASK": "2", "SLURM_MEM_PER_NODE": "1024"}, (16, 64 * GIB)),
    "a task's cores": ({"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "2", "SLURM_CPUS_ON_NODE": "8"}, (2, 64 * GIB)),
    "the job's cores": ({"SLURM_JOB_ID": "1", "SLURM_CPUS_ON_NODE": "8"}, (8, 64 * GIB)),
    "the first node's cores": ({"SLURM_JOB_ID": "1", "SLURM_JOB_CPUS_PER_NODE": "6(x2),4"}, (6, 64 * GIB)),
    "memory of the node": ({"SLURM_JOB_ID": "1", "SLURM_MEM_PER_NODE": "2048"}, (16, 2 * GIB)),
    "all memory of the node": ({"SLURM_JOB_ID": "1", "SLURM_MEM_PER_NODE": "0"}, (16, 64 * GIB)),
    "memory for each core": (
        {"SLURM_JOB_ID": "1", "SLURM_MEM_PER_CPU": "1024", "SLURM_CPUS_ON_NODE": "4"},
        (4, 4 * GIB),
    ),
    "memory for an unknown number of cores": ({"SLURM_JOB_ID": "1", "SLURM_MEM_PER_CPU": "1024"}, (16, 64 * GIB)),
    "rubbish": ({"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "many", "SLURM_MEM_PER_NODE": ""}, (16, 64 * GIB)),
}


@pytest.mark.parametrize(("variables", "expected"), SLURM.values(), ids=SLURM)
def test_slurm_limits_only_inside_a_job(variables: dict[str, str], expected: tuple[int, int]) -> None:
    recording = replace(load(FIXTURES / "busy-8gb-gpu.json"), variables=variables)
    assert (allowed.cores(recording).usable, allowed.memory(recording).limit_bytes) == expected


@pytest.mark.parametrize(
    ("space", "data", "expected"),
    [
        (8 * GIB, None, (8 * GIB, 8 * GIB, "ulimit -v")),
        (None, 50 * GIB, (50 * GIB, 48 * GIB, "ulimit -d")),
        (100 * GIB, None, (64 * GIB, 48 * GIB, "the machine")),
        (64 * GIB, None, (64 * GIB, 48 * GIB, "the machine")),
    ],
)
def test_a_ulimit_counts_where_it_is_the_tightest(
    space: int | None, data: int | None, expected: tuple[int, int, str]
) -> None:
    recording = load(FIXTURES / "busy-8gb-gpu.json")
    host = replace(recording.host, address_space_bytes=space, data_segment_bytes=data)
    found = allowed.memory(replace(recording, host=host))
    assert (found.limit_bytes, found.available_bytes, found.origin) == expected
