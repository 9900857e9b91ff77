"""The one thing that every layout gives, the table of layouts, and how to open one."""

import difflib
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.data.places import Place
from bench.errors import DataError
from models.config import Sensor

Split = Literal["train", "query", "archive"]
"""The roles in a benchmark: training; queries (validation split); searched archive (test split)."""

SPLITS: Final[tuple[Split, ...]] = ("train", "query", "archive")

Image = NDArray[np.float32]
"""One sensor's image: bands x height x width, in the layout's own units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BandStatistics:
    """Mean and standard deviation that normalise one sensor, in the order of its bands."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str
    """Where the numbers come from: published for this archive, or computed from its training pairs."""


class SensorPairs(Protocol):
    """An opened data set. Reading is lazy, safe in several processes, and never executes what it reads."""

    @property
    def name(self) -> str:
        """What its owner calls it."""

    @property
    def layout(self) -> str:
        """How it is stored: a key of `LAYOUTS`, or "synthetic"."""

    @property
    def synthetic(self) -> bool:
        """Whether the images were generated."""

    @property
    def bands(self) -> dict[Sensor, tuple[str, ...]]:
        """Band names in the order of the channels."""

    @property
    def image_pixels(self) -> int:
        """Height and width of the images."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels in the order of the columns; empty for data without labels."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What its user should know, a sentence each: pairs left out and why."""

    def ids(self, split: Split) -> Sequence[str]:
        """Names of the pairs in a split, sorted: neighbours are alike, so sample them, never take the first ones."""

    def labels(self, split: Split) -> NDArray[np.bool_] | None:
        """Pairs x classes, or None for data without labels. The first call may read every pair of the split."""

    def places(self, split: Split) -> Sequence[Place]:
        """Where and when each pair was taken, as far as is known, in the order of `ids`. Reads no image."""

    def read(self, pair_id: str) -> dict[Sensor, Image]:
        """Both images of a pair, resampled to one grid, not normalised.

        Raises: DataError: the pair is missing or damaged.
        """

    def statistics(self) -> dict[Sensor, BandStatistics]:
        """What normalises each sensor."""

    def close(self) -> None:
        """Give back files; calling it twice is fine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way to store pairs."""

    title: str
    holds: str
    """What a folder of this layout holds."""
    module: str
    """Imported when a path is opened; its `open_folder(folder)` gives the pairs, or None if they are not its own."""


LAYOUTS: Final[dict[str, Layout]] = {
    "ben-v1-lmdb": Layout(
        title="BigEarthNet v1 LMDB, as the public CSMAE code reads it",
        holds="an LMDB of pickled patches and train.csv, val.csv, test.csv",
        module="bench.data.ben_v1_lmdb",
    ),
    "ben-v2-lmdb": Layout(
        title="BigEarthNet v2 LMDB of safetensors",
        holds="an LMDB of safetensors and metadata.parquet",
        module="bench.data.ben_v2_lmdb",
    ),
}
"""Layouts found by their files. The synthetic set has none: it is opened by its name."""

SYNTHETIC: Final = "synthetic"


def open_pairs(data: str | Path) -> SensorPairs:
    """Open a data set.

    Args:
        data: "synthetic", "synthetic:train=1024,level=hard,seed=3", or a folder: the one that holds an LMDB and its
            metadata, or the LMDB's own with the metadata in it or beside it.
    Raises: DataError: no such path, no known layout, or a data set that lacks a part.
    """
    name, _, options = str(data).partition(":")
    if isinstance(data, str) and name == SYNTHETIC:
        return _synthetic(options)
    try:
        folder = Path(data).expanduser()
        exists = folder.exists()
    except (OSError, RuntimeError) as error:  # RuntimeError: ~ of a user that there is not
        raise DataError(f"{data} cannot be opened: {error}") from error
    if folder.name == "data.mdb":
        folder = folder.parent
    if not exists:
        meant = difflib.get_close_matches(name, [SYNTHETIC])
        raise DataError(f"{data} does not exist" + (f": did you mean {meant[0]!r}?" if meant else ""))
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder: give the one that holds the data set")
    for layout in LAYOUTS.values():
        opener: Callable[[Path], SensorPairs | None] = importlib.import_module(layout.module).open_folder
        pairs = opener(folder)
        if pairs is not None:
            return pairs
    known = "; ".join(f"{layout.title} ({layout.holds})" for layout in LAYOUTS.values())
    raise DataError(f"{folder} holds no data set of a known layout. Looked for: {known}. Or use {SYNTHETIC!r}")


def _synthetic(options: str) -> SensorPairs:
    module = importlib.import_module("bench.data.synthetic")
    pairs: SensorPairs = module.SyntheticPairs(module.parse_options(options))
    return pairs
