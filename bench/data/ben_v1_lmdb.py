"""BigEarthNet v1 in the LMDB that the public CSMAE code reads: one pickled patch a pair, splits in three csv files."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.data.ben_v1_pickle import PickledPatch, load_patch
from bench.data.bigearthnet import BANDS, CLASSES, IMAGE_PIXELS, label_row, place_of, refuse_empty, stack_bands
from bench.data.lmdb_file import LmdbFile, find_lmdb
from bench.data.pairs import BandStatistics, Image, Split
from bench.data.places import Place
from bench.errors import DataError
from models.config import Sensor

SPLIT_FILES: Final[dict[Split, str]] = {"train": "train.csv", "query": "val.csv", "archive": "test.csv"}
"""One S2 patch name a line, no header."""

_SOURCE: Final = "published for BigEarthNet v1 (bigearthnet_common, from the authors' bigearthnet-models-tf)"

STATISTICS: Final[dict[Sensor, BandStatistics]] = {
    "s1": BandStatistics(
        mean=(-19.29044597721542, -12.619993741972035),
        std=(5.464428464912864, 5.115911777546365),
        source=_SOURCE,
    ),
    "s2": BandStatistics(
        mean=(
            429.9430203,
            614.21682446,
            590.23569706,
            2218.94553375,
            950.68368468,
            1792.46290469,
            2075.46795189,
            1594.42694882,
            1009.32729131,
            2266.46036911,
        ),
        std=(
            572.41639287,
            582.87945694,
            675.88746967,
            1365.45589904,
            729.89827633,
            1096.01480586,
            1273.45393088,
            1079.19066363,
            818.86747235,
            1356.13789355,
        ),
        source=_SOURCE,
    ),
}

_PICKLE_MARK: Final = b"\x80"


def open_folder(folder: Path) -> "BenV1Lmdb | None":
    """The pairs of a folder that holds or is such an LMDB; None if it is another thing.

    Raises: DataError: a split file is missing or wrong, or the LMDB is damaged.
    """
    database = find_lmdb(folder)
    if database is None or not database.first_value().startswith(_PICKLE_MARK):
        return None
    return BenV1Lmdb(folder.resolve().name, database)


class BenV1Lmdb:
    """Pairs of one LMDB, by the name of the S2 patch."""

    layout = "ben-v1-lmdb"
    synthetic = False
    bands = BANDS
    image_pixels = IMAGE_PIXELS
    classes = CLASSES

    def __init__(self, name: str, database: LmdbFile) -> None:
        self.name = name
        self._database = database
        self._labels: dict[Split, NDArray[np.bool_]] = {}
        listed = _read_splits(database)
        stored = set(database.keys())
        self._ids: dict[Split, tuple[str, ...]] = {
            split: tuple(sorted(stored.intersection(names))) for split, names in listed.items()
        }
        refuse_empty(self._ids, f"{database.path}, split by {', '.join(SPLIT_FILES.values())}")
        self.notes = tuple(
            f"{len(names) - len(self._ids[split]):,} of {len(names):,} names in {SPLIT_FILES[split]} are not in the "
            "LMDB and were skipped"
            for split, names in listed.items()
            if len(names) > len(self._ids[split])
        )

    def ids(self, split: Split) -> tuple[str, ...]:
        """S2 names of a split, sorted."""
        return self._ids[split]

    def labels(self, split: Split) -> NDArray[np.bool_]:
        """Pairs x classes. They lie inside the patches, so the first call reads the whole split."""
        if split not in self._labels:
            rows = [label_row(self._patch(name).labels, self._where(name)) for name in self._ids[split]]
            self._labels[split] = np.stack(rows)
        return self._labels[split]

    def places(self, split: Split) -> tuple[Place, ...]:
        """Product and day, from the names; neither MGRS tile nor country is told."""
        return tuple(place_of(name) for name in self._ids[split])

    def read(self, pair_id: str) -> dict[Sensor, Image]:
        """Both images of a pair."""
        return stack_bands(self._patch(pair_id).bands, self._where(pair_id))

    def statistics(self) -> dict[Sensor, BandStatistics]:
        """The published ones."""
        return STATISTICS

    def close(self) -> None:
        """Let go of the LMDB."""
        self._database.close()

    def _where(self, pair_id: str) -> str:
        return f"{pair_id} in {self._database.path}"

    def _patch(self, pair_id: str) -> PickledPatch:
        value = self._database.get(pair_id)
        if value is None:
            raise DataError(f"{pair_id} is not in {self._database.path}")
        try:
            return load_patch(value)
        except ValueError as error:
            raise DataError(f"{self._where(pair_id)} is no BigEarthNet v1 patch or damaged: {error}") from error


def _read_splits(database: LmdbFile) -> dict[Split, list[str]]:
    found = {split: database.beside(name) for split, name in SPLIT_FILES.items()}
    missing = [SPLIT_FILES[split] for split, path in found.items() if path is None]
    if missing:
        raise DataError(
            f"{database.path} is a BigEarthNet v1 LMDB, but {', '.join(missing)} is missing: put train.csv, "
            f"val.csv and test.csv (one S2 patch name a line, no header) into {database.folder.absolute().parent}"
        )
    listed = {split: _names(path) for split, path in found.items() if path is not None}
    owner: dict[str, Split] = {}
    for split, names in listed.items():
        for name in names:
            if name in owner:
                raise DataError(
                    f"{name} is listed twice, in {found[owner[name]]} and {found[split]}: scores would mean nothing"
                )
            owner[name] = split
    return listed


def _names(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return [line.strip() for line in lines if line.strip()]
