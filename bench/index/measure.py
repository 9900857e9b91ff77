"""Builds indexes over real and enlarged archives and searches them. Importing this loads faiss."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, perf_counter
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

from bench.data.descriptors import Descriptors, load
from bench.errors import DataError
from bench.index.build import Index, built, serialized_bytes, tune
from bench.index.kinds import KINDS
from bench.index.recall import cosines_of_found, recall_of
from bench.index.records import IndexPlan
from bench.index.sizes import enlarged_sizes, real_sizes
from bench.index.vectors import Enlarged, Vectors, archive_vectors, neighbour_steps, query_vectors
from bench.index.wire import IndexEvent, IndexProgress, IndexSkipped
from bench.plan.index import IndexDirection, IndexMeasurement, IndexSource
from bench.result import Gallery

Tell = Callable[[IndexEvent], None]

ROOM: Final = 0.8
"""Share of the memory limit that archive and index may fill."""

_TIMED_QUERIES: Final = 100
_TIMED_SECONDS: Final = 0.5
_WARM_UP_QUERIES: Final = 3
_ENLARGED_QUERIES: Final = 100


def measure(plan: IndexPlan, tell: Tell) -> None:
    """Measure each kind over growing archives; every measurement is told as soon as it is made.

    Each kind may use an equal share of the time that is left when its turn comes.

    Raises: DataError, ScoreError: there are no descriptors, or they cannot be searched.
    """
    deadline = monotonic() + plan.time_limit_seconds
    tell(IndexProgress(what="reading the descriptors"))
    faiss.omp_set_num_threads(plan.threads)
    archives = _Archives(plan)
    for number, kind in enumerate(plan.kinds):
        share = (deadline - monotonic()) / (len(plan.kinds) - number)
        _Turn(plan=plan, kind=kind, archives=archives, tell=tell, ends=monotonic() + share).take()


class _Archives:
    """Queries, and what they search: real, or enlarged when that is first asked for."""

    def __init__(self, plan: IndexPlan) -> None:
        self._plan = plan
        descriptors = load(plan.trial_id, root=Path(plan.descriptors))
        self.directions = _searchable(plan.directions, descriptors)
        galleries = dict.fromkeys(gallery for _, gallery in self.directions)
        self.real = {gallery: archive_vectors(descriptors, gallery)[: plan.items] for gallery in galleries}
        self.queries = {direction: query_vectors(descriptors, direction) for direction in self.directions}
        first = self.real[self.directions[0][1]]
        self.real_items = min(len(vectors) for vectors in self.real.values())
        self.width = first.shape[1]
        most = min(plan.items, int(ROOM * plan.memory_limit_bytes) // (4 * self.width))
        self._enlarged = Enlarged(first, neighbour_steps(first), max(most, len(first)))
        self._least: dict[tuple[IndexDirection, int], NDArray[np.float64]] = {}

    def vectors(self, source: IndexSource, gallery: Gallery, items: int) -> Vectors:
        """The first so many."""
        return self.real[gallery][:items] if source == "real" else self._enlarged.first(items)

    def least_cosines(self, direction: IndexDirection, items: int) -> NDArray[np.float64]:
        """Cosine of each query's k-th exact neighbour among the first items of a real archive."""
        if (direction, items) not in self._least:
            archive, queries = self.real[direction[1]][:items], self.queries[direction]
            ids = faiss.knn(queries, archive, min(self._plan.k, items), metric=faiss.METRIC_INNER_PRODUCT)[1]
            self._least[direction, items] = cosines_of_found(queries, archive, ids).min(axis=1)
        return self._least[direction, items]


def _searchable(directions: Sequence[IndexDirection], descriptors: Descriptors) -> tuple[IndexDirection, ...]:
    """Those in which queries and archive are of equal width.

    Raises: DataError: there is none.
    """
    widths = {sensor: array.shape[1] for sensor, array in descriptors.query.items()}
    found = tuple(
        (query, gallery)
        for query, gallery in directions
        if len({widths[query], *(widths.values() if gallery == "both" else (widths[gallery],))}) == 1
    )
    if not found:
        raise DataError(
            f"descriptors of s1 have {widths['s1']} components, of s2 {widths['s2']}: search within a sensor"
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One kind's turn."""

    plan: IndexPlan
    kind: str
    archives: _Archives
    tell: Tell
    ends: float

    def take(self) -> None:
        """Measure growing archives until one is refused: larger ones would be too."""
        seconds_an_item, kind, real = 0.0, KINDS[self.kind], self.archives.real_items
        if real < kind.least_items:
            what = f"{kind.title} over {real:,} real descriptors"
            self.tell(IndexSkipped(what=what, reason=f"it needs {kind.least_items:,} to learn from"))
        for source, items in self._sizes():
            what = f"{kind.title} over {items:,} {source} descriptors"
            galleries = list(self.archives.real)[: None if source == "real" else 1]
            reason = self._too_much(items, seconds_an_item * items * len(galleries))
            if reason:
                self.tell(IndexSkipped(what=what, reason=reason))
                return
            self.tell(IndexProgress(what=what))
            start = monotonic()
            for gallery in galleries:
                self._measure(source, gallery, items)
            seconds_an_item = (monotonic() - start) / items / len(galleries)

    def _sizes(self) -> Iterator[tuple[IndexSource, int]]:
        real = self.archives.real_items
        sizes: list[tuple[IndexSource, int]] = [("real", items) for items in real_sizes(real)]
        sizes += [("enlarged", items) for items in enlarged_sizes(real, self.plan.items)]
        return ((source, items) for source, items in sizes if items >= KINDS[self.kind].least_items)

    def _too_much(self, items: int, predicted_seconds: float) -> str:
        """Why this size is not measured; empty when it is."""
        needed = items * self.archives.width * 4 + KINDS[self.kind].size_bytes(items, self.archives.width)
        if needed > ROOM * self.plan.memory_limit_bytes:
            return f"archive and index would fill {needed / 1e9:.1f} GB of memory"
        left = self.ends - monotonic()
        if left <= 0 or predicted_seconds > left:
            return "its share of the time limit does not hold it"
        return ""

    def _measure(self, source: IndexSource, gallery: Gallery, items: int) -> None:
        vectors = self.archives.vectors(source, gallery, items)
        start = perf_counter()
        index = built(self.kind, vectors)
        build_seconds = perf_counter() - start
        index_bytes = serialized_bytes(index)
        directions = [direction for direction in self.archives.directions if direction[1] == gallery]
        for direction in directions if source == "real" else directions[:1]:
            for parameter in KINDS[self.kind].settings(items):
                tune(index, KINDS[self.kind].knob, parameter)
                found = self._search(index, source, direction, vectors)
                self.tell(
                    IndexMeasurement(
                        trial_id=self.plan.trial_id,
                        kind=self.kind,
                        parameter=parameter,
                        query=direction[0],
                        archive=gallery,
                        source=source,
                        items=items,
                        width=self.archives.width,
                        k=self.plan.k,
                        queries=found.queries,
                        recall_at_k=found.recall,
                        recall_standard_error=found.error,
                        latency_seconds=float(np.median(found.alone_seconds)),
                        latency_p95_seconds=float(np.quantile(found.alone_seconds, 0.95)),
                        batch_seconds=found.together_seconds / found.queries,
                        build_seconds=build_seconds,
                        index_bytes=index_bytes,
                        threads=self.plan.threads,
                        machine=self.plan.machine,
                        tool_version=self.plan.tool_version,
                        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
                    )
                )

    def _search(self, index: Index, source: IndexSource, direction: IndexDirection, vectors_MD: Vectors) -> "_Found":
        queries_ND = self.archives.queries[direction][: None if source == "real" else _ENLARGED_QUERIES]
        k = min(self.plan.k, len(vectors_MD))
        alone_seconds = _alone(index, queries_ND, k)
        start = perf_counter()
        ids_Nk = index.search(queries_ND, k)[1]
        together_seconds = perf_counter() - start
        recall, error = None, None
        if source == "real":
            least_N = self.archives.least_cosines(direction, len(vectors_MD))
            recall, error = recall_of(cosines_of_found(queries_ND, vectors_MD, ids_Nk), least_N)
        return _Found(
            queries=len(queries_ND),
            alone_seconds=alone_seconds,
            together_seconds=together_seconds,
            recall=recall,
            error=error,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one setting took, and what it found."""

    queries: int
    alone_seconds: Sequence[float]
    together_seconds: float
    recall: float | None
    error: float | None


def _alone(index: Index, queries_ND: Vectors, k: int) -> list[float]:
    """Seconds of searches for one query each, after a warm-up."""
    for row in range(min(_WARM_UP_QUERIES, len(queries_ND))):
        index.search(queries_ND[row : row + 1], k)
    laps: list[float] = []
    while len(laps) < _TIMED_QUERIES and (len(laps) < _WARM_UP_QUERIES or sum(laps) < _TIMED_SECONDS):
        row = len(laps) % len(queries_ND)
        start = perf_counter()
        index.search(queries_ND[row : row + 1], k)
        laps.append(perf_counter() - start)
    return laps
