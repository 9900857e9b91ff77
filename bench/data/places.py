"""Where and when the pairs of a split were taken, as far as their archive tells."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One pair. None: its archive does not tell."""

    pair_id: str
    tile: str | None = None
    """The large image that it was cut from: an MGRS tile, or the product where the tile is not told. Neighbours in it
    are alike."""
    country: str | None = None
    date: str | None = None
    """Day on which the optical image was taken, ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """The queries of a data set, in the order of `QueryScores.values`."""

    fingerprint: str
    """Of the data set, as in `DataUse`."""
    places: tuple[Place, ...]
    labels: tuple[tuple[int, ...], ...] = ()
    """Columns of the label matrix that each query carries; empty for data without labels."""

    @property
    def groups(self) -> NDArray[np.int64] | None:
        """Number of each query's tile, from 0; None where tiles say nothing: see `grouped`."""
        return grouped([place.tile for place in self.places])


def grouped(tiles: Sequence[str | None]) -> NDArray[np.int64] | None:
    """Each tile's number in sorted order; None where one is unknown, all are the same, or each comes once.

    With a single tile nothing can be known of how tiles differ: queries then stand for themselves.
    """
    known = {tile for tile in tiles if tile is not None}
    if None in tiles or not 1 < len(known) < len(tiles):
        return None
    number = {tile: place for place, tile in enumerate(sorted(known))}
    return np.array([number[tile] for tile in tiles if tile is not None], dtype=np.int64)
