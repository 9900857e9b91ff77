"""The built-in data set: generated pairs with labels, so that a first run needs no download."""

import difflib
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.data.bigearthnet import BANDS, CLASSES
from bench.data.pairs import SPLITS, SYNTHETIC, BandStatistics, Image, Split
from bench.data.places import Place
from bench.data.synthetic_images import LEVELS, Level, draw_images
from bench.data.synthetic_land import Land, draw_land
from bench.errors import DataError
from models.config import Sensor

RECIPE: Final = 1
"""Goes up when the same options give other pairs; part of every pair's name."""

SAMPLE_PAIRS: Final = 256
"""Training pairs that the statistics are computed from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticOptions:
    """What is generated. A pair depends on level, pixels, seed, split and its number alone: smaller sets are nested."""

    train: int = 512
    query: int = 500
    archive: int = 1000
    level: Level = "mid"
    """How much two images of the same class differ."""
    pixels: int = 64
    """Height and width of the images."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be generated."""
        for name in SPLITS:
            if not 1 <= getattr(self, name) < 10**6:
                raise ValueError(f"{name}={getattr(self, name)} must be between 1 and 999999")
        if self.level not in LEVELS:
            raise ValueError(f"level={self.level} must be one of {', '.join(LEVELS)}")
        if not 16 <= self.pixels <= 512 or self.pixels % 8:
            raise ValueError(f"pixels={self.pixels} must be a multiple of 8 between 16 and 512")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed={self.seed} must be below 2^63")


def parse_options(text: str) -> SyntheticOptions:
    """Options in "train=1024,level=hard,seed=3"; the defaults for an empty text.

    Raises: DataError: an unknown option, or a value that cannot be.
    """
    known = {field.name: field.type for field in fields(SyntheticOptions)}
    values: dict[str, int | str] = {}
    for part in filter(None, text.split(",")):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise DataError(f"{SYNTHETIC}: unknown option {name!r}: {hint}")
        if name == "level":
            values[name] = value
        elif value.isdecimal():
            values[name] = int(value)
        else:
            raise DataError(f"{SYNTHETIC}: {name}={value!r} must be a whole number")
    try:
        return SyntheticOptions(**values)  # type: ignore[arg-type]  # names and kinds were checked above
    except ValueError as error:
        raise DataError(f"{SYNTHETIC}: {error}") from error


class SyntheticPairs:
    """Pairs made when they are read."""

    layout = SYNTHETIC
    synthetic = True
    bands = BANDS
    classes = CLASSES
    notes = ("the images are synthetic: scores on them say nothing about scores on real images",)

    def __init__(self, options: SyntheticOptions) -> None:
        self.options = options
        self.name = f"{SYNTHETIC} ({options.level})"
        self.image_pixels = options.pixels
        self._prefix = f"{SYNTHETIC}{RECIPE}-{options.level}-{options.pixels}px-seed{options.seed}"
        self._ids: dict[Split, tuple[str, ...]] = {
            split: tuple(f"{self._prefix}-{split}-{number:06d}" for number in range(getattr(options, split)))
            for split in SPLITS
        }
        self._labels: dict[Split, NDArray[np.bool_]] = {}
        self._statistics: dict[Sensor, BandStatistics] | None = None

    def ids(self, split: Split) -> tuple[str, ...]:
        """Names by number."""
        return self._ids[split]

    def labels(self, split: Split) -> NDArray[np.bool_]:
        """Pairs x classes, from the class maps."""
        if split not in self._labels:
            self._labels[split] = np.stack(
                [self._land(split, number).labels() for number in range(len(self._ids[split]))]
            )
        return self._labels[split]

    def places(self, split: Split) -> tuple[Place, ...]:
        """Names alone: the pairs lie nowhere."""
        return tuple(Place(pair_id=pair_id) for pair_id in self._ids[split])

    def read(self, pair_id: str) -> dict[Sensor, Image]:
        """Both images of a pair."""
        prefix, _, number = pair_id.rpartition("-")
        for split in SPLITS:
            if prefix == f"{self._prefix}-{split}" and number.isdecimal() and int(number) < len(self._ids[split]):
                return draw_images(
                    self._rng(split, int(number), stream=1), self._land(split, int(number)), self.options.level
                )
        raise DataError(f"{pair_id} is no pair of {self.name}")

    def statistics(self) -> dict[Sensor, BandStatistics]:
        """Mean and standard deviation over the first training pairs, which are as random as any others."""
        if self._statistics is None:
            sample = [self.read(pair_id) for pair_id in self._ids["train"][:SAMPLE_PAIRS]]
            self._statistics = {
                sensor: _statistics(np.stack([images[sensor] for images in sample])) for sensor in self.bands
            }
        return self._statistics

    def close(self) -> None:
        """Nothing is open."""

    def _land(self, split: Split, number: int) -> Land:
        return draw_land(self._rng(split, number, stream=0), self.options.pixels)

    def _rng(self, split: Split, number: int, *, stream: int) -> np.random.Generator:
        # the class map has a stream of its own: labels cost no image, and levels share their maps
        return np.random.default_rng([RECIPE, self.options.seed, SPLITS.index(split), number, stream])


def _statistics(images: NDArray[np.float32]) -> BandStatistics:
    return BandStatistics(
        mean=tuple(float(value) for value in images.mean(axis=(0, 2, 3), dtype=np.float64)),
        std=tuple(float(value) for value in images.std(axis=(0, 2, 3), dtype=np.float64)),
        source=f"computed from {len(images)} training pairs",
    )
