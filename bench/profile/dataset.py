"""What a data set is: sizes, splits, bands, labels, fingerprint."""

from dataclasses import dataclass

from bench.data.pairs import Split
from models.config import Sensor


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetProfile:
    """One data set, from its index alone; no pixel is read."""

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
    """Pairs with an empty label set."""
