"""The process that measures how fast one device computes, copies and reads.

Started as `python -m bench.run.speed`, it reads a `SpeedPlan` from standard input and writes `Speeds` to standard
output.
"""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from time import perf_counter
from typing import Final

import msgspec
import psutil
import torch

from bench.profile.speed import Rate, SpeedPlan, Speeds
from bench.run.clock import settler
from bench.run.watch import Watch

FIRST_SIZE: Final = 256
LAST_SIZE: Final = {"cpu": 2048, "cuda": 8192}
LONG_ENOUGH_SECONDS: Final = 0.01
"""The matrices grow until one product takes this long, so that starting it costs nothing beside it."""

COPY_BYTES: Final = {"cpu": 128 << 20, "cuda": 512 << 20}
"""Of the tensor that is copied: beyond most caches."""

DISK_BYTES: Final = 256 << 20
CHUNK_BYTES: Final = 8 << 20
REPEATS: Final = 7

MATMUL_SHARE, COPY_SHARE, DISK_SHARE = 0.5, 0.1, 0.4
"""Of the budget; the precisions share theirs equally."""


def measure(plan: SpeedPlan) -> Speeds:
    """Measure all of it."""
    started = perf_counter()
    torch.set_num_threads(plan.threads)
    device = torch.device(plan.device)
    watch = Watch(plan.device)
    watch.start()
    notes: list[str] = []
    precisions = _precisions(device)
    seconds = MATMUL_SHARE * plan.budget_seconds / len(precisions)
    flops = {}
    for precision in precisions:
        rate = _try(f"matrix products in {precision}", partial(_matmul, device, precision, seconds), notes)
        if rate is not None:
            flops[precision] = rate
    copied = _try("copying memory", partial(_copy, device, COPY_SHARE * plan.budget_seconds), notes)
    disk = None
    if plan.disk_folder is not None:
        read = partial(_disk, Path(plan.disk_folder), DISK_SHARE * plan.budget_seconds, notes)
        disk = _try("reading the disk", read, notes)
    return Speeds(
        device=plan.device,
        threads=plan.threads,
        torch=str(torch.__version__),
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=perf_counter() - started,
        matmul_flops=flops,
        copy_bytes=copied,
        disk_bytes=disk,
        notes=(*notes, *watch.finish().marks),
    )


def _try(what: str, work: Callable[[], Rate], notes: list[str]) -> Rate | None:
    """Measure one thing; what cannot be done here is noted and does not keep the others from being measured."""
    try:
        return work()
    except (RuntimeError, OSError) as error:  # torch's own errors, out of memory among them, are RuntimeErrors
        words = error.strerror if isinstance(error, OSError) else str(error).strip().partition("\n")[0]
        notes.append(f"{what} was not measured: {words}")
        return None


def _precisions(device: torch.device) -> tuple[str, ...]:
    if device.type == "cpu":
        return ("fp32", "bf16", "fp16")
    newer = torch.cuda.get_device_capability(device) >= (8, 0)
    return ("fp32", "tf32", "bf16", "fp16") if newer else ("fp32", "fp16")


def _matmul(device: torch.device, precision: str, seconds: float) -> Rate:
    if device.type == "cuda":
        torch.backends.cuda.matmul.fp32_precision = "tf32" if precision == "tf32" else "ieee"
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision, torch.float32)
    settle = settler(device)
    size = FIRST_SIZE
    while True:
        a, b = torch.randn(2, size, size, device=device).to(kind)
        product = partial(torch.mm, a, b)
        _lap(product, settle)  # sets up the library
        if size >= LAST_SIZE[device.type] or _lap(product, settle) >= LONG_ENOUGH_SECONDS:
            return _repeat(product, settle, 2.0 * size**3, seconds)
        size *= 2


def _copy(device: torch.device, seconds: float) -> Rate:
    source = torch.ones(COPY_BYTES[device.type], dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)  # touched, so that no page is made while the clock runs
    return _repeat(partial(target.copy_, source), settler(device), 2.0 * source.nbytes, seconds)


def _lap(work: Callable[[], object], settle: Callable[[], None]) -> float:
    settle()
    start = perf_counter()
    work()
    settle()
    return perf_counter() - start


def _repeat(work: Callable[[], object], settle: Callable[[], None], amount: float, seconds: float) -> Rate:
    """The amount a second, once at least."""
    began = perf_counter()
    laps = [_lap(work, settle)]
    while len(laps) < REPEATS and perf_counter() - began < seconds:
        laps.append(_lap(work, settle))
    return _rate([amount / lap for lap in laps])


def _rate(rates: list[float]) -> Rate:
    return Rate(median=median(rates), low=min(rates), high=max(rates), repeats=len(rates))


def _disk(folder: Path, seconds: float, notes: list[str]) -> Rate:
    """Write a file without a name, make the system forget it, and read it, some times."""
    folder.mkdir(parents=True, exist_ok=True)
    if psutil.disk_usage(str(folder)).free < 4 * DISK_BYTES:
        raise OSError(0, "less than 1 GB is free")
    with TemporaryFile(dir=folder, buffering=0) as file:
        descriptor = file.fileno()
        written = _write(descriptor, seconds / 2)
        before = _from_disk_bytes()
        began = perf_counter()
        laps: list[float] = []
        while not laps or (len(laps) < REPEATS and perf_counter() - began < seconds / 2):
            _forget(descriptor)
            laps.append(_read(descriptor))
        after = _from_disk_bytes()
    if not hasattr(os, "posix_fadvise"):
        notes.append("this system cannot be asked to forget a file: the disk's rate may be that of memory")
    elif before is not None and after is not None and after - before < written / 2:
        notes.append("the system counted no reading from a disk: the rate may be that of memory or of a network")
    return _rate([written / lap for lap in laps])


def _write(descriptor: int, seconds: float) -> int:
    """Write for so long or up to `DISK_BYTES`, at least a chunk, until the disk has it; the bytes written."""
    chunk = os.urandom(CHUNK_BYTES)  # zeros would be compressed by some file systems
    began = perf_counter()
    written = 0
    while not written or (written < DISK_BYTES and perf_counter() - began < seconds):
        written += os.write(descriptor, chunk)
        os.fsync(descriptor)  # only what the disk has can be forgotten
    return written


def _forget(descriptor: int) -> None:
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _read(descriptor: int) -> float:
    """Seconds to read the whole file."""
    buffer = bytearray(CHUNK_BYTES)
    os.lseek(descriptor, 0, os.SEEK_SET)
    start = perf_counter()
    while os.readv(descriptor, [buffer]):
        continue
    return perf_counter() - start


def _from_disk_bytes() -> int | None:
    """What this process has made the system fetch from disks so far; None where nobody counts."""
    process = psutil.Process()
    if not hasattr(process, "io_counters"):
        return None
    try:
        return int(process.io_counters().read_bytes)
    except (psutil.Error, OSError):
        return None


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(measure(msgspec.json.decode(sys.stdin.buffer.read(), type=SpeedPlan))))
