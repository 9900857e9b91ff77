"""What all layouts of BigEarthNet share: bands, grids and the 19 classes."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.data.pairs import SPLITS, Image, Split
from bench.data.places import Place
from bench.data.resample import resize
from bench.errors import DataError
from models.config import Sensor

IMAGE_PIXELS: Final = 120

_TEN_METRES: Final = ("B02", "B03", "B04", "B08")
_TWENTY_METRES: Final = ("B05", "B06", "B07", "B11", "B12", "B8A")
_RADAR: Final = ("VH", "VV")

BANDS: Final[dict[Sensor, tuple[str, ...]]] = {"s1": _RADAR, "s2": _TEN_METRES + _TWENTY_METRES}
"""Channels in the order of the public CSMAE code; the 60 m bands are not used."""

AGRICULTURE_AND_NATURE: Final = "Land principally occupied by agriculture, with significant areas of natural vegetation"
MOORS: Final = "Moors, heathland and sclerophyllous vegetation"
GRASSLAND: Final = "Natural grassland and sparsely vegetated areas"

CLASSES: Final = (
    "Agro-forestry areas",
    "Arable land",
    "Beaches, dunes, sands",
    "Broad-leaved forest",
    "Coastal wetlands",
    "Complex cultivation patterns",
    "Coniferous forest",
    "Industrial or commercial units",
    "Inland waters",
    "Inland wetlands",
    AGRICULTURE_AND_NATURE,
    "Marine waters",
    "Mixed forest",
    MOORS,
    GRASSLAND,
    "Pastures",
    "Permanent crops",
    "Transitional woodland, shrub",
    "Urban fabric",
)
"""The 19-class nomenclature (Sumbul et al., BigEarthNet-MM, 2021) in alphabetical order."""

_S2_NAME: Final = re.compile(r"(?P<product>S2[A-Z]_MSIL2A_(?P<day>\d{8})T\d+)(?:_N\d+_R\d+_T(?P<tile>\w{5}))?_\d+_\d+")
"""Version 2 names the MGRS tile, version 1 does not; the time of day has five digits in some names."""

_COLUMN: Final = {name.lower(): column for column, name in enumerate(CLASSES)}


def label_row(names: Iterable[object], where: str) -> NDArray[np.bool_]:
    """One row of the label matrix; names are compared in lower case.

    Raises: DataError: a name that is none of the 19.
    """
    row = np.zeros(len(CLASSES), dtype=bool)
    for name in names:
        column = _COLUMN.get(name.lower()) if isinstance(name, str) else None
        if column is None:
            raise DataError(f"{where}: {name!r} is none of the 19 classes of BigEarthNet")
        row[column] = True
    return row


def place_of(s2_name: str, country: str | None = None) -> Place:
    """What the name of an S2 patch tells: its tile, or the product where it names none, and its day."""
    parts = _S2_NAME.fullmatch(s2_name)
    if parts is None:
        return Place(pair_id=s2_name, country=country)
    tile = parts["tile"] or parts["product"]
    return Place(pair_id=s2_name, tile=tile, country=country, date=_day(parts["day"]))


def _day(digits: str) -> str | None:
    with suppress(ValueError):  # no day of any calendar
        return date.fromisoformat(digits).isoformat()
    return None


def stack_bands(bands: Mapping[str, NDArray[np.generic]], where: str) -> dict[Sensor, Image]:
    """Both sensors' bands, each in its own resolution, as two images on the 10 m grid.

    Raises: DataError: a band is missing, of the wrong shape, or not made of real numbers.
    """
    fine = {
        sensor: np.stack([_band(bands, name, IMAGE_PIXELS, where) for name in names])
        for sensor, names in (("s1", _RADAR), ("s2", _TEN_METRES))
    }
    coarse = np.stack([_band(bands, name, IMAGE_PIXELS // 2, where) for name in _TWENTY_METRES])
    return {"s1": fine["s1"], "s2": np.concatenate([fine["s2"], resize(coarse, IMAGE_PIXELS)])}


def _band(bands: Mapping[str, NDArray[np.generic]], name: str, pixels: int, where: str) -> NDArray[np.float32]:
    if name not in bands:
        raise DataError(f"{where}: band {name} is missing")
    band = bands[name]
    if band.shape != (pixels, pixels) or band.dtype.kind not in "uif":
        raise DataError(f"{where}: band {name} is {band.dtype} {band.shape}, not numbers {(pixels, pixels)}")
    return band.astype(np.float32)


def refuse_empty(ids: Mapping[Split, tuple[str, ...]], where: str) -> None:
    """Refuse a data set that cannot be trained on and searched.

    Raises: DataError: a split without a pair.
    """
    empty = [split for split in SPLITS if not ids[split]]
    if empty:
        raise DataError(f"{where}: no pair for {' and '.join(empty)}; a benchmark needs all of {', '.join(SPLITS)}")
