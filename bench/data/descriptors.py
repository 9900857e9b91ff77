"""Descriptors that a finished trial leaves on the disk, for the index and the gallery. Imports no torch."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from bench.errors import DataError
from models.config import SENSORS, Sensor

SEARCHED: Final = ("query", "archive")
"""The splits that are embedded."""

KEEP_BYTES: Final = 4 * 1000**3
"""0.8 GB hold those of one trial on 65,000 queries and as many archive pairs at 768 dimensions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors:
    """Of one trial, not normalised, in the order of the splits: (pairs, width) each, memory-mapped."""

    query: Mapping[Sensor, NDArray[np.float32]]
    archive: Mapping[Sensor, NDArray[np.float32]]


def descriptor_root() -> Path:
    """Where they lie: a folder a trial."""
    return user_cache_path("csmae-advisor") / "descriptors"


def save(trial_id: str, descriptors: Descriptors, *, root: Path, keep_bytes: int = KEEP_BYTES) -> None:
    """Write a trial's descriptors, then remove the oldest of other trials beyond a limit.

    Raises: OSError: no room, or not writable.
    """
    folder = root / trial_id
    partial = root / f"{trial_id}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for split, by_sensor in zip(SEARCHED, (descriptors.query, descriptors.archive), strict=True):
            for sensor in SENSORS:
                np.save(partial / f"{split}_{sensor}.npy", by_sensor[sensor])
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _prune(root, keep_bytes, but=folder)


def load(trial_id: str, *, root: Path) -> Descriptors:
    """A trial's descriptors.

    Raises: DataError: they were removed, or cannot be read.
    """
    folder = root / trial_id
    if not folder.is_dir():
        raise DataError(
            f"trial {trial_id} has left no descriptors in {root}: they were removed to make room for newer ones, or "
            "the trial ran on another machine; run it again"
        )
    try:
        query, archive = (
            {sensor: np.load(folder / f"{split}_{sensor}.npy", mmap_mode="r") for sensor in SENSORS}
            for split in SEARCHED
        )
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"the descriptors in {folder} cannot be read: {error}") from error
    return Descriptors(query=query, archive=archive)


def _prune(root: Path, keep_bytes: int, *, but: Path) -> None:
    others = [(*_age_and_bytes(folder), folder) for folder in root.iterdir() if folder != but]
    kept = _age_and_bytes(but)[1]
    for _, size, folder in sorted(others, reverse=True):
        kept += size
        if kept > keep_bytes:
            shutil.rmtree(folder, ignore_errors=True)


def _age_and_bytes(folder: Path) -> tuple[float, int]:
    """When a folder was last written, and what it holds; nothing where another process takes it away meanwhile."""
    try:
        return folder.stat().st_mtime, sum(file.stat().st_size for file in folder.iterdir())
    except OSError:
        return 0.0, 0
