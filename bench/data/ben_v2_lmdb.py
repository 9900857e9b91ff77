"""BigEarthNet v2 (reBEN) in the LMDB of rico-hdl: safetensors by patch name, everything else in metadata.parquet."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from bench.data.ben_v2_metadata import Metadata, read_metadata
from bench.data.bigearthnet import BANDS, CLASSES, IMAGE_PIXELS, place_of, stack_bands
from bench.data.lmdb_file import LmdbFile, find_lmdb
from bench.data.pairs import BandStatistics, Image, Split
from bench.data.places import Place
from bench.errors import DataError
from models.config import Sensor

_SOURCE: Final = "published for BigEarthNet v2 (ConfigILM 0.7.1, official train split, 20 m bands bicubic to 120 px)"

STATISTICS: Final[dict[Sensor, BandStatistics]] = {
    "s1": BandStatistics(
        mean=(-19.352558135986328, -12.643863677978516),
        std=(5.590505599975586, 5.133493900299072),
        source=_SOURCE,
    ),
    "s2": BandStatistics(
        mean=(
            438.3720703125,
            614.0556640625,
            588.4096069335938,
            2193.2919921875,
            942.7472534179688,
            1769.8485107421875,
            2049.475830078125,
            1568.2117919921875,
            997.715087890625,
            2235.48681640625,
        ),
        std=(
            607.02685546875,
            603.2968139648438,
            684.56884765625,
            1369.3717041015625,
            738.3037719726562,
            1100.46142578125,
            1275.843505859375,
            1070.8011474609375,
            814.0936279296875,
            1356.754150390625,
        ),
        source=_SOURCE,
    ),
}


def open_folder(folder: Path) -> "BenV2Lmdb | None":
    """The pairs of a folder that holds or is such an LMDB; None if it is another thing.

    Raises: DataError: the metadata are missing or do not fit, or the LMDB is damaged.
    """
    database = find_lmdb(folder)
    if database is None or not _is_safetensors(database.first_value()):
        return None
    return BenV2Lmdb(folder.resolve().name, database, read_metadata(database))


def _is_safetensors(value: bytes) -> bool:
    # eight bytes of header length, then the header, which is JSON
    return value[8:9] == b"{" and int.from_bytes(value[:8], "little") < len(value)


class BenV2Lmdb:
    """Pairs of one LMDB, by the name of the S2 patch."""

    layout = "ben-v2-lmdb"
    synthetic = False
    bands = BANDS
    image_pixels = IMAGE_PIXELS
    classes = CLASSES

    def __init__(self, name: str, database: LmdbFile, metadata: Metadata) -> None:
        self.name = name
        self.notes = metadata.notes
        self._database = database
        self._metadata = metadata

    def ids(self, split: Split) -> tuple[str, ...]:
        """S2 names of a split, sorted."""
        return self._metadata.ids[split]

    def labels(self, split: Split) -> NDArray[np.bool_]:
        """Pairs x classes."""
        return self._metadata.labels[split]

    def places(self, split: Split) -> tuple[Place, ...]:
        """MGRS tile and day from the names, the country from the metadata."""
        return tuple(place_of(name, self._metadata.countries.get(name)) for name in self._metadata.ids[split])

    def read(self, pair_id: str) -> dict[Sensor, Image]:
        """Both images of a pair."""
        s1_name = self._metadata.s1_names.get(pair_id)
        if s1_name is None:
            raise DataError(f"{pair_id} is no pair of {self._database.path}")
        return stack_bands(self._tensors(s1_name) | self._tensors(pair_id), f"{pair_id} in {self._database.path}")

    def statistics(self) -> dict[Sensor, BandStatistics]:
        """The published ones."""
        return STATISTICS

    def close(self) -> None:
        """Let go of the LMDB."""
        self._database.close()

    def _tensors(self, key: str) -> dict[str, NDArray[np.generic]]:
        value = self._database.get(key)
        if value is None:
            raise DataError(f"{key} is not in {self._database.path}")
        try:
            return dict(load(value))
        except (SafetensorError, ValueError, KeyError) as error:
            raise DataError(f"{key} in {self._database.path} is no safetensors value or damaged: {error}") from error
