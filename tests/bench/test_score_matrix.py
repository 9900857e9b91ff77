import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.result import CROSS_DIRECTIONS, DIRECTIONS, MIXED_DIRECTIONS, QueryScores, Score
from bench.score import METRICS
from bench.score.descriptors import ScoreError
from bench.score.matrix import Retrieval, chance_scores, retrieval_matrix
from models.config import SENSORS, Sensor

Key = tuple[str, str, str, int | None]


def keyed(scores: tuple[Score, ...]) -> dict[Key, float]:
    table: dict[Key, float] = {(s.query, s.archive, s.metric, s.k): s.value for s in scores}
    assert len(table) == len(scores), "a score is given twice"
    return table


def keyed_queries(scores: tuple[QueryScores, ...]) -> dict[Key, tuple[float, ...]]:
    table: dict[Key, tuple[float, ...]] = {(s.query, s.archive, s.metric, s.k): s.values for s in scores}
    assert len(table) == len(scores), "a score is given twice"
    return table


def by_class(found: Retrieval) -> dict[tuple[str, str, str, int], float]:
    return {(s.query, s.archive, s.metric, s.label): s.value for s in found.class_scores}


def case(queries: int = 12, archive: int = 20, *, labelled: bool = True) -> dict[str, Any]:
    random = np.random.default_rng(3)

    def descriptors(places: int) -> dict[Sensor, NDArray[np.float32]]:
        return {sensor: random.normal(size=(places, 4)).astype(np.float32) for sensor in SENSORS}

    labels = [random.random((places, 5)) < 0.4 if labelled else None for places in (queries, archive)]
    return {
        "query": descriptors(queries),
        "archive": descriptors(archive),
        "query_labels": labels[0],
        "archive_labels": labels[1],
        "k": 10,
        "subject": "trained",
        "step": 7,
    }


def test_the_matrix_is_that_of_the_published_code(golden: Path) -> None:
    known = json.loads((golden / "retrieval.json").read_text())
    with np.load(golden / "retrieval.npz") as arrays:
        scores = retrieval_matrix(
            query={sensor: arrays[f"query_{sensor}"] for sensor in SENSORS},
            archive={sensor: arrays[f"archive_{sensor}"] for sensor in SENSORS},
            query_labels=arrays["query_labels"],
            archive_labels=arrays["archive_labels"],
            k=known["k"],
            subject="trained",
            step=200,
        ).scores
    found = keyed(scores)
    for query, archive in DIRECTIONS:
        for metric, value in known["scores"][f"{query}->{archive}"].items():
            assert found[query, archive, metric, 10] == pytest.approx(value, abs=1e-6)


def test_labelled_data_is_scored_by_every_metric_and_unlabelled_by_partners() -> None:
    found = retrieval_matrix(**case())
    assert {s.metric for s in found.scores} == {m for m, row in METRICS.items() if not row.per_class}
    assert {s.metric for s in found.class_scores} == {m for m, row in METRICS.items() if row.per_class}
    for scores in (found.scores, found.class_scores):
        everywhere = {*DIRECTIONS, *MIXED_DIRECTIONS}
        assert {(s.query, s.archive) for s in scores if METRICS[s.metric].needs_labels} == everywhere
        assert {(s.subject, s.step) for s in scores} == {("trained", 7)}
    labelled = {s.metric for s in found.query_scores if METRICS[s.metric].needs_labels}
    assert labelled == {"precision", "recall", "mean_pairwise_f1", "ndcg", "map"}
    found = retrieval_matrix(**case(labelled=False))
    assert {s.metric for s in found.scores} == {m for m, row in METRICS.items() if not row.needs_labels}
    assert {(s.query, s.archive) for s in found.scores} == {*CROSS_DIRECTIONS, *MIXED_DIRECTIONS}
    assert {(s.metric, s.k) for s in found.query_scores} == {
        ("partner_recall", 10),
        ("partner_mrr", None),
        ("own_sensor_share", 10),
    }
    assert not found.class_scores


def test_sensors_of_different_widths_are_scored_each_by_itself() -> None:
    given = case()
    whole = retrieval_matrix(**given)
    for split in ("query", "archive"):
        given[split] = {**given[split], "s2": given[split]["s2"][:, :3]}
    found = retrieval_matrix(**given)
    assert {(s.query, s.archive) for s in found.scores} == {("s1", "s1"), ("s2", "s2")}
    assert [s for s in found.class_scores if s.query == "s1"] == [
        s for s in whole.class_scores if (s.query, s.archive) == ("s1", "s1")
    ]


@pytest.mark.parametrize("sensor", SENSORS)
def test_splits_of_different_widths_are_refused(sensor: Sensor) -> None:
    given = case()
    given["archive"][sensor] = given["archive"][sensor][:, :3]
    with pytest.raises(ScoreError, match=f"Query {sensor} descriptors have 4 components, those of the archive 3"):
        retrieval_matrix(**given)


@pytest.mark.parametrize("k", [3, 10])
def test_scores_are_the_means_of_their_queries(k: int) -> None:
    matrix = retrieval_matrix(**{**case(), "k": k})
    scores, queries = matrix.scores, matrix.query_scores
    found = keyed(scores)
    for key, values in keyed_queries(queries).items():
        assert len(values) == 12
        assert found[key] == pytest.approx(np.mean(values))
    assert {s.k for s in queries if s.metric == "partner_recall"} == {k, 10}
    assert {s.k for s in scores if s.metric == "partner_recall"} == {1, 5, 10, k}


@pytest.mark.parametrize("query", SENSORS)
def test_partners_are_searched_among_the_places_of_both_splits(query: Sensor) -> None:
    given = case()
    archive: Sensor = "s2" if query == "s1" else "s1"
    values = keyed_queries(retrieval_matrix(**given).query_scores)
    gallery = np.concatenate((given["query"][archive], given["archive"][archive]))
    for row, descriptor in enumerate(given["query"][query]):
        cosines = gallery @ descriptor / np.linalg.norm(gallery, axis=1)
        rank = 1 + int((cosines > cosines[row]).sum())
        assert values[query, archive, "partner_mrr", None][row] == pytest.approx(1 / rank)
        assert values[query, archive, "partner_recall", 10][row] == (rank <= 10)


def chance_of(given: dict[str, Any]) -> Retrieval:
    return chance_scores(
        query_labels=given["query_labels"],
        archive_labels=given["archive_labels"],
        queries=len(given["query"]["s1"]),
        archive=len(given["archive"]["s1"]),
        k=given["k"],
    )


def test_an_archive_smaller_than_k_is_looked_at_whole() -> None:
    """Shares of the whole archive do not depend on its order."""
    given = case(archive=4)
    found, whole = keyed(retrieval_matrix(**given).scores), keyed(chance_of(given).scores)
    shares = {key: value for key, value in whole.items() if key[2] in {"precision", "recall", "f1_of_means"}}
    assert {key: found[key] for key in shares} == pytest.approx(shares)
    assert {found[sensor, "both", "own_sensor_share", 10] for sensor in SENSORS} == {0.5}


def test_one_query_is_enough() -> None:
    scores = retrieval_matrix(**case(queries=1)).scores
    assert all(0 <= s.value <= 1 for s in scores if METRICS[s.metric].unit == "share")


@pytest.mark.parametrize("labelled", [True, False])
def test_chance_stands_beside_every_score_but_the_gap(labelled: bool) -> None:
    given = case(labelled=labelled)
    chance, found = chance_of(given), retrieval_matrix(**given)
    assert {(s.subject, s.step) for s in chance.scores + chance.class_scores} == {("chance", 0)}
    assert keyed(chance.scores).keys() == keyed(found.scores).keys() - {("s1", "s2", "modality_gap", None)}
    assert by_class(chance).keys() == by_class(found).keys()
    assert not chance.query_scores


def test_random_descriptors_score_as_chance_says() -> None:
    """Descriptors of `case` know nothing of labels or partners: many queries come out near the expectation."""
    given = case(queries=600, archive=900)
    chance, matrix = chance_of(given), retrieval_matrix(**given)
    found, expected = keyed(matrix.scores), keyed(chance.scores)
    del found["s1", "s2", "modality_gap", None]
    for scores in (found, expected):
        for key in scores:
            scores[key] /= 1500 if key[2] == "partner_median_rank" else 1
    assert found == pytest.approx(expected, abs=0.03)
    assert by_class(matrix) == pytest.approx(by_class(chance), abs=0.03)


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("sensor", SENSORS)
@pytest.mark.parametrize("split", ["query", "archive"])
def test_descriptors_that_are_no_numbers_are_refused_by_split_and_sensor(
    split: str, sensor: Sensor, labelled: bool
) -> None:
    given = case(labelled=labelled)
    given[split][sensor][0, 0] = np.nan
    with pytest.raises(ScoreError, match=f"1 of .* {split} {sensor} descriptors hold NaN"):
        retrieval_matrix(**given)


@pytest.mark.parametrize(("split", "what"), [("query_labels", "query places"), ("archive_labels", "archive places")])
def test_labels_of_other_places_are_refused(split: str, what: str) -> None:
    given = case()
    given[split] = given[split][1:]
    with pytest.raises(ScoreError, match=f"{what} do not match"):
        retrieval_matrix(**given)
