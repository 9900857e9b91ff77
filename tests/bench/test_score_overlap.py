import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.score.overlap import chance, harmonic_mean, overlap

Labels = NDArray[np.bool_]


def share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def slow_pair(query: Labels, result: Labels) -> dict[str, float]:
    wanted, got = set(np.flatnonzero(query).tolist()), set(np.flatnonzero(result).tolist())
    precision, recall = share(len(wanted & got), len(got)), share(len(wanted & got), len(wanted))
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": precision, "recall": recall, "mean_pairwise_f1": f1}


def slow_overlap(ids: list[list[int]], query_labels: Labels, archive_labels: Labels) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"precision": [], "recall": [], "mean_pairwise_f1": []}
    for rows, query in zip(ids, query_labels, strict=True):
        pairs = [slow_pair(query, archive_labels[row]) for row in rows]
        for metric, values in found.items():
            values.append(sum(pair[metric] for pair in pairs) / len(pairs))
    return found


@st.composite
def labelled(draw: st.DrawFn) -> tuple[Labels, Labels, NDArray[np.int64]]:
    """Labels from none at all to all of them, of few classes or more than fit one word."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    queries, archive, k = draw(st.integers(1, 12)), draw(st.integers(1, 12)), draw(st.integers(1, 5))
    classes = draw(st.sampled_from([1, 2, 19, 43, 64, 65, 130]))
    density = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    query_labels, archive_labels = (random.random((n, classes)) < density for n in (queries, archive))
    query_labels[random.random(queries) < 0.2] = False
    return query_labels, archive_labels, random.integers(archive, size=(queries, k))


@settings(max_examples=150, deadline=None)
@given(labelled())
def test_overlap_equals_a_loop_over_sets(case: tuple[Labels, Labels, NDArray[np.int64]]) -> None:
    query_labels, archive_labels, ids = case
    found, slow = overlap(ids, query_labels, archive_labels), slow_overlap(ids.tolist(), query_labels, archive_labels)
    for metric, values in found.per_query().items():
        np.testing.assert_allclose(values, slow[metric], atol=1e-12)
    means = {metric: sum(values) / len(values) for metric, values in slow.items()}
    total = means["precision"] + means["recall"]
    means["f1_of_means"] = 2 * means["precision"] * means["recall"] / total if total else 0.0
    assert found.means() == pytest.approx(means, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(labelled())
def test_chance_is_the_mean_over_the_whole_archive(case: tuple[Labels, Labels, NDArray[np.int64]]) -> None:
    query_labels, archive_labels, _ = case
    everything = np.tile(np.arange(len(archive_labels)), (len(query_labels), 1))
    expected = overlap(everything, query_labels, archive_labels)
    for metric, values in chance(query_labels, archive_labels).per_query().items():
        np.testing.assert_allclose(values, expected.per_query()[metric], atol=1e-12)


def test_images_without_labels_share_nothing() -> None:
    none, one = np.zeros((1, 3), bool), np.ones((1, 3), bool)
    for query, archive in ((none, one), (one, none), (none, none)):
        assert set(overlap(np.zeros((1, 1), np.int64), query, archive).means().values()) == {0.0}


def test_precision_divides_by_the_result_and_recall_by_the_query() -> None:
    query, archive = np.array([[True, True, False, False]]), np.array([[True, False, True, True]])
    means = overlap(np.zeros((1, 1), np.int64), query, archive).means()
    assert (means["precision"], means["recall"]) == (1 / 3, 1 / 2)


@pytest.mark.parametrize(("first", "second", "mean"), [(0.5, 0.5, 0.5), (0.2, 0.3, 0.24), (0.0, 0.7, 0.0), (0, 0, 0)])
def test_harmonic_mean(first: float, second: float, mean: float) -> None:
    assert harmonic_mean(np.float64(first), np.float64(second)) == pytest.approx(mean)


def test_scores_are_those_of_the_published_code(golden: Path) -> None:
    known = json.loads((golden / "retrieval.json").read_text())["scores"]
    with np.load(golden / "retrieval.npz") as arrays:
        for direction, scores in known.items():
            query, archive = direction.split("->")
            found = overlap(arrays[f"ids_{query}_{archive}"], arrays["query_labels"], arrays["archive_labels"])
            assert found.means() == pytest.approx(scores, abs=1e-6)


def test_the_benchmark_finds_equal_scores() -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "scoring.py"
    command = [sys.executable, str(script), "--queries", "40", "--archive", "30"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "the scores agree" in done.stdout
