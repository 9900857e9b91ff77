"""Everything before the first step: open, profile and decode the pairs, and plan. Imports no torch."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.data import cache
from bench.data.fingerprint import fingerprint
from bench.data.pairs import SPLITS, SensorPairs
from bench.errors import DataError, UsageError
from bench.full.plan import FullPlan, read_plan
from bench.profile.dataset import data_use, profile_dataset
from bench.profile.hardware import HardwareProfile
from bench.result import Candidate, Precision
from bench.run.memory import headroom
from models.config import SENSORS, configure

Progress = Callable[[str, int, int], None]
"""What is being done, pairs done, pairs in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A full training as a user asks for it."""

    source: str
    """The data set, as for `open_pairs`."""
    candidate: Candidate
    precision: Precision | None
    """None: the one that suits the device."""
    epochs: int
    batch_pairs: int
    learning_rate: float
    warmup_epochs: int
    seed: int
    save_every: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """With what it is computed; another one may go on with it."""

    devices: tuple[str, ...]
    threads: int
    micro_batches: int
    memory_limit_bytes: int | None


def means_of(devices: tuple[str, ...], micro_batches: int, hardware: HardwareProfile) -> Means:
    """What this machine gives to a training on these devices."""
    alone = devices == ("cpu",)
    return Means(
        devices=devices,
        threads=max(1, hardware.cores_usable // len(devices)),
        micro_batches=micro_batches,
        memory_limit_bytes=headroom(hardware) if alone else None,
    )


def planned(pairs: SensorPairs, wanted: Wanted, means: Means, precision: Precision) -> FullPlan:
    """A new training of these pairs, which are not decoded yet.

    Raises: UsageError: a value, or the images, cannot be used.
    """
    candidate = wanted.candidate
    bands = {sensor: len(pairs.bands[sensor]) for sensor in SENSORS}
    try:
        return FullPlan(
            candidate=candidate,
            model=configure(candidate.variant, candidate.size, bands=bands, image_pixels=pairs.image_pixels),
            data=data_use(profile_dataset(pairs)),
            source=_lasting(wanted.source),
            cache="",
            precision=precision,
            devices=means.devices,
            threads=means.threads,
            epochs=wanted.epochs,
            batch_pairs=wanted.batch_pairs,
            learning_rate=wanted.learning_rate,
            warmup_epochs=wanted.warmup_epochs,
            seed=wanted.seed,
            micro_batches=means.micro_batches,
            save_every=wanted.save_every,
            memory_limit_bytes=means.memory_limit_bytes,
        )
    except ValueError as error:
        raise UsageError(f"{candidate.title} cannot be trained on {pairs.name}: {error}") from error


def _lasting(source: str) -> str:
    """The data set's name from wherever a later command is given."""
    path = Path(source).expanduser()
    return str(path.absolute()) if path.exists() else source


def resumed(folder: Path, means: Means | None) -> FullPlan:
    """The plan of a training that began.

    Args:
        means: to go on with; None: those of before.
    Raises: UsageError: there is none, or it cannot be gone on with like this.
    """
    plan = read_plan(folder)
    if means is None:
        return plan
    try:
        return replace(
            plan,
            devices=means.devices,
            threads=means.threads,
            micro_batches=means.micro_batches,
            memory_limit_bytes=means.memory_limit_bytes,
        )
    except ValueError as error:
        raise UsageError(f"{folder} cannot be gone on with like this: {error}") from error


def decoded(plan: FullPlan, pairs: SensorPairs, progress: Progress) -> FullPlan:
    """The plan with its pairs decoded.

    Raises: DataError: they are not those of the plan, or as for `bench.data.cache.prepare`.
    """
    if fingerprint(pairs) != plan.data.fingerprint:
        raise DataError(f"{plan.source} is no longer the data set that the training began with")
    return replace(plan, cache=str(cache.prepare(pairs, progress=progress).folder))


def still_decoded(plan: FullPlan) -> bool:
    """Whether the pairs that the training began with lie decoded where they did."""
    try:
        for split in SPLITS:
            cache.open_split(plan.cache, split)
    except DataError:
        return False
    return True
