"""The kinds of index that are compared, a row each, and what each takes in memory by its formula. Imports no faiss."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Final

LEAST_LISTED: Final = 100
"""Items that make ten lists of ten: below them an inverted file means nothing."""

HNSW_LINKS: Final = 32
"""Neighbours that a node of the graph keeps on each level but the lowest, which keeps twice as many."""

POINTS_A_CENTROID: Final = 39
"""With fewer to learn from, faiss warns: centroids then fit the sample, not the data."""

PART_CENTROIDS: Final = 256
"""One byte names one of them."""

PART_WIDTH: Final = 2
"""Dimensions that share a byte: codes are then 8 times smaller than float32. On 1,000 random vectors, parts of 4 found
87 % of the neighbours where these found 95 %."""

_FLOAT: Final = 4
_ID: Final = 8


def lists_of(items: int) -> int:
    """Lists of an inverted file: √items, so that small archives follow the same law as large ones."""
    return max(1, round(sqrt(items)))


def parts_of(width: int) -> int:
    """Bytes of a code of product quantization."""
    return max(1, width // PART_WIDTH)


def _exact_bytes(items: int, width: int) -> int:
    return items * width * _FLOAT


def _ivf_flat_bytes(items: int, width: int) -> int:
    return items * (width * _FLOAT + _ID) + _lists_bytes(items, width)


def _hnsw_bytes(items: int, width: int) -> int:
    # each level holds 1 / HNSW_LINKS of the one below; an item keeps its level (4 bytes) and where its links begin
    links = 2 * HNSW_LINKS + HNSW_LINKS / (HNSW_LINKS - 1)
    return round(items * (width * _FLOAT + links * 4 + 4 + 8))


def _ivf_pq_bytes(items: int, width: int) -> int:
    tables = width * width * _FLOAT + PART_CENTROIDS * width * _FLOAT
    return items * (parts_of(width) + _ID) + _lists_bytes(items, width) + tables


def _lists_bytes(items: int, width: int) -> int:
    return lists_of(items) * (width * _FLOAT + _ID)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexKind:
    """One kind of index."""

    title: str
    knob: str
    """The setting of its search as faiss calls it; empty where there is none."""
    sweep: tuple[int, ...]
    """Values of the knob to try, ascending."""
    least_items: int
    """With fewer it cannot be trained in earnest."""
    size_bytes: Callable[[int, int], int]
    """Of (items, width)."""
    capped: bool = False
    """Whether the knob counts lists, of which there are only so many."""

    def settings(self, items: int) -> tuple[int, ...]:
        """Values of the knob that mean something for so many items."""
        return tuple(value for value in self.sweep if not self.capped or value <= lists_of(items))

    def words(self, parameter: int) -> str:
        """The setting as people read it: "nprobe 16"; a dash where there is none."""
        return f"{self.knob} {parameter}" if self.knob else "–"


KINDS: Final = {
    "exact": IndexKind(title="Exact", knob="", sweep=(0,), least_items=1, size_bytes=_exact_bytes),
    "ivf_flat": IndexKind(
        title="IVF-Flat",
        knob="nprobe",
        sweep=(1, 4, 16, 64),
        least_items=LEAST_LISTED,
        size_bytes=_ivf_flat_bytes,
        capped=True,
    ),
    "hnsw": IndexKind(
        title="HNSW", knob="efSearch", sweep=(16, 64, 256), least_items=2 * HNSW_LINKS, size_bytes=_hnsw_bytes
    ),
    "ivf_pq": IndexKind(
        title="OPQ IVF-PQ",
        knob="nprobe",
        sweep=(4, 16, 64),
        least_items=PART_CENTROIDS * POINTS_A_CENTROID,
        size_bytes=_ivf_pq_bytes,
        capped=True,
    ),
}
"""In the order in which they are measured."""


def exact_bytes(items: int, width: int) -> int:
    """What exact search takes: nothing has to be measured to know it."""
    return KINDS["exact"].size_bytes(items, width)
