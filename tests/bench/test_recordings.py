"""Machines as they answered, or were made up, and what the profile makes of them."""

import getpass
import json
import platform
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from bench.errors import DataError
from bench.profile import hardware, nvml
from bench.profile.hardware import HardwareProfile, profile
from bench.profile.nvml import Answers, Card
from bench.profile.recording import CPUINFO, VARIABLES, Host, Recording, dump, load, record
from bench.profile.scrub import scrubbed

FIXTURES = Path(__file__).parents[1] / "fixtures" / "hardware"
GIB = 1024**3

MACHINES: dict[str, dict[str, Any]] = {
    "recorded-two-cores": {
        "cpu_name": "AMD EPYC",
        "cores_usable": 2,
        "cores_origin": "the machine",
        "instruction_sets": ("avx2",),
        "cpu_precisions": (),
        "memory_origin": "the machine",
        "swap_total_bytes": 0,
        "gpu_note": "no NVIDIA driver",
    },
    "busy-8gb-gpu": {"cpu_precisions": ("bf16",), "cores_usable": 16, "memory_available_bytes": 48 * GIB},
    "two-unequal-gpus": {"gpu_note": ""},
    "a100-with-mig": {"gpu_note": ""},
    "container-of-4-gib": {
        "cores_usable": 1,
        "cores_origin": "cgroup quota",
        "cpu_quota_cores": 0.5,
        "memory_limit_bytes": 4 * GIB,
        "memory_available_bytes": 3 * GIB,
        "memory_origin": "cgroup v2",
        "swap_total_bytes": 0,
        "swap_free_bytes": 0,
    },
    "cgroup-v1": {
        "cores_usable": 3,
        "cores_origin": "cgroup quota",
        "memory_limit_bytes": 6 * GIB,
        "memory_available_bytes": 4 * GIB,
        "memory_origin": "cgroup v1",
        "swap_total_bytes": GIB,
        "swap_free_bytes": GIB,
        "cpu_precisions": (),
    },
    "slurm-job": {
        "cores_total": 128,
        "affinity_cores": 8,
        "cores_usable": 4,
        "cores_origin": "Slurm",
        "memory_limit_bytes": 8 * GIB,
        "memory_origin": "Slurm",
    },
    "broken-driver": {"gpus": (), "gpu_note": "the NVIDIA driver does not answer: Driver/library version mismatch"},
    "silent-gpu": {
        "cpu_name": None,
        "instruction_sets": None,
        "cpu_precisions": None,
        "affinity_cores": None,
        "cpu_quota_cores": None,
        "swap_total_bytes": None,
        "work_disk": None,
        "shared_memory": None,
        "memory_limit_bytes": 64 * GIB,
    },
}

GPUS: dict[str, list[dict[str, Any]]] = {
    "recorded-two-cores": [],
    "busy-8gb-gpu": [
        {
            "name": "NVIDIA GeForce RTX 3070",
            "memory_free_bytes": 3 * GIB,
            "other_processes": 2,
            "other_processes_bytes": 4 * GIB,
            "power_limit_watts": 220.0,
            "slowdowns": ("power limit", "heat"),
            "tensor_precisions": ("fp16", "bf16", "tf32"),
            "mig": None,
            "energy_counter": True,
        }
    ],
    "two-unequal-gpus": [
        {"index": 0, "name": "Tesla T4", "memory_total_bytes": 15 * GIB, "tensor_precisions": ("fp16",)},
        {"index": 1, "name": "NVIDIA GeForce RTX 4090", "memory_total_bytes": 24 * GIB, "other_processes": 0},
    ],
    "a100-with-mig": [
        {
            "name": "NVIDIA A100-SXM4-40GB MIG 3g.20gb",
            "memory_total_bytes": 20 * GIB,
            "mig": True,
            "slowdowns": (),
            "power_limit_watts": None,
            "energy_counter": False,
        }
    ],
    "container-of-4-gib": [{"other_processes": None, "other_processes_bytes": None, "slowdowns": ()}],
    "cgroup-v1": [],
    "slurm-job": [{"index": 0, "memory_free_bytes": 78 * GIB, "mig": False, "compute_capability": "9.0"}],
    "broken-driver": [],
    "silent-gpu": [
        {
            "name": "unknown GPU",
            "memory_total_bytes": None,
            "memory_free_bytes": None,
            "compute_capability": None,
            "tensor_precisions": None,
            "driver": None,
            "power_limit_watts": None,
            "mig": None,
            "other_processes": None,
            "slowdowns": None,
        }
    ],
}


def machine(name: str) -> HardwareProfile:
    return profile(load(FIXTURES / f"{name}.json"))


def told(record: object, names: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def test_every_recording_is_in_the_table() -> None:
    assert {file.stem for file in FIXTURES.iterdir()} == set(MACHINES) == set(GPUS)


@pytest.mark.parametrize("name", MACHINES)
def test_a_recording_says_whether_it_was_made_up(name: str) -> None:
    found = load(FIXTURES / f"{name}.json")
    assert found.made_up is not name.startswith("recorded")
    assert bool(found.about) is found.made_up


@pytest.mark.parametrize(("name", "expected"), MACHINES.items(), ids=MACHINES)
def test_a_machine_is_read_from_its_answers(name: str, expected: dict[str, Any]) -> None:
    assert told(machine(name), expected) == expected


@pytest.mark.parametrize(("name", "expected"), GPUS.items(), ids=GPUS)
def test_each_gpu_is_read_by_itself(name: str, expected: list[dict[str, Any]]) -> None:
    gpus = machine(name).gpus
    assert len(gpus) == len(expected)
    assert [told(gpu, some) for gpu, some in zip(gpus, expected, strict=True)] == expected


@pytest.mark.parametrize("name", MACHINES)
def test_a_recording_survives_writing_and_scrubbing(name: str, tmp_path: Path) -> None:
    found = load(FIXTURES / f"{name}.json")
    (tmp_path / "again.json").write_text(dump(scrubbed(found)))
    again = load(tmp_path / "again.json")
    assert again == scrubbed(found)
    assert profile(again) == profile(found)


def test_this_machine_reads_the_same_when_recorded_and_replayed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    raw = record()
    monkeypatch.setattr(hardware, "record", lambda _root: raw)
    (tmp_path / "machine.json").write_text(dump(scrubbed(raw)))
    assert profile(load(tmp_path / "machine.json")) == hardware.probe()


def test_a_profile_stored_by_an_older_version_can_still_be_read() -> None:
    stored = (
        b'{"cpu_name":"old","cores_total":2,"cores_usable":2,"memory_total_bytes":8,"memory_limit_bytes":8,'
        b'"memory_available_bytes":4,"gpus":[{"index":0,"name":"card","memory_total_bytes":null,'
        b'"memory_free_bytes":null,"compute_capability":null,"driver":null}],"gpu_note":"","platform":"Linux x86_64"}'
    )
    found = msgspec.json.decode(stored, type=HardwareProfile)
    assert (found.cores_origin, found.swap_total_bytes, found.gpus[0].other_processes) == ("", None, None)


SECRETIVE = Recording(
    format=1,
    host=Host(platform="Linux x86_64", cores=2, memory_total_bytes=8 * GIB, memory_available_bytes=4 * GIB),
    files={
        CPUINFO: "model name: x",
        "proc/self/cgroup": "4:memory:/user-jane/job_77\n1:cpu:/user-jane\n0::/../user-jane",
        "sys/fs/cgroup/memory/user-jane/job_77/memory.limit_in_bytes": str(GIB),
        "sys/fs/cgroup/cpu/user-jane/cpu.cfs_quota_us": "150000",
        "sys/fs/cgroup/cpu/user-jane/cpu.cfs_period_us": "100000",
    },
    variables={"SLURM_JOB_ID": "4711", "SLURM_CPUS_PER_TASK": "1", "CUDA_VISIBLE_DEVICES": "MIG-cafe,GPU-ab,GPU-zz"},
    nvml=Answers(
        cards=(
            Card(name="one", uuid="GPU-ab12"),
            Card(name="two", uuid="GPU-ac34", mig_mode=1, instances=(Card(name="part", uuid="MIG-cafe-01"),)),
        )
    ),
)


def test_scrubbing_takes_out_what_names_and_leaves_what_counts() -> None:
    clean = scrubbed(SECRETIVE)
    text = dump(clean)
    assert not [word for word in ("jane", "job_77", "4711", "ab12", "ac34", "cafe", "zz") if word in text]
    assert profile(clean) == profile(SECRETIVE)
    assert [gpu.name for gpu in profile(clean).gpus] == ["part", "one"]
    assert profile(clean).memory_limit_bytes == GIB


@pytest.mark.parametrize("chosen", ["GPU-a", "GPU-", "MIG-", "GPU-ff", "0,GPU-", "1", "-1", ""])
def test_a_name_that_fits_no_device_or_several_still_does_when_scrubbed(chosen: str) -> None:
    odd = replace(SECRETIVE, variables={"CUDA_VISIBLE_DEVICES": chosen})
    assert profile(scrubbed(odd)).gpus == profile(odd).gpus
    assert 'GPU-a"' not in dump(scrubbed(odd))


def test_a_recording_of_this_machine_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "hunter2")
    text = dump(scrubbed(record()))
    values = [value for name, value in json.loads(text)["variables"].items() if name not in VARIABLES]
    assert values == []
    for name in (str(Path.home()), str(Path.cwd()), platform.node(), "hunter2", f"/{getpass.getuser()}/"):
        assert not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no recording of a machine"),
        (b"\xff\xfe", "is no recording of a machine"),
        (b"{}", "missing required field"),
        (b'{"format": 1, "host": {"platform": 3}}', "Expected `str`"),
        (dump(replace(SECRETIVE, format=2)).encode(), "is a recording of format 2; this version reads format 1"),
    ],
)
def test_a_file_that_is_no_recording_is_told_in_words(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "file.json").write_bytes(content)
    with pytest.raises(DataError, match=said):
        load(tmp_path / "file.json")


def test_a_process_that_is_gone_is_a_tree_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_pid: int) -> None:
        raise psutil.NoSuchProcess(1)

    monkeypatch.setattr(psutil, "Process", gone)
    assert nvml.tree(77) == {77}
