"""Every number of the retrieval matrix against a slow, obvious version in plain Python."""

from itertools import permutations
from math import dist, log2
from statistics import fmean, median
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.result import CROSS_DIRECTIONS, DIRECTIONS, MIXED_DIRECTIONS
from bench.score import descriptors, products
from bench.score.by_class import chance_by_class
from bench.score.descriptors import unit_vectors
from bench.score.matrix import Retrieval, chance_scores, retrieval_matrix
from bench.score.ranking import chance_ranking
from bench.score.relevance import relevance
from models.config import SENSORS, Sensor

Labels = NDArray[np.bool_]
Sets = list[set[int]]
Numbers = dict[Any, Any]
Units = list[list[int]]


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def slow_labelled(query: set[int], found: Sets, archive: Sets, k: int) -> dict[str, float]:
    """The scores of one query by its results, the nearest first."""
    gains = [len(query & result) for result in found]
    ideal = sorted((len(query & image) for image in archive), reverse=True)[:k]
    hits = [rank for rank, gain in enumerate(gains, start=1) if gain]
    return {
        "precision": fmean(share(len(query & result), len(result)) for result in found),
        "recall": fmean(share(len(query & result), len(query)) for result in found),
        "mean_pairwise_f1": fmean(share(2 * len(query & result), len(query) + len(result)) for result in found),
        "ndcg": share(*(sum(gain / log2(rank + 2) for rank, gain in enumerate(row)) for row in (gains, ideal))),
        "map": slow_ap([bool(gain) for gain in gains], sum(bool(query & image) for image in archive), k),
        "weighted_map": fmean(sum(gains[:rank]) / rank for rank in hits) if hits else 0.0,
    }


def slow_ap(relevant: list[bool], in_archive: int, k: int) -> float:
    total = sum(sum(relevant[:rank]) / rank for rank in range(1, len(relevant) + 1) if relevant[rank - 1])
    return share(total, min(k, in_archive))


def slow_classes(queries: Sets, results: list[Sets], archive: Sets, k: int) -> dict[tuple[str, int], tuple[int, float]]:
    """Of each metric and class: how many queries carry it, and the value."""
    found = {}
    for label in set().union(*queries):
        rows = [
            [label in image for image in row] for query, row in zip(queries, results, strict=True) if label in query
        ]
        carrying = sum(label in image for image in archive)
        found["class_precision", label] = len(rows), fmean(fmean(row) for row in rows)
        found["class_map", label] = len(rows), fmean(slow_ap(row, carrying, k) for row in rows)
    return found


def slow_direction(queries: Sets, results: list[Sets], archive: Sets, k: int) -> tuple[Numbers, Numbers, Numbers]:
    """Scores, those of each query, those of each class."""
    rows = [slow_labelled(query, row, archive, k) for query, row in zip(queries, results, strict=True)]
    per_query = {metric: [row[metric] for row in rows] for metric in rows[0]}
    scores = {metric: fmean(values) for metric, values in per_query.items()}
    precision, recall = scores["precision"], scores["recall"]
    scores["f1_of_means"] = share(2 * precision * recall, precision + recall)
    classes = slow_classes(queries, results, archive, k)
    values = [value for (metric, _), (_, value) in classes.items() if metric == "class_map"]
    scores["macro_map"] = fmean(values) if values else 0.0
    del per_query["weighted_map"]
    return dict(scores), dict(per_query), dict(classes)


def cosine(first: list[int], second: list[int]) -> int:
    """By whole numbers of Python, which never round; above 1 it counts as 1."""
    return min(sum(x * y for x, y in zip(first, second, strict=True)), 2**48)


def slow_found(queries: Units, archives: dict[Sensor, Units], k: int) -> list[list[tuple[Sensor, int]]]:
    """Sensor and row of each query's results."""
    orders = []
    for mine in queries:
        images = [(-cosine(mine, other), b, row) for b, units in archives.items() for row, other in enumerate(units)]
        orders.append([(b, row) for _, b, row in sorted(images)[:k]])
    return orders


def slow_partners(queries: Units, gallery: Units, k: int) -> tuple[Numbers, Numbers]:
    """Scores and those of each query, under (metric, k)."""
    ranks = []
    for row, mine in enumerate(queries):
        own = cosine(mine, gallery[row])
        ranks.append(sum(cosine(mine, other) >= own for other in gallery))
    per_query: Numbers = {("partner_recall", at): [float(rank <= at) for rank in ranks] for at in {1, 5, 10, k}}
    per_query["partner_mrr", None] = [1 / rank for rank in ranks]
    scores: Numbers = {key: fmean(values) for key, values in per_query.items()}
    scores["partner_median_rank", None] = median(ranks)
    return scores, {(metric, at): values for (metric, at), values in per_query.items() if at in {10, k, None}}


def slow_matrix(case: dict[str, Any]) -> tuple[Numbers, Numbers, Numbers]:
    """Everything, under (query, archive, metric, k) and for classes (query, archive, metric, label)."""
    k, wanted, got = case["k"], sets(case["query_labels"]), sets(case["archive_labels"])
    query, archive = whole(case["query"]), whole(case["archive"])
    scores: Numbers = {}
    per_query: Numbers = {}
    per_class: Numbers = {}
    across = case["query"]["s1"].shape[1] == case["query"]["s2"].shape[1]
    directions = [(a, b) for a, b in DIRECTIONS if a == b or across]
    for a, b in directions + ([*MIXED_DIRECTIONS] if across else []):
        found = slow_found(query[a], archive if b == "both" else {b: archive[b]}, k)
        images = got * 2 if b == "both" else got
        parts = slow_direction(wanted, [[got[row] for _, row in order] for order in found], images, k)
        scores |= {(a, b, metric, k): value for metric, value in parts[0].items()}
        per_class |= {(a, b, metric, label): value for (metric, label), value in parts[2].items()}
        if b == "both":
            own = [fmean(sensor == a for sensor, _ in order) for order in found]
            scores[a, b, "own_sensor_share", k], per_query[a, b, "own_sensor_share", k] = fmean(own), own
            per_query |= {(a, b, metric, k): parts[1][metric] for metric in ("precision", "recall")}
        else:
            per_query |= {(a, b, metric, k): values for metric, values in parts[1].items()}
    for a, b in CROSS_DIRECTIONS if across else ():
        means, values = slow_partners(query[a], query[b] + archive[b], k)
        scores |= {(a, b, *key): value for key, value in means.items()}
        per_query |= {(a, b, *key): value for key, value in values.items()}
    if across:
        clouds = [query[sensor] + archive[sensor] for sensor in SENSORS]
        centres = [[fmean(column) / 2**24 for column in zip(*cloud, strict=True)] for cloud in clouds]
        scores["s1", "s2", "modality_gap", None] = dist(*centres)
    return scores, per_query, per_class


def whole(side: dict[Sensor, NDArray[np.float32]]) -> dict[Sensor, Units]:
    """Unit vectors as whole numbers."""
    units = {sensor: unit_vectors(side[sensor], what="test").astype(np.float64) for sensor in SENSORS}
    return {sensor: [[int(value) for value in row * 2.0**24] for row in rows] for sensor, rows in units.items()}


def sets(labels: Labels) -> Sets:
    return [set(np.flatnonzero(row).tolist()) for row in labels]


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Few places and components of few values, so that ties, zero vectors and equal places abound."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    places = {"query": draw(st.integers(1, 7)), "archive": draw(st.integers(1, 9))}
    width = draw(st.integers(1, 3))
    widths = {"s1": width, "s2": width + draw(st.sampled_from([0, 0, 0, 1]))}
    top, classes = draw(st.sampled_from([0, 1, 2])), draw(st.integers(1, 5))
    density = draw(st.sampled_from([0.0, 0.2, 0.5, 1.0]))
    case: dict[str, Any] = {"k": draw(st.integers(1, 20)), "subject": "trained", "step": 3}
    for split, count in places.items():
        case[split] = {s: random.integers(-1, top + 1, size=(count, widths[s])).astype(np.float32) for s in SENSORS}
        case[f"{split}_labels"] = random.random((count, classes)) < density
    return case


def numbers(found: Retrieval) -> tuple[Numbers, Numbers, Numbers]:
    keyed = (
        {(s.query, s.archive, s.metric, s.k): s.value for s in found.scores},
        {(s.query, s.archive, s.metric, s.k): list(s.values) for s in found.query_scores},
        {(s.query, s.archive, s.metric, s.label): (s.queries, s.value) for s in found.class_scores},
    )
    given = (found.scores, found.query_scores, found.class_scores)
    assert [len(table) for table in keyed] == [len(scores) for scores in given], "a number is given twice"
    return keyed


def assert_equal(found: Numbers, expected: Numbers) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, abs=1e-9), key


@settings(max_examples=100, deadline=None)
@given(cases())
def test_every_number_is_that_of_the_slow_version(case: dict[str, Any]) -> None:
    for found, expected in zip(numbers(retrieval_matrix(**case)), slow_matrix(case), strict=True):
        assert_equal(found, expected)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 7), st.sampled_from([0.0, 0.3, 0.6, 1.0]))
def test_chance_is_the_mean_over_all_orders_of_the_archive(seed: int, images: int, k: int, density: float) -> None:
    random = np.random.default_rng(seed)
    wanted, got = random.random((3, 4)) < density, random.random((images, 4)) < density
    known = relevance(wanted, got)
    chance = chance_ranking(known, k).means() | chance_by_class(wanted, known, k).means()
    orders = [list(order)[:k] for order in permutations(sets(got))]
    parts = [slow_direction(sets(wanted), [order] * 3, sets(got), k) for order in orders]
    assert chance == pytest.approx({metric: fmean(scores[metric] for scores, _, _ in parts) for metric in chance})
    classes = chance_by_class(wanted, known, k)
    for metric, values in classes.per_class().items():
        expected = [fmean(found[metric, label][1] for _, _, found in parts) for label in classes.classes.tolist()]
        assert values.tolist() == pytest.approx(expected)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_chance_in_the_mixed_archive_is_that_of_one_that_holds_each_image_twice(case: dict[str, Any]) -> None:
    wanted, got = case["query_labels"], case["archive_labels"]
    once, twice = (
        numbers(
            chance_scores(query_labels=wanted, archive_labels=labels, queries=len(wanted), archive=len(labels), k=5)
        )
        for labels in (got, np.concatenate((got, got)))
    )
    for mixed, doubled in zip(once, twice, strict=True):
        found = {key: value for key, value in mixed.items() if key[1] == "both" and key[2] != "own_sensor_share"}
        assert_equal(found, {key: doubled["s1", "s1", *key[2:]] for key in found})


@pytest.mark.parametrize("noise", [0.0, 1e-6, 1e-4, 1.0])
def test_threads_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, noise: float) -> None:
    """Small noise leaves many places too near to each other for float32 to tell."""
    random = np.random.default_rng(5)
    side = {
        split: {s: (1 + noise * random.normal(size=(count, 24))).astype(np.float32) for s in SENSORS}
        for split, count in (("query", 40), ("archive", 70))
    }
    labels = {f"{split}_labels": random.random((len(side[split]["s1"]), 6)) < 0.3 for split in side}
    case: dict[str, Any] = {**side, **labels, "k": 10, "subject": "trained", "step": 3}
    matrix = retrieval_matrix(**case)
    for found, expected in zip(numbers(matrix), slow_matrix(case), strict=True):
        assert_equal(found, expected)
    assert retrieval_matrix(**case, threads=3) == matrix
    monkeypatch.setattr(descriptors, "BLOCK_VALUES", 400)
    monkeypatch.setattr(products, "QUERIES", 7)
    assert retrieval_matrix(**case, threads=2) == matrix
