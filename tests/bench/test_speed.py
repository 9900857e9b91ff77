"""Speeds: measured in a process of its own, kept, and failing in a sentence."""

import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import pytest

import fakes
from bench.errors import BenchError
from bench.profile import aside, speed
from bench.profile.speed import Rate, SpeedPlan, Speeds

SPEEDS = Speeds(
    device="cpu",
    threads=1,
    torch="2",
    measured_at="2026-01-02T03:04:05+00:00",
    seconds=1.0,
    matmul_flops={"fp32": Rate(median=2.0, low=1.0, high=3.0, repeats=3)},
)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "csmae-advisor" / "speeds"


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the process does: an answer to give, or an error to raise; then the words it was started with."""
    story: list[Any] = []

    def run(words: list[str], **settings: Any) -> Any:  # noqa: ANN401  as subprocess.run
        does = story.pop()
        story.append((words, settings))
        if isinstance(does, Exception):
            raise does
        return subprocess.CompletedProcess(words, 0, stdout=does)

    monkeypatch.setattr(subprocess, "run", run)
    return story


PLAN = SpeedPlan(device="cpu", threads=3)


def test_one_device_after_another_and_the_disk_once() -> None:
    first, second = speed.plans(fakes.GPU_HARDWARE)
    assert (first.device, second.device) == ("cpu", "cuda:0")
    assert first.threads == fakes.GPU_HARDWARE.cores_usable
    assert first.disk_folder is not None
    assert second.disk_folder is None


def test_what_was_measured_is_kept_for_the_same_machine_device_and_torch(
    process: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    process.append(msgspec.json.encode(SPEEDS))
    assert speed.kept(fakes.HARDWARE, "cpu") is None
    assert speed.measure(fakes.HARDWARE, PLAN) == SPEEDS
    assert speed.kept(fakes.HARDWARE, "cpu") == SPEEDS
    assert speed.kept(fakes.HARDWARE, "cuda:0") is None
    assert speed.kept(replace(fakes.HARDWARE, cores_usable=1), "cpu") is None
    monkeypatch.setattr(metadata, "version", lambda _: "99")
    assert speed.kept(fakes.HARDWARE, "cpu") is None


def test_the_process_is_told_the_plan_and_its_threads(process: list[Any]) -> None:
    process.append(msgspec.json.encode(SPEEDS))
    speed.run_plan(PLAN)
    words, settings = process[0]
    assert words == [sys.executable, "-m", "bench.run.speed"]
    assert msgspec.json.decode(settings["input"], type=SpeedPlan) == PLAN
    assert settings["env"]["OMP_NUM_THREADS"] == "3"
    assert settings["env"]["OMP_WAIT_POLICY"] == "PASSIVE"
    assert settings["env"]["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_a_damaged_file_is_measured_again(process: list[Any], cache: Path) -> None:
    process.append(msgspec.json.encode(SPEEDS))
    speed.measure(fakes.HARDWARE, PLAN)
    (file,) = cache.iterdir()
    file.write_bytes(b'{"device":')
    assert speed.kept(fakes.HARDWARE, "cpu") is None


def test_a_cache_that_cannot_be_written_costs_only_the_next_time(process: list[Any], cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where a folder should be")
    process.append(msgspec.json.encode(SPEEDS))
    assert speed.measure(fakes.HARDWARE, PLAN) == SPEEDS


def failed(code: int, said: bytes) -> subprocess.CalledProcessError:
    return subprocess.CalledProcessError(code, "python", stderr=said)


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (
            failed(1, b"Traceback\n  here\nModuleNotFoundError: no torch\n"),
            "ended with code 1: ModuleNotFoundError: no t",
        ),
        (failed(-9, b""), "was killed by signal 9: it said nothing"),
        (subprocess.TimeoutExpired("python", 180.0), "its process was stopped after 180 s"),
        (OSError(12, "Cannot allocate memory"), "its process does not start: Cannot allocate memory"),
        (b"hello", "its answer is none: JSON is malformed"),
        (b"{}", "its answer is none: Object missing required field"),
    ],
)
def test_a_failure_is_a_sentence(process: list[Any], does: object, said: str) -> None:
    process.append(does)
    with pytest.raises(BenchError, match=said) as told:
        speed.measure(fakes.HARDWARE, PLAN)
    assert str(told.value).startswith("the speed of cpu could not be measured: ")
    assert "\n" not in str(told.value)


def test_a_module_that_is_not_there_says_so() -> None:
    with pytest.raises(BenchError, match=r"its process ended with code 1: .*No module named bench\.nothing"):
        aside.run_aside("bench.nothing")
