"""How fast a machine really computes, copies and reads: measured in a process of its own, and kept.

`bench.run.speed` is that process; this side never loads torch.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec
from platformdirs import user_cache_path

from bench.errors import BenchError
from bench.profile.aside import run_aside
from bench.profile.hardware import HardwareProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedPlan:
    """What is to be measured."""

    device: str
    """"cpu" or "cuda:0"."""
    threads: int
    disk_folder: str | None = None
    """Where a file may be written to be read again, and is gone afterwards; None: the disk is not measured."""
    budget_seconds: float = 3.0
    """Of measuring, the start of the process aside; the first product of a very slow machine may pass it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Something a second, measured several times."""

    median: float
    low: float
    high: float
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeds:
    """What was measured of one device."""

    device: str
    threads: int
    torch: str
    """Its version."""
    measured_at: str
    """UTC, ISO 8601."""
    seconds: float
    """That measuring took."""
    matmul_flops: dict[str, Rate]
    """FLOP/s of matrix products in "fp32", "tf32" (CUDA), "bf16" and "fp16"; one left out cannot be computed there."""
    copy_bytes: Rate | None = None
    """Bytes a second read and written while a tensor beyond all caches is copied."""
    disk_bytes: Rate | None = None
    """Bytes a second read from a file that the system was asked to forget."""
    notes: tuple[str, ...] = ()
    """What is doubtful or missing, in sentences."""


def plans(hardware: HardwareProfile) -> tuple[SpeedPlan, ...]:
    """One for the processor and its disk, one for each GPU."""
    cpu = SpeedPlan(device="cpu", threads=hardware.cores_usable, disk_folder=str(user_cache_path("csmae-advisor")))
    gpus = (SpeedPlan(device=f"cuda:{gpu.index}", threads=hardware.cores_usable) for gpu in hardware.gpus)
    return cpu, *gpus


def kept(hardware: HardwareProfile, device: str) -> Speeds | None:
    """What was measured earlier on such a machine with this version of torch; None when nothing was."""
    try:
        return msgspec.json.decode(_file(hardware, device).read_bytes(), type=Speeds)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def measure(hardware: HardwareProfile, plan: SpeedPlan) -> Speeds:
    """Measure now, and keep it for `kept`.

    Raises: BenchError: the process that measures does not do so; the message says why.
    """
    speeds = run_plan(plan)
    with suppress(OSError):  # a cache that cannot be written costs only the next measurement
        _keep(_file(hardware, plan.device), msgspec.json.encode(speeds))
    return speeds


def run_plan(plan: SpeedPlan) -> Speeds:
    """Measure in a process of its own.

    Raises: BenchError: that process does not do so; the message says why.
    """
    try:
        answer = run_aside(
            "bench.run.speed", msgspec.json.encode(plan), environment={"OMP_NUM_THREADS": str(plan.threads)}
        )
        return msgspec.json.decode(answer, type=Speeds)
    except BenchError as error:
        raise BenchError(f"the speed of {plan.device} could not be measured: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"the speed of {plan.device} could not be measured: its answer is none: {error}") from error


def _file(hardware: HardwareProfile, device: str) -> Path:
    try:
        torch = metadata.version("torch")
    except metadata.PackageNotFoundError:
        torch = "none"
    name = re.sub(r"[^\w.+-]", "", f"{hardware.id}-{device}-{torch}")
    return user_cache_path("csmae-advisor") / "speeds" / f"{name}.json"


def _keep(path: Path, content: bytes) -> None:
    """Write all of it or nothing, whoever else writes at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)
