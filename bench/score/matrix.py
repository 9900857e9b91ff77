"""The retrieval matrix: every direction, scored by labels where there are any and by partners always."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.result import (
    CROSS_DIRECTIONS,
    DIRECTIONS,
    MIXED_DIRECTIONS,
    ClassScore,
    Gallery,
    QueryScores,
    Score,
    Subject,
)
from bench.score.by_class import ByClass, by_class, chance_by_class
from bench.score.descriptors import ScoreError, check_descriptors, unit_vectors
from bench.score.directions import search_directions
from bench.score.gap import modality_gap
from bench.score.mixed import CHANCE_OWN_SHARE, merge, own_share
from bench.score.overlap import Overlap, chance, count_shared, overlap
from bench.score.partner import PARTNER_KS, chance_median_rank, chance_mrr, chance_recall
from bench.score.ranking import Ranking, chance_ranking, ranking
from bench.score.relevance import Relevance, relevance
from models.config import SENSORS, Sensor

Descriptors = Mapping[Sensor, NDArray[np.float32]]
"""One split's descriptors by sensor, the same places in the same order: (places, width) each."""

Labels = NDArray[np.bool_]
"""One split's labels: places x classes."""

MIXED_PER_QUERY: Final = ("precision", "recall")
"""Of an archive of both sensors, what is kept of each query: what a score of the goal is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """Every number that one set of descriptors is given."""

    scores: tuple[Score, ...]
    query_scores: tuple[QueryScores, ...]
    class_scores: tuple[ClassScore, ...]


class _Sheet:
    """Numbers of one subject as they come."""

    def __init__(self, subject: Subject, step: int, k: int) -> None:
        self._subject, self._step, self._k = subject, step, k
        self._scores: list[Score] = []
        self._query_scores: list[QueryScores] = []
        self._class_scores: list[ClassScore] = []

    def add(self, query: Sensor, archive: Gallery, metric: str, value: float, *, k: int | None) -> None:
        score = Score(
            subject=self._subject, step=self._step, query=query, archive=archive, metric=metric, k=k, value=value
        )
        self._scores.append(score)

    def add_queries(
        self, query: Sensor, archive: Gallery, metric: str, values_N: NDArray[np.float64], *, k: int | None
    ) -> None:
        values = tuple(values_N.tolist())
        self._query_scores.append(QueryScores(query=query, archive=archive, metric=metric, k=k, values=values))

    def add_labelled(self, query: Sensor, archive: Gallery, parts: tuple[Overlap, Ranking, ByClass]) -> None:
        for part in parts:
            for metric, value in part.means().items():
                self.add(query, archive, metric, value, k=self._k)
        classes = parts[2]
        for metric, values in classes.per_class().items():
            for label, queries, value in zip(classes.classes, classes.queries, values, strict=True):
                found = ClassScore(
                    subject=self._subject,
                    step=self._step,
                    query=query,
                    archive=archive,
                    metric=metric,
                    k=self._k,
                    label=int(label),
                    queries=int(queries),
                    value=float(value),
                )
                self._class_scores.append(found)

    def add_mixed(self, query: Sensor, parts: tuple[Overlap, Ranking, ByClass]) -> None:
        self.add_labelled(query, "both", parts)
        values = parts[0].per_query()
        for metric in MIXED_PER_QUERY:
            self.add_queries(query, "both", metric, values[metric], k=self._k)

    def whole(self) -> Retrieval:
        return Retrieval(
            scores=tuple(self._scores),
            query_scores=tuple(self._query_scores),
            class_scores=tuple(self._class_scores),
        )


def retrieval_matrix(
    *,
    query: Descriptors,
    archive: Descriptors,
    query_labels: Labels | None,
    archive_labels: Labels | None,
    k: int,
    subject: Subject,
    step: int,
    threads: int = 1,
) -> Retrieval:
    """Score descriptors by their labels, in four directions and in an archive of both sensors, and by their partners.

    A partner is searched among all places, query and archive. An archive smaller than `k` is looked at whole; the
    scores carry `k` all the same. Where the two sensors' descriptors differ in width only the directions within a
    sensor are scored. `query_scores` hold, of the four directions, what is averaged over queries on a scale that they
    share, partner recalls at 10 and `k` only; of the archive of both sensors, precision, recall and the own sensor's
    share.

    The descriptors are copied once, normalised; beyond that, memory grows only with queries x k.

    Raises: ScoreError: descriptors are missing or not finite, or places and labels do not match.
    """
    _check(query, query_labels, what="query")
    _check(archive, archive_labels, what="archive")
    query = {sensor: unit_vectors(query[sensor], what=f"query {sensor}") for sensor in SENSORS}
    archive = {sensor: unit_vectors(archive[sensor], what=f"archive {sensor}") for sensor in SENSORS}
    sheet = _Sheet(subject, step, k)
    found, ranks = search_directions(query, archive, k, threads=threads)
    images = len(archive["s1"])
    mixed = {a: merge({b: found[a, b] for b in SENSORS}, k, images) for a in SENSORS if ranks}
    if query_labels is not None and archive_labels is not None:
        known = relevance(query_labels, archive_labels)
        for (a, b), (rows, _) in found.items():
            parts = _labelled(rows, query_labels, archive_labels, known)
            sheet.add_labelled(a, b, parts)
            for metric, values in (parts[0].per_query() | parts[1].per_query()).items():
                sheet.add_queries(a, b, metric, values, k=k)
        known = known.twice()
        for a, rows in mixed.items():
            sheet.add_mixed(a, _labelled(rows % images, query_labels, archive_labels, known))
    for a, rows in mixed.items():
        values = own_share(rows, a, images)
        sheet.add(a, "both", "own_sensor_share", float(values.mean()), k=k)
        sheet.add_queries(a, "both", "own_sensor_share", values, k=k)
    for (a, b), ranks_N in ranks.items():
        for rank in _ranks(k):
            values = (ranks_N <= rank).astype(np.float64)
            sheet.add(a, b, "partner_recall", float(values.mean()), k=rank)
            if rank in (10, k):
                sheet.add_queries(a, b, "partner_recall", values, k=rank)
        sheet.add(a, b, "partner_mrr", float((1 / ranks_N).mean()), k=None)
        sheet.add_queries(a, b, "partner_mrr", 1 / ranks_N, k=None)
        sheet.add(a, b, "partner_median_rank", float(np.median(ranks_N)), k=None)
    if ranks:
        sheet.add("s1", "s2", "modality_gap", modality_gap(query, archive), k=None)
    return sheet.whole()


def chance_scores(
    *, query_labels: Labels | None, archive_labels: Labels | None, queries: int, archive: int, k: int
) -> Retrieval:
    """What a random order of the archive's images scores on average: exact, the same for both sensors.

    There is none for the modality gap, which orders nothing. `queries` and `archive` count places; the labels may be
    left out as in `retrieval_matrix`.
    """
    sheet = _Sheet("chance", 0, k)
    if query_labels is not None and archive_labels is not None:
        known = relevance(query_labels, archive_labels)
        shares = chance(query_labels, archive_labels)
        for directions, images in ((DIRECTIONS, known), (MIXED_DIRECTIONS, known.twice())):
            parts = shares, chance_ranking(images, k), chance_by_class(query_labels, images, k)
            for a, b in directions:
                sheet.add_labelled(a, b, parts)
    for a, both in MIXED_DIRECTIONS:
        sheet.add(a, both, "own_sensor_share", CHANCE_OWN_SHARE, k=k)
    gallery = queries + archive
    for a, b in CROSS_DIRECTIONS:
        for rank in _ranks(k):
            sheet.add(a, b, "partner_recall", chance_recall(rank, gallery), k=rank)
        sheet.add(a, b, "partner_mrr", chance_mrr(gallery), k=None)
        sheet.add(a, b, "partner_median_rank", chance_median_rank(gallery), k=None)
    return sheet.whole()


def _labelled(
    rows_NK: NDArray[np.int64], query_labels: Labels, archive_labels: Labels, known: Relevance
) -> tuple[Overlap, Ranking, ByClass]:
    shared_NK = count_shared(query_labels, archive_labels, rows_NK)
    return (
        overlap(rows_NK, query_labels, archive_labels),
        ranking(shared_NK, known),
        by_class(rows_NK, query_labels, archive_labels, known),
    )


def _ranks(k: int) -> list[int]:
    return sorted({*PARTNER_KS, k})


def _check(descriptors: Descriptors, labels: Labels | None, *, what: str) -> None:
    places: dict[str, int] = {sensor: len(descriptors[sensor]) for sensor in SENSORS}
    if labels is not None:
        places["labels"] = len(labels)
    if len(set(places.values())) > 1:
        counts = ", ".join(f"{name}: {count}" for name, count in places.items())
        raise ScoreError(f"The {what} places do not match ({counts}): every place needs both sensors and its labels.")
    for sensor in SENSORS:
        check_descriptors(descriptors[sensor], what=f"{what} {sensor}")
