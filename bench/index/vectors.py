"""Unit vectors of a trial's descriptors, and more like them for archives larger than its own."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.data.descriptors import Descriptors
from bench.plan.index import IndexDirection
from bench.result import Gallery
from bench.score.descriptors import ScoreError, unit_vectors
from models.config import SENSORS

Vectors = NDArray[np.float32]

SEED: Final = 0
"""Fixed: equal descriptors, equal archives."""

MOST_QUERIES: Final = 500
"""A recall of 95 % is then known to about one point."""

_RESIDUALS: Final = 256
_CHUNK: Final = 16_384


def archive_vectors(descriptors: Descriptors, gallery: Gallery) -> Vectors:
    """What is searched, in an order that makes every beginning of it a random part: (items, width).

    Raises: ScoreError: descriptors hold NaN or infinity, or sensors of one archive differ in width.
    """
    sensors = SENSORS if gallery == "both" else (gallery,)
    if len({descriptors.archive[sensor].shape[1] for sensor in sensors}) > 1:
        raise ScoreError("the descriptors of the two sensors differ in width: one archive cannot hold both")
    units = np.concatenate([unit_vectors(descriptors.archive[sensor], what="archive") for sensor in sensors])
    return units[np.random.default_rng(SEED).permutation(len(units))]


def query_vectors(descriptors: Descriptors, direction: IndexDirection) -> Vectors:
    """A random part of a sensor's queries: (queries, width)."""
    units = unit_vectors(descriptors.query[direction[0]], what="query")
    return units[np.random.default_rng(SEED).permutation(len(units))[:MOST_QUERIES]]


class Enlarged:
    """Vectors drawn from real ones, as many as are asked for; more of them begin with the same.

    A drawn vector is a real one moved by noise that has the size and the directions of the steps between nearest
    neighbours, put back on the sphere. Its neighbours are not real: it serves to time a search and to fill memory.
    """

    def __init__(self, real_ND: Vectors, steps_RD: Vectors, most: int) -> None:
        """Begin with the real vectors.

        Args:
            steps_RD: differences between some vectors and their nearest neighbours.
            most: how many will be asked for at most.
        """
        self._random = np.random.default_rng(SEED)
        self._real_ND = real_ND
        self._steps_RD = steps_RD / np.float32(np.sqrt(len(steps_RD)))
        self._all_MD = np.empty((most, real_ND.shape[1]), dtype=np.float32)
        self._filled = 0

    def first(self, items: int) -> Vectors:
        """The first so many: (items, width)."""
        while self._filled < items:
            rows = slice(self._filled, min(self._filled + _CHUNK, len(self._all_MD)))
            self._all_MD[rows] = self._drawn(rows)
            self._filled = rows.stop
        return self._all_MD[:items]

    def _drawn(self, rows: slice) -> Vectors:
        if rows.start < len(self._real_ND):
            begun = self._real_ND[rows]
            rest = slice(rows.start + len(begun), rows.stop)
            return np.concatenate((begun, self._moved(rest.stop - rest.start)))
        return self._moved(rows.stop - rows.start)

    def _moved(self, count: int) -> Vectors:
        real_BD = self._real_ND[self._random.integers(len(self._real_ND), size=count)]
        noise_BR = self._random.standard_normal((count, len(self._steps_RD)), dtype=np.float32)
        moved_BD = real_BD + noise_BR @ self._steps_RD
        lengths_B1 = np.linalg.norm(moved_BD, axis=1, keepdims=True)
        return np.asarray(moved_BD / np.maximum(lengths_B1, np.finfo(np.float32).tiny), dtype=np.float32)


def neighbour_steps(real_ND: Vectors) -> Vectors:
    """How far and where to the nearest other vector it is, from some vectors: (steps, width)."""
    some_RD = real_ND[:_RESIDUALS]
    cosines_RN = some_RD @ real_ND.T
    np.fill_diagonal(cosines_RN, -np.inf)
    nearest_RD: Vectors = real_ND[cosines_RN.argmax(axis=1)]
    return nearest_RD - some_RD
