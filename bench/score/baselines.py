"""Two descriptors that need no network, of the images as a network sees them: what training has to beat.

Thumbnails found the partner of 14 % of real queries among the first ten, where chance is 2 % and a network needed a
minute of training for as much (`benchmarks/baselines.py`).
"""

import os
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from bench.data.cache import CachedSplit
from bench.data.descriptors import Descriptors
from bench.score.descriptors import blocks
from models.config import SENSORS

Baseline = Literal["band_statistics", "thumbnail"]
"""Mean and deviation of each band, each standardised over the archive; the image as 8 x 8 grey pixels, standardised by
itself, so that a cosine is a correlation."""

BASELINES: Final[tuple[Baseline, ...]] = ("band_statistics", "thumbnail")

Described = NDArray[np.float32]
"""A row an image."""

VERSION: Final = 1
"""Goes up when the same images would be described by other numbers."""

FILE: Final = f"baselines-{VERSION}.npz"
"""Beside the decoded pairs: they depend on nothing else."""

THUMBNAIL_PIXELS: Final = 8

FLAT: Final = 1e-6
"""A deviation up to this is none: normalised images deviate by about 1, rounding by about 1e-16."""


def without_network(folder: Path, query: CachedSplit, archive: CachedSplit) -> dict[Baseline, Descriptors]:
    """The baselines' descriptors, read from beside the pairs, or made from all images when they are not there whole.

    Args:
        folder: of the cache that the splits are from.
    """
    try:
        arrays = _read(folder / FILE, pairs={"query": len(query.ids), "archive": len(archive.ids)})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        arrays = _make(query, archive)
        with suppress(OSError):  # no room, or not ours to write: the next trial makes them again
            _write(folder / FILE, arrays)
    return {
        baseline: Descriptors(
            query={sensor: arrays[_key(baseline, "query", sensor)] for sensor in SENSORS},
            archive={sensor: arrays[_key(baseline, "archive", sensor)] for sensor in SENSORS},
        )
        for baseline in BASELINES
    }


def describe(images_NCHW: NDArray[np.float16] | NDArray[np.float32]) -> dict[Baseline, Described]:
    """Both descriptors of one sensor's images: (images, 2 x bands), not standardised yet, and (images, 64).

    The images are read in blocks, once; mapped ones need not fit into memory.
    """
    count, bands, height, width = images_NCHW.shape
    statistics_ND = np.empty((count, 2 * bands), dtype=np.float32)
    thumbnails_ND = np.empty((count, THUMBNAIL_PIXELS**2), dtype=np.float32)
    for rows in blocks(count, bands * height * width):
        block_BCHW = images_NCHW[rows].astype(np.float64)
        statistics_ND[rows] = np.concatenate([block_BCHW.mean(axis=(2, 3)), block_BCHW.std(axis=(2, 3))], axis=1)
        thumbnails_ND[rows] = _thumbnails(block_BCHW.mean(axis=1))
    return {"band_statistics": statistics_ND, "thumbnail": thumbnails_ND}


def _thumbnails(grey_BHW: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shrunk to (B, 64) by the mean over each cell's area, of mean 0 and deviation 1; 0 where nothing is to be seen."""
    down, across = (_shares(pixels) for pixels in grey_BHW.shape[1:])
    cells_BD = (down @ grey_BHW @ across.T).reshape(len(grey_BHW), -1)
    cells_BD -= cells_BD.mean(axis=1, keepdims=True)
    deviation_B1 = cells_BD.std(axis=1, keepdims=True)
    return np.where(deviation_B1 > FLAT, cells_BD / np.maximum(deviation_B1, FLAT), 0.0)


@lru_cache(maxsize=8)
def _shares(pixels: int) -> NDArray[np.float64]:
    """Of each cell of the thumbnail, the share that each of so many pixels covers: (8, pixels)."""
    edges = np.linspace(0, pixels, THUMBNAIL_PIXELS + 1)[:, np.newaxis]
    pixel = np.arange(pixels)
    covered = np.minimum(edges[1:], pixel + 1) - np.maximum(edges[:-1], pixel)
    shares: NDArray[np.float64] = np.maximum(covered, 0.0) * THUMBNAIL_PIXELS / pixels
    return shares


def _make(query: CachedSplit, archive: CachedSplit) -> dict[str, Described]:
    arrays: dict[str, Described] = {}
    for sensor, of_queries, of_archive in (("s1", query.s1, archive.s1), ("s2", query.s2, archive.s2)):
        sides = {"query": describe(of_queries), "archive": describe(of_archive)}
        mean_D, scale_D = _scale(sides["archive"]["band_statistics"])
        for split, described in sides.items():
            standardised = (described["band_statistics"] - mean_D) / scale_D
            arrays[_key("band_statistics", split, sensor)] = standardised.astype(np.float32)
            arrays[_key("thumbnail", split, sensor)] = described["thumbnail"]
    return arrays


def _scale(archive_ND: Described) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and deviation of each component; 1 where it is constant, which is then only centred."""
    deviation_D = archive_ND.std(axis=0, dtype=np.float64)
    return archive_ND.mean(axis=0, dtype=np.float64), np.where(deviation_D > FLAT, deviation_D, 1.0)


def _key(baseline: Baseline, split: str, sensor: str) -> str:
    return f"{baseline}-{split}-{sensor}"


def _read(file: Path, *, pairs: Mapping[str, int]) -> dict[str, Described]:
    """Raises: OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error: missing, damaged or of other pairs."""
    arrays: dict[str, Described] = {}
    with file.open("rb") as stream, np.load(stream) as kept:
        for baseline, split, sensor in product(BASELINES, pairs, SENSORS):
            key = _key(baseline, split, sensor)
            arrays[key] = kept[key]
            if len(arrays[key]) != pairs[split]:
                raise ValueError(f"{file} describes other pairs")
    return arrays


def _write(file: Path, arrays: Mapping[str, Any]) -> None:
    """Raises: OSError: no room, or not writable."""
    # of this process alone: trials on several devices may write at once
    partial = file.with_name(f"{file.stem}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as stream:
            np.savez(stream, **arrays)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
