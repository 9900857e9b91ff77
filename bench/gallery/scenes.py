"""The places of a trial's data that can be shown: their names, labels, whereabouts and images, from what is at hand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bench.data import cache
from bench.data.fingerprint import fingerprint
from bench.data.pairs import BandStatistics, Image, SensorPairs, open_pairs
from bench.data.places import Place
from bench.errors import DataError
from bench.profile.dataset import DatasetProfile
from models.config import SENSORS, Sensor

Searched = Literal["query", "archive"]
"""The splits that a search knows."""

SEARCHED: Final[tuple[Searched, ...]] = ("query", "archive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One split."""

    places: Sequence[Place]
    labels: NDArray[np.bool_] | None
    """Pairs x classes; None for data without labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes:
    """What can be shown."""

    classes: tuple[str, ...]
    bands: Mapping[Sensor, tuple[str, ...]]
    sides: Mapping[Searched, Side]
    read: Callable[[Searched, int], dict[Sensor, Image]]
    """Both images of a pair by its row in the split, in the units of the data set."""

    def labels(self, split: Searched, row: int) -> tuple[str, ...]:
        """Names of the labels of a pair; none for data without labels."""
        matrix = self.sides[split].labels
        return () if matrix is None else tuple(self.classes[column] for column in np.flatnonzero(matrix[row]))


@contextmanager
def scenes_of(
    dataset: DatasetProfile, *, recorded: str, given: str | None = None, root: Path | None = None
) -> Iterator[Scenes]:
    """The scenes of a data set, as long as the context lasts.

    The decoded pairs serve when they are there: they are known by the fingerprint, and nothing has to be read to
    prove it. Otherwise the original pairs are opened.

    Args:
        dataset: as its run has it on record.
        recorded: where the run found it, as `open_pairs` reads it.
        given: where it is said to be now; then it is looked for nowhere else.
        root: where decoded pairs lie; the user's cache folder when left out.
    Raises: DataError: the data set is not at hand, or is another one now.
    """
    decoded = None if given else _decoded(dataset, recorded, cache.folder_of(dataset.fingerprint, root=root))
    if decoded:
        yield decoded
        return
    try:
        pairs = open_pairs(given or recorded)
    except DataError as error:
        if given:
            raise
        raise DataError(
            f"the pairs of {dataset.name} are no longer decoded here, nor where the run found them: {error}. "
            "--data says where they are now"
        ) from error
    with closing(pairs):
        if fingerprint(pairs) != dataset.fingerprint:
            raise DataError(
                f"{given or recorded} is not what the trial was searched on: its fingerprint is "
                f"{fingerprint(pairs)[:12]}, the trial's {dataset.fingerprint[:12]}. --data says where that is now"
            )
        yield _original(pairs)


def _original(pairs: SensorPairs) -> Scenes:
    ids = {split: tuple(pairs.ids(split)) for split in SEARCHED}
    return Scenes(
        classes=pairs.classes,
        bands=pairs.bands,
        sides={split: Side(places=pairs.places(split), labels=pairs.labels(split)) for split in SEARCHED},
        read=lambda split, row: pairs.read(ids[split][row]),
    )


def _decoded(dataset: DatasetProfile, recorded: str, folder: Path) -> Scenes | None:
    """From the decoded pairs; None if they are gone or damaged."""
    try:
        statistics = cache.statistics_of(folder)
        splits = {split: cache.open_split(folder, split) for split in SEARCHED}
    except DataError:
        return None
    places = _places(recorded, {split: decoded.ids for split, decoded in splits.items()})

    def read(split: Searched, row: int) -> dict[Sensor, Image]:
        images = {"s1": splits[split].s1, "s2": splits[split].s2}
        return {sensor: _as_taken(images[sensor][row], statistics[sensor]) for sensor in SENSORS}

    return Scenes(
        classes=dataset.classes,
        bands=dataset.bands,
        sides={split: Side(places=places[split], labels=decoded.labels) for split, decoded in splits.items()},
        read=read,
    )


def _as_taken(image_CHW: NDArray[np.float16], statistics: BandStatistics) -> Image:
    """A normalised image in the units of its data set."""
    mean, std = (np.asarray(values, np.float32)[:, None, None] for values in (statistics.mean, statistics.std))
    return image_CHW.astype(np.float32) * std + mean


def _places(recorded: str, ids: Mapping[Searched, tuple[str, ...]]) -> dict[Searched, Sequence[Place]]:
    """Whereabouts from the original pairs, if these are still there; otherwise names alone."""
    try:
        with closing(open_pairs(recorded)) as pairs:
            if all(tuple(pairs.ids(split)) == ids[split] for split in SEARCHED):
                return {split: tuple(pairs.places(split)) for split in SEARCHED}
    except DataError:
        return _names(ids)
    return _names(ids)


def _names(ids: Mapping[Searched, tuple[str, ...]]) -> dict[Searched, Sequence[Place]]:
    return {split: [Place(pair_id=pair_id) for pair_id in ids[split]] for split in SEARCHED}
