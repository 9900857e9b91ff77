"""Real pairs without labels for benchmarks: crops of large Sentinel-1/Sentinel-2 images of Los Angeles, San Antonio.

Read from a folder `opt/<image>.png`, `sar/<image>.png`, `metadata.json`: 24 images of 1024 x 1024 pixels at 10 m, of
8 bit, RGB and VH. Two of three images are for training, the third is searched, so that no crop has a neighbour in
another role. A crop of 128 pixels becomes an image of 64 by the mean of 2 x 2 pixels.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from bench.data.pairs import BandStatistics, Image, Split
from bench.data.places import Place
from bench.errors import DataError
from models.config import Sensor

FOLDER: Final = Path(__file__).parents[2] / "shared" / "data" / "s1s2-la-sanantonio"

IMAGE_PIXELS: Final = 1024
CROP_PIXELS: Final = 128
SHRINK: Final = 2

TRAIN_STRIDE: Final = 64
"""Training crops overlap, in place of random crops; those that are searched do not."""

SEARCHED_EVERY: Final = 3
"""Every third image is searched."""

ARCHIVE_EVERY: Final = 8
"""Every eighth crop of a searched image is in the archive, the others are queries. Partners are looked for in both."""

STATISTICS_EVERY: Final = 10
"""Every tenth training crop gives mean and deviation."""


class LosAngelesPairs:
    """Crops of the large images, cut when they are read."""

    name = "Los Angeles and San Antonio"
    layout = "large-images"
    synthetic = False
    bands: Final[dict[Sensor, tuple[str, ...]]] = {"s1": ("VH",), "s2": ("B04", "B03", "B02")}
    image_pixels = CROP_PIXELS // SHRINK
    classes: tuple[str, ...] = ()
    notes = ("8 bit, each channel clipped at its 99 % quantile by those who made the pairs",)

    def __init__(self, folder: Path = FOLDER) -> None:
        """List the crops.

        Raises: DataError: the folder does not hold the images.
        """
        try:
            self._dates = _dates(json.loads((folder / "metadata.json").read_text(encoding="utf-8")))
        except OSError as error:
            raise DataError(f"{folder} does not hold the large images of Los Angeles: {error}") from error
        self._folder = folder
        searched = sorted(self._dates)[SEARCHED_EVERY - 1 :: SEARCHED_EVERY]
        trained = sorted(set(self._dates) - set(searched))
        crops = [crop for image in searched for crop in _crops(image, CROP_PIXELS)]
        archive = crops[ARCHIVE_EVERY - 1 :: ARCHIVE_EVERY]
        self._ids: dict[Split, tuple[str, ...]] = {
            "train": tuple(crop for image in trained for crop in _crops(image, TRAIN_STRIDE)),
            "query": tuple(sorted(set(crops) - set(archive))),
            "archive": tuple(archive),
        }
        # the crops of one image follow each other
        self._image = lru_cache(maxsize=4)(self._load)

    def ids(self, split: Split) -> tuple[str, ...]:
        """As "003-0128-0896": image, first row, first column."""
        return self._ids[split]

    def labels(self, split: Split) -> NDArray[np.bool_] | None:  # noqa: ARG002  the protocol's argument
        """None: there are no labels."""
        return None

    def places(self, split: Split) -> Sequence[Place]:
        """Each crop's large image and the day of its optical half."""
        return tuple(
            Place(pair_id=pair_id, tile=image, date=self._dates[image])
            for pair_id in self._ids[split]
            for image in [pair_id.split("-")[0]]
        )

    def read(self, pair_id: str) -> dict[Sensor, Image]:
        """Both images of a crop, 0 to 255."""
        image, top, left = pair_id.split("-")
        rows = slice(int(top), int(top) + CROP_PIXELS)
        columns = slice(int(left), int(left) + CROP_PIXELS)
        return {sensor: _shrunk(pixels[:, rows, columns]) for sensor, pixels in self._image(image).items()}

    def statistics(self) -> dict[Sensor, BandStatistics]:
        """Mean and deviation over some of the training crops."""
        sample = [self.read(pair_id) for pair_id in self._ids["train"][::STATISTICS_EVERY]]
        found: dict[Sensor, BandStatistics] = {}
        for sensor in self.bands:
            pixels = np.stack([images[sensor] for images in sample]).astype(np.float64)
            found[sensor] = BandStatistics(
                mean=tuple(pixels.mean(axis=(0, 2, 3)).tolist()),
                std=tuple(pixels.std(axis=(0, 2, 3)).tolist()),
                source=f"computed from {len(sample)} training crops",
            )
        return found

    def close(self) -> None:
        """Forget the images held in memory."""
        self._image.cache_clear()

    def _load(self, image: str) -> dict[Sensor, NDArray[np.uint8]]:
        """Both large images: bands x height x width. The three channels of the radar image are equal."""
        try:
            optical, radar = (np.asarray(Picture.open(self._folder / half / f"{image}.png")) for half in ("opt", "sar"))
        except OSError as error:
            raise DataError(f"image {image} in {self._folder} cannot be read: {error}") from error
        return {"s1": radar[..., :1].transpose(2, 0, 1), "s2": optical[..., :3].transpose(2, 0, 1)}


def _dates(rows: list[dict[str, str]]) -> dict[str, str]:
    """Day of the optical image, ISO 8601, by image; it is written as 04.11.2020."""
    return {
        row["fragment_filename"].removesuffix(".png"): "-".join(reversed(row["opt_tile_sensing_date"].split(".")))
        for row in rows
    }


def _crops(image: str, stride: int) -> list[str]:
    corners = range(0, IMAGE_PIXELS - CROP_PIXELS + 1, stride)
    return [f"{image}-{top:04}-{left:04}" for top in corners for left in corners]


def _shrunk(pixels_CHW: NDArray[np.uint8]) -> Image:
    bands, height, width = pixels_CHW.shape
    blocks = pixels_CHW.reshape(bands, height // SHRINK, SHRINK, width // SHRINK, SHRINK)
    shrunk: Image = blocks.mean(axis=(2, 4), dtype=np.float32)
    return shrunk
