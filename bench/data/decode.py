"""A pair as the network sees it: normalised, clipped, in float16; and a split of them written to files."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np

from bench.data.pairs import BandStatistics, Image, SensorPairs, Split
from bench.errors import DataError
from models.config import SENSORS, Sensor

PREPROCESSING: Final = 1
"""Goes up when the same pair would be written with other values."""

LIMIT: Final = 1e4
"""Normalised values are clipped to plus or minus this: float16 ends at 65,504, and no real pixel comes near."""

IDS_FILE: Final = "ids.json"
LABELS_FILE: Final = "labels.npy"


def image_file(sensor: Sensor) -> str:
    """The file of one sensor's images in a split's folder."""
    return f"{sensor}.npy"


def decode(pairs: SensorPairs, pair_id: str, statistics: dict[Sensor, BandStatistics]) -> dict[Sensor, Image]:
    """Both images of a pair, normalised, in float32, not clipped.

    Raises: DataError: the pair is damaged, or a pixel is no finite number.
    """
    normalised: dict[Sensor, Image] = {}
    for sensor, image in pairs.read(pair_id).items():
        finite = np.isfinite(image).all(axis=(1, 2))
        if not finite.all():
            band = pairs.bands[sensor][int(finite.argmin())]
            raise DataError(f"{pair_id} in {pairs.name}: band {band} has pixels that are no finite number")
        mean, std = (
            np.asarray(values, np.float32)[:, None, None]
            for values in (statistics[sensor].mean, statistics[sensor].std)
        )
        normalised[sensor] = (image - mean) / std
    return normalised


def write_split(
    pairs: SensorPairs,
    split: Split,
    folder: Path,
    statistics: dict[Sensor, BandStatistics],
    after_each: Callable[[], None],
) -> int:
    """Decode a split into a new folder, pair by pair; returns how many values were clipped.

    Raises: DataError: as `decode`. OSError: no room, or not writable.
    """
    ids = pairs.ids(split)
    labels = pairs.labels(split)
    folder.mkdir()
    clipped = 0
    with ExitStack() as stack:
        files = {sensor: stack.enter_context((folder / image_file(sensor)).open("wb")) for sensor in SENSORS}
        for sensor, file in files.items():
            shape = (len(ids), len(pairs.bands[sensor]), pairs.image_pixels, pairs.image_pixels)
            # written like a stream: a full disk is an error here, but a crash where the file is mapped
            header = {"descr": "<f2", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
        for pair_id in ids:
            for sensor, image in decode(pairs, pair_id, statistics).items():
                clipped += int(np.count_nonzero(np.abs(image) > LIMIT))
                files[sensor].write(np.clip(image, -LIMIT, LIMIT).astype("<f2").tobytes())
            after_each()
    if labels is not None:
        np.save(folder / LABELS_FILE, labels)
    (folder / IDS_FILE).write_text(json.dumps(list(ids)), encoding="utf-8")
    return clipped
