"""The process that measures: real, but short."""

import os
from pathlib import Path

import pytest
import torch

from bench.profile.speed import SpeedPlan
from bench.run import speed
from bench.run.watch import Watch, Watched


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "FIRST_SIZE", 64)
    monkeypatch.setattr(speed, "LAST_SIZE", {"cpu": 64})
    monkeypatch.setattr(speed, "COPY_BYTES", {"cpu": 1 << 20})
    monkeypatch.setattr(speed, "CHUNK_BYTES", 1 << 16)
    monkeypatch.setattr(speed, "DISK_BYTES", 1 << 18)
    monkeypatch.setattr(Watch, "finish", lambda _: Watched(marks=("somebody was here",)))


def plan(folder: Path | None) -> SpeedPlan:
    return SpeedPlan(
        device="cpu",
        threads=torch.get_num_threads(),
        disk_folder=None if folder is None else str(folder),
        budget_seconds=0.2,
    )


def test_everything_is_measured_with_its_spread(tmp_path: Path) -> None:
    found = speed.measure(plan(tmp_path / "new"))
    assert list(found.matmul_flops) == ["fp32", "bf16", "fp16"]
    assert found.copy_bytes is not None
    assert found.disk_bytes is not None
    for rate in (*found.matmul_flops.values(), found.copy_bytes, found.disk_bytes):
        assert 0 < rate.low <= rate.median <= rate.high
        assert 1 <= rate.repeats <= speed.REPEATS
    assert "somebody was here" in found.notes
    assert list((tmp_path / "new").iterdir()) == []


def test_rates_are_amounts_by_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    laps = iter((4.0, 1.0, 2.0))
    monkeypatch.setattr(speed, "REPEATS", 3)
    monkeypatch.setattr(speed, "_lap", lambda *_: next(laps))
    found = speed._repeat(lambda: None, lambda: None, 8.0, 60.0)
    assert (found.low, found.median, found.high, found.repeats) == (2.0, 4.0, 8.0, 3)


def test_without_a_folder_no_disk_is_measured() -> None:
    assert speed.measure(plan(None)).disk_bytes is None


def test_what_cannot_be_computed_is_left_out_and_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    product = torch.mm

    def without_fp16(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        if a.dtype is torch.float16:
            raise RuntimeError("not implemented for 'Half'\nmore")
        return product(a, b)

    monkeypatch.setattr(torch, "mm", without_fp16)
    found = speed.measure(plan(None))
    assert list(found.matmul_flops) == ["fp32", "bf16"]
    assert found.notes[0] == "matrix products in fp16 was not measured: not implemented for 'Half'"


def test_a_full_disk_is_noted_and_no_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "DISK_BYTES", 1 << 60)
    found = speed.measure(plan(tmp_path))
    assert found.disk_bytes is None
    assert "reading the disk was not measured: less than 1 GB is free" in found.notes


def test_a_disk_that_may_be_memory_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "_from_disk_bytes", lambda: 7)
    assert any("no reading from a disk" in note for note in speed.measure(plan(tmp_path)).notes)
    monkeypatch.delattr(os, "posix_fadvise", raising=False)
    assert any("cannot be asked to forget" in note for note in speed.measure(plan(tmp_path)).notes)
