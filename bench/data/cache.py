"""Decoded, normalised pairs on disk, memory-mapped, so that no trial pays for decoding twice."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from platformdirs import user_cache_path

from bench.data.decode import IDS_FILE, LABELS_FILE, LIMIT, PREPROCESSING, decode, image_file, write_split
from bench.data.fingerprint import fingerprint
from bench.data.pairs import SPLITS, BandStatistics, Image, SensorPairs, Split
from bench.errors import DataError
from bench.units import gib
from models.config import SENSORS, Sensor

PROGRESS_PAIRS: Final = 50
ABOUT_FILE: Final = "about.json"
FREE_BYTES: Final = 64 * 1024**2
"""What must stay free on the disk beside the cache."""

Progress = Callable[[str, int, int], None]
"""What is being done, pairs done, pairs in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """A data set, decoded."""

    folder: Path
    """What `open_split` opens."""
    clipped_values: int
    """Values further than `bench.data.decode.LIMIT` standard deviations from the mean, which were clipped to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """Written beside the splits."""

    data: str
    clipped_values: int
    statistics: dict[Sensor, BandStatistics]


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedSplit:
    """One split, ready for a network. Images are memory-mapped: reading rows is what loads them."""

    ids: tuple[str, ...]
    s1: NDArray[np.float16]
    """Pairs x bands x height x width, normalised."""
    s2: NDArray[np.float16]
    labels: NDArray[np.bool_] | None
    """Pairs x classes; None for data without labels."""

    def rows(self, rows: NDArray[np.integer]) -> "CachedSplit":
        """Some of the pairs, in the order of `rows`, read into memory."""
        return CachedSplit(
            ids=tuple(self.ids[row] for row in rows),
            s1=self.s1[rows],
            s2=self.s2[rows],
            labels=None if self.labels is None else self.labels[rows],
        )


def open_split(folder: str | Path, split: Split) -> CachedSplit:
    """One split of a cache.

    Raises: DataError: the cache is gone or damaged.
    """
    place = Path(folder) / split
    try:
        # copy on write: torch warns of arrays that cannot be written to
        images = {sensor: np.load(place / image_file(sensor), mmap_mode="c") for sensor in SENSORS}
        labels = np.load(place / LABELS_FILE) if (place / LABELS_FILE).is_file() else None
        ids = tuple(json.loads((place / IDS_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(f"the decoded pairs in {place} are gone or damaged ({error}): start the run again") from error
    return CachedSplit(ids=ids, s1=images["s1"], s2=images["s2"], labels=labels)


def folder_of(data_fingerprint: str, *, root: Path | None = None) -> Path:
    """Where the data set of this fingerprint lies decoded, if it was decoded here.

    Args:
        root: where caches lie; the user's cache folder when left out.
    """
    root = root or user_cache_path("csmae-advisor") / "decoded"
    return root / f"{data_fingerprint[:32]}-{PREPROCESSING}"


def statistics_of(folder: Path) -> dict[Sensor, BandStatistics]:
    """What normalised the pairs of a cache.

    Raises: DataError: the cache is gone or damaged.
    """
    try:
        return _about(folder).statistics
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"the decoded pairs in {folder} are gone or damaged ({error}): start the run again") from error


def prepare(pairs: SensorPairs, *, progress: Progress | None = None, root: Path | None = None) -> Cache:
    """Decode and normalise a data set, or find it done before.

    Two processes may do this at once: one works, the other waits. A killed one leaves nothing that is taken for whole.

    Args:
        progress: called about every 50 pairs.
        root: where caches lie; the user's cache folder when left out.
    Raises: DataError: a damaged pair, a pixel that is no finite number, or no room to write.
    """
    folder = folder_of(fingerprint(pairs), root=root)
    root = folder.parent
    tell = progress or _say_nothing
    try:
        found = _current(folder, pairs)
        if found:
            return found
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root / f"{folder.name}.lock", lambda: tell("waiting for another process", 0, _count(pairs))):
            return _current(folder, pairs) or _build(folder, pairs, tell)
    except (OSError, NotImplementedError) as error:  # not implemented: a file system without locks
        raise DataError(
            f"decoded pairs ({gib(_size_bytes(pairs))}) cannot be written to {root}: {error}. "
            "XDG_CACHE_HOME can name another folder"
        ) from error


def _say_nothing(_what: str, _done: int, _total: int) -> None:
    return


@contextmanager
def _alone(path: Path, before_waiting: Callable[[], None]) -> Iterator[None]:
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        before_waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _build(folder: Path, pairs: SensorPairs, tell: Progress) -> Cache:
    partial = folder.with_name(f"{folder.name}.partial")
    # whoever left this was killed: we hold the lock
    shutil.rmtree(partial, ignore_errors=True)
    free, needed = shutil.disk_usage(folder.parent).free, _size_bytes(pairs) + FREE_BYTES
    if free < needed:
        raise DataError(
            f"decoded pairs need {gib(needed)} in {folder.parent}, where {gib(free)} are free. "
            "XDG_CACHE_HOME can name another folder"
        )
    total = _count(pairs)
    done = 0

    def after_each() -> None:
        nonlocal done
        done += 1
        if done % PROGRESS_PAIRS == 0 or done == total:
            tell("decoding", done, total)

    try:
        partial.mkdir()
        tell("decoding", 0, total)
        statistics = pairs.statistics()
        clipped = sum(write_split(pairs, split, partial / split, statistics, after_each) for split in SPLITS)
        about = _About(data=pairs.name, clipped_values=clipped, statistics=statistics)
        (partial / ABOUT_FILE).write_bytes(msgspec.json.encode(about))
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Cache(folder=folder, clipped_values=clipped)


def _current(folder: Path, pairs: SensorPairs) -> Cache | None:
    """The cache if it is whole and its pixels are still those of the data set, looked at in one pair a split."""
    if not folder.is_dir():
        return None
    try:
        about = _about(folder)
        splits = [open_split(folder, split) for split in SPLITS]
    except (DataError, OSError, msgspec.DecodeError):
        return None
    for split in splits:
        row = len(split.ids) // 2
        fresh = decode(pairs, split.ids[row], about.statistics)
        if not (_alike(split.s1[row], fresh["s1"]) and _alike(split.s2[row], fresh["s2"])):
            return None
    return Cache(folder=folder, clipped_values=about.clipped_values)


def _about(folder: Path) -> _About:
    return msgspec.json.decode((folder / ABOUT_FILE).read_bytes(), type=_About)


def _alike(cached: NDArray[np.float16], fresh: Image) -> bool:
    # wider than float16 rounds, so that another machine's arithmetic does not count as another data set
    return np.allclose(cached, np.clip(fresh, -LIMIT, LIMIT), rtol=1e-2, atol=1e-2)


def _count(pairs: SensorPairs) -> int:
    return sum(len(pairs.ids(split)) for split in SPLITS)


def _size_bytes(pairs: SensorPairs) -> int:
    bands = sum(len(names) for names in pairs.bands.values())
    return _count(pairs) * bands * pairs.image_pixels**2 * np.dtype(np.float16).itemsize
