"""The retrieval matrix: every direction, scored by labels where there are any and by partners always."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.result import CROSS_DIRECTIONS, DIRECTIONS, QueryScores, Score, Subject
from bench.score.descriptors import ScoreError, check_descriptors
from bench.score.overlap import chance, overlap
from bench.score.partner import PARTNER_KS, chance_mrr, chance_recall, partner_ranks
from bench.score.search import nearest
from models.config import SENSORS, Sensor

Descriptors = Mapping[Sensor, NDArray[np.float32]]
"""One split's descriptors by sensor, the same places in the same order: (places, width) each."""

Labels = NDArray[np.bool_]
"""One split's labels: places x classes."""


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
) -> tuple[tuple[Score, ...], tuple[QueryScores, ...]]:
    """Score descriptors in all four directions by their labels, in both cross-sensor directions by their partners.

    A partner is searched among all places, query and archive. An archive smaller than `k` is looked at whole; the
    scores carry `k` all the same. `QueryScores` hold what `Score` averages, but for the F1 of averages and the
    partner recalls at other ranks than 10 and `k`.

    Raises: ScoreError: descriptors are missing or not finite, or places and labels do not match.
    """
    _check(query, query_labels, what="query")
    _check(archive, archive_labels, what="archive")
    scores: list[Score] = []
    queries: list[QueryScores] = []
    if query_labels is not None and archive_labels is not None:
        for a, b in DIRECTIONS:
            rows, _ = nearest(query[a], archive[b], k, threads=threads)
            found = overlap(rows, query_labels, archive_labels)
            score = partial(Score, subject=subject, step=step, query=a, archive=b, k=k)
            scores += [score(metric=metric, value=value) for metric, value in found.means().items()]
            queries += [
                QueryScores(query=a, archive=b, metric=metric, k=k, values=tuple(values.tolist()))
                for metric, values in found.per_query().items()
            ]
    for a, b in CROSS_DIRECTIONS:
        ranks = partner_ranks(query[a], np.concatenate((query[b], archive[b])))
        score = partial(Score, subject=subject, step=step, query=a, archive=b)
        for metric, rank, values in _partner_values(ranks, k):
            scores.append(score(metric=metric, k=rank, value=float(values.mean())))
            if rank in (None, 10, k):
                found_at = tuple(values.tolist())
                queries.append(QueryScores(query=a, archive=b, metric=metric, k=rank, values=found_at))
    return tuple(scores), tuple(queries)


def chance_scores(
    *, query_labels: Labels | None, archive_labels: Labels | None, queries: int, archive: int, k: int
) -> tuple[Score, ...]:
    """What a random order of the archive's places scores on average: exact, the same in every direction.

    `queries` and `archive` count places; the labels may be left out as in `retrieval_matrix`.
    """
    score = partial(Score, subject="chance", step=0)
    scores: list[Score] = []
    if query_labels is not None and archive_labels is not None:
        means = chance(query_labels, archive_labels).means()
        scores += [
            score(query=a, archive=b, metric=metric, k=k, value=value)
            for a, b in DIRECTIONS
            for metric, value in means.items()
        ]
    gallery = queries + archive
    for a, b in CROSS_DIRECTIONS:
        scores += [
            score(query=a, archive=b, metric="partner_recall", k=rank, value=chance_recall(rank, gallery))
            for rank in _ranks(k)
        ]
        scores.append(score(query=a, archive=b, metric="partner_mrr", k=None, value=chance_mrr(gallery)))
    return tuple(scores)


def _partner_values(ranks_N: NDArray[np.int64], k: int) -> list[tuple[str, int | None, NDArray[np.float64]]]:
    recalls = [("partner_recall", rank, (ranks_N <= rank).astype(np.float64)) for rank in _ranks(k)]
    return [*recalls, ("partner_mrr", None, 1.0 / ranks_N)]


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
