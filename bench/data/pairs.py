"""The one thing that every layout gives, and the table of layouts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

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
        """How it is stored: a key of `LAYOUTS`."""

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

    def ids(self, split: Split) -> Sequence[str]:
        """Names of the pairs in a split, in their fixed order."""

    def labels(self, split: Split) -> NDArray[np.bool_] | None:
        """Pairs x classes, or None for data without labels."""

    def read(self, pair_id: str) -> dict[Sensor, Image]:
        """Both images of a pair, resampled to one grid, not normalised.

        Raises: DataError: the pair is missing or damaged.
        """

    def statistics(self) -> dict[Sensor, BandStatistics]:
        """What normalises each sensor."""

    def close(self) -> None:
        """Give back files; calling it twice is fine."""
