"""The batch edges of several candidates: look at machine and data, decode, then search one after another."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from bench.data import cache
from bench.data.pairs import open_pairs
from bench.errors import UnfitError, UsageError
from bench.plan.edge import EdgeTry
from bench.profile.hardware import HardwareProfile, probe
from bench.profile.provenance import provenance
from bench.result import Candidate, Precision
from bench.run.deadline import Deadline
from bench.run.edge import Case, Edge, find_edge
from bench.run.events import Event
from bench.run.executor import Executor
from bench.run.memory import CONFINES, headroom
from bench.run.prepare import resolve_devices
from bench.run.progress import with_progress
from bench.units import gib
from models.config import ModelConfig, Sensor, configure

LIMIT_GRAIN_BYTES: Final = 64 * 1024**2
"""Free memory is rounded down to this, so that searches on one machine more often share a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRequest:
    """What a user asks."""

    data: str
    """A path, or "synthetic" with options."""
    variants: tuple[str, ...]
    sizes: tuple[str, ...]
    device: str
    """"auto", "cpu", "cuda" or "cuda:1"."""
    precision: Precision
    memory_limit_bytes: int | None
    """What a trial may hold; None: what is free here."""
    max_batch: int
    seconds: float
    """For everything, from now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """The search begins."""

    hardware: HardwareProfile
    device: str
    memory_limit_bytes: int | None
    memory_origin: str
    """What sets the limit, in words."""
    data: str
    synthetic: bool
    train_pairs: int


def survey(request: SurveyRequest, executor: Executor) -> Generator[Event | Surveyed | EdgeTry | Edge]:
    """Search for the edge of each candidate; an `Edge` ends the tries of one, and the time that is left is shared.

    Raises: BenchError: the request, the data or the machine cannot be used, or decoding takes all of the time.
    """
    deadline = Deadline(request.seconds)
    hardware = probe()
    device = resolve_devices(request.device, hardware)[0]
    limit, origin = _limit(request, hardware, device)
    with closing(open_pairs(request.data)) as pairs:
        train_pairs = len(pairs.ids("train"))
        bands = {sensor: len(names) for sensor, names in pairs.bands.items()}
        models = {
            Candidate(variant=variant, size=size): _model(variant, size, bands, pairs.image_pixels, pairs.name)
            for size in request.sizes
            for variant in request.variants
        }
        prepared = yield from with_progress(lambda tell: cache.prepare(pairs, progress=tell), deadline)
        yield Surveyed(
            hardware=hardware,
            device=device,
            memory_limit_bytes=limit,
            memory_origin=origin,
            data=pairs.name,
            synthetic=pairs.synthetic,
            train_pairs=train_pairs,
        )
    tool_version = provenance(hardware, command="").tool_version
    for number, (candidate, model) in enumerate(models.items()):
        case = Case(
            candidate=candidate,
            model=model,
            cache=str(prepared.folder),
            train_pairs=train_pairs,
            machine=hardware.id,
            device=device,
            precision=request.precision,
            threads=hardware.cores_usable,
            memory_limit_bytes=limit,
            tool_version=tool_version,
        )
        share = (deadline.left or 0.0) / (len(models) - number)
        yield (yield from find_edge(case, executor, max_batch=request.max_batch, seconds=share))


def _limit(request: SurveyRequest, hardware: HardwareProfile, device: str) -> tuple[int | None, str]:
    """What a try may hold, and what sets it.

    Raises: UsageError: this system cannot hold a process to a limit. UnfitError: no memory is left.
    """
    if request.memory_limit_bytes is not None and device == "cpu" and not CONFINES:
        raise UsageError("--memory-limit: this system cannot hold a process to a limit; leave it out")
    if device == "cpu":
        free: int | None = headroom(hardware) // LIMIT_GRAIN_BYTES * LIMIT_GRAIN_BYTES
        origin = (
            f"free now, less a reserve; the limit of {gib(hardware.memory_limit_bytes)} is set by "
            f"{hardware.memory_origin or 'the machine'}"
        )
        if hardware.memory_origin.startswith("ulimit"):
            origin += ", which counts address space: libraries take much of it"
    else:
        free = hardware.gpus[int(device.partition(":")[2])].memory_free_bytes
        origin = "free now on the GPU"
    if free is not None and free <= 0:
        raise UnfitError(f"no memory is left for a trial: {gib(hardware.memory_available_bytes)} are free")
    if request.memory_limit_bytes is not None and (free is None or request.memory_limit_bytes <= free):
        return request.memory_limit_bytes, "as asked"
    if request.memory_limit_bytes is not None:
        return free, f"{origin}; {gib(request.memory_limit_bytes)} were asked"
    return free, origin


def _model(variant: str, size: str, bands: dict[Sensor, int], image_pixels: int, data: str) -> ModelConfig:
    try:
        return configure(variant, size, bands=bands, image_pixels=image_pixels)
    except ValueError as error:
        title = Candidate(variant=variant, size=size).title
        raise UsageError(f"{title} does not fit the images of {data}: {error}") from error
