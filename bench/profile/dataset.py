"""What a data set is: sizes, splits, bands, labels, fingerprint."""

from dataclasses import dataclass

import numpy as np

from bench.data.fingerprint import fingerprint
from bench.data.pairs import SPLITS, SensorPairs, Split
from bench.data.places import Queries
from bench.result import DataUse
from models.config import Sensor


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetProfile:
    """One data set, from its index and labels; no pixel counts."""

    name: str
    layout: str
    fingerprint: str
    """SHA-256 over ids, splits, labels, bands and shapes; same data, same string, in any order and place."""
    synthetic: bool
    pairs: dict[Split, int]
    bands: dict[Sensor, tuple[str, ...]]
    image_pixels: int
    classes: tuple[str, ...]
    """Empty for data without labels."""
    class_pairs: dict[Split, tuple[int, ...]]
    """Pairs that carry each class."""
    labels_per_pair: float | None
    """Mean over all splits; None without labels."""
    unlabelled_pairs: int
    """Pairs with an empty label set; all pairs of data without labels."""
    notes: tuple[str, ...] = ()
    """What its user should know, a sentence each: pairs left out and why."""


def profile_dataset(pairs: SensorPairs) -> DatasetProfile:
    """Count what there is. Labels are read, which for labels inside the images means reading the images once.

    Raises: DataError: a damaged pair.
    """
    counts = {split: len(pairs.ids(split)) for split in SPLITS}
    labels = {split: pairs.labels(split) for split in SPLITS}
    known = [matrix for matrix in labels.values() if matrix is not None]
    per_pair = np.concatenate([matrix.sum(axis=1) for matrix in known]) if known else None
    return DatasetProfile(
        name=pairs.name,
        layout=pairs.layout,
        fingerprint=fingerprint(pairs),
        synthetic=pairs.synthetic,
        pairs=counts,
        bands=pairs.bands,
        image_pixels=pairs.image_pixels,
        classes=pairs.classes,
        class_pairs={
            split: tuple(int(count) for count in matrix.sum(axis=0)) if matrix is not None else ()
            for split, matrix in labels.items()
        },
        labels_per_pair=float(per_pair.mean()) if per_pair is not None else None,
        unlabelled_pairs=int((per_pair == 0).sum()) if per_pair is not None else sum(counts.values()),
        notes=pairs.notes,
    )


def data_use(profile: DatasetProfile) -> DataUse:
    """The whole of a data set, as a trial's record names it."""
    return DataUse(
        name=profile.name,
        layout=profile.layout,
        fingerprint=profile.fingerprint,
        synthetic=profile.synthetic,
        labelled=bool(profile.classes),
        train_pairs=profile.pairs["train"],
        query_pairs=profile.pairs["query"],
        archive_pairs=profile.pairs["archive"],
    )


def queries_of(pairs: SensorPairs, fingerprint: str) -> Queries:
    """Where and when each query was taken, and which classes it carries.

    Args:
        fingerprint: of the data set.
    """
    labels = pairs.labels("query")
    return Queries(
        fingerprint=fingerprint,
        places=tuple(pairs.places("query")),
        labels=() if labels is None else tuple(tuple(np.flatnonzero(row).tolist()) for row in labels),
    )
