import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from bench.score import descriptors
from bench.score.descriptors import GRID, ScoreError, unit_vectors
from bench.score.search import nearest

Descriptors = NDArray[np.float32]

# Few different numbers, so that ties, duplicates, multiples and zero vectors abound.
VALUES = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5, 3.0])


@st.composite
def sides(draw: st.DrawFn) -> tuple[Descriptors, Descriptors]:
    width = draw(st.integers(1, 4))
    count = st.integers(1, 60)
    query, archive = (
        draw(arrays(np.float32, (draw(count), width), elements=VALUES, fill=st.nothing())) for _ in range(2)
    )
    return query, archive


def slow_nearest(queries: Descriptors, archive: Descriptors, k: int) -> tuple[list[list[int]], list[list[float]]]:
    """By whole numbers of Python, which never round."""
    scaled_queries, scaled_archive = (
        [[int(value) for value in row / GRID] for row in unit_vectors(side, what="test").astype(np.float64)]
        for side in (queries, archive)
    )
    rows, distances = [], []
    for query in scaled_queries:
        dots = [min(sum(a * b for a, b in zip(query, item, strict=True)), 2**48) for item in scaled_archive]
        order = sorted(range(len(dots)), key=lambda row: (-dots[row], row))[:k]
        rows.append(order)
        distances.append([2 - 2 * dots[row] / 2**48 for row in order])
    return rows, distances


@settings(max_examples=150, deadline=None)
@given(sides(), st.integers(1, 70))
def test_search_equals_a_loop_over_whole_numbers(pair: tuple[Descriptors, Descriptors], k: int) -> None:
    ids, distances = nearest(*pair, k)
    slow_ids, slow_distances = slow_nearest(*pair, k)
    assert ids.tolist() == slow_ids
    assert distances.tolist() == slow_distances


@settings(max_examples=60, deadline=None)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 20), st.integers(1, 6)),
        elements=st.floats(-(2.0**100), 2.0**100, width=32),
    ),
)
def test_unit_vectors_have_the_direction_of_the_descriptors(given_ND: Descriptors) -> None:
    units = unit_vectors(given_ND, what="test")
    lengths = np.linalg.norm(given_ND.astype(np.float64), axis=1, keepdims=True)
    assert units.dtype == np.float32
    np.testing.assert_allclose(units, np.divide(given_ND, np.where(lengths > 0, lengths, 1)), atol=GRID / 2)


@pytest.mark.parametrize("noise", [0.0, 1e-7, 1e-5, 1e-2, 1.0])
def test_batch_split_memory_layout_and_threads_change_nothing(noise: float) -> None:
    """The smallest noises leave more near-equal neighbours than float32 can tell apart."""
    random = np.random.default_rng(0)
    archive = (random.normal(size=96) + noise * random.normal(size=(700, 96))).astype(np.float32)
    archive[300:320] = archive[:20]
    queries = np.concatenate((archive[:30], archive[:30] + np.float32(noise) * random.normal(size=(30, 96)))).astype(
        np.float32
    )
    ids, distances = nearest(queries, archive, 10)
    assert ids.tolist() == slow_nearest(queries, archive, 10)[0]
    parts = [nearest(queries[start : start + 7], archive, 10, threads=2) for start in range(0, 60, 7)]
    assert np.array_equal(np.concatenate([part for part, _ in parts]), ids)
    assert np.array_equal(np.concatenate([part for _, part in parts]), distances)
    assert np.array_equal(nearest(np.asfortranarray(queries), np.asfortranarray(archive), 10)[0], ids)


def test_small_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    archive = (1 + 1e-6 * random.normal(size=(90, 8))).astype(np.float32)
    queries = (1 + 1e-6 * random.normal(size=(13, 8))).astype(np.float32)
    whole = nearest(queries, archive, 5)
    monkeypatch.setattr(descriptors, "BLOCK_VALUES", 40)
    assert all(np.array_equal(a, b) for a, b in zip(nearest(queries, archive, 5), whole, strict=True))


def test_all_equal_descriptors_come_in_the_order_of_their_rows() -> None:
    ids, distances = nearest(np.ones((3, 5), np.float32), np.full((64, 5), 7, np.float32), 4)
    assert ids.tolist() == [[0, 1, 2, 3]] * 3
    np.testing.assert_allclose(distances, 0, atol=1e-6)
    assert (distances >= 0).all()


def test_a_zero_vector_is_at_right_angles_to_everything() -> None:
    ids, distances = nearest(np.zeros((1, 2), np.float32), np.array([[1, 0], [0, 0], [-1, 0]], np.float32), 3)
    assert ids.tolist() == [[0, 1, 2]]
    assert distances.tolist() == [[2.0, 2.0, 2.0]]


def test_length_does_not_count() -> None:
    random = np.random.default_rng(2)
    archive = random.normal(size=(50, 6)).astype(np.float32)
    queries = random.normal(size=(5, 6)).astype(np.float32)
    scales = np.float32(10.0) ** random.integers(-30, 30, size=(50, 1)).astype(np.float32)
    assert np.array_equal(nearest(queries * np.float32(1e-20), archive * scales, 9)[0], nearest(queries, archive, 9)[0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["query", "archive"])
def test_descriptors_that_are_no_numbers_are_refused_by_name(bad: float, side: str) -> None:
    sides = {"query": np.ones((4, 3), np.float32), "archive": np.ones((5, 3), np.float32)}
    sides[side][2, 1] = bad
    with pytest.raises(ScoreError, match=rf"1 of \d {side} descriptors hold NaN or infinity \(the first is row 2\)"):
        nearest(sides["query"], sides["archive"], 2)


@pytest.mark.parametrize("side", ["query", "archive"])
def test_an_empty_side_is_refused_by_name(side: str) -> None:
    sides = {"query": np.ones((4, 3), np.float32), "archive": np.ones((5, 3), np.float32)}
    sides[side] = sides[side][:0]
    with pytest.raises(ScoreError, match=f"no {side} descriptors"):
        nearest(sides["query"], sides["archive"], 2)


def test_descriptors_of_different_widths_are_refused() -> None:
    with pytest.raises(ScoreError, match="3 components, archive descriptors 4"):
        nearest(np.ones((1, 3), np.float32), np.ones((1, 4), np.float32), 1)


def test_no_neighbours_at_all_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="k=0"):
        nearest(np.ones((1, 3), np.float32), np.ones((1, 3), np.float32), 0)


@pytest.mark.parametrize("archive", ["s1", "s2"])
@pytest.mark.parametrize("query", ["s1", "s2"])
def test_neighbours_are_those_of_the_published_code(golden: Path, query: str, archive: str) -> None:
    with np.load(golden / "retrieval.npz") as known:
        ids, _ = nearest(known[f"query_{query}"], known[f"archive_{archive}"], 10)
        assert np.array_equal(ids, known[f"ids_{query}_{archive}"])


def test_the_benchmark_measures_both_ways() -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "retrieval.py"
    sizes = ["--queries", "30", "--archive", "40", "--width", "8", "--threads", "1", "--laps", "1"]
    done = subprocess.run([sys.executable, str(script), *sizes], capture_output=True, text=True, check=True)
    assert "SYNTHETIC descriptors" in done.stdout
    assert [line.split("  ")[0] for line in done.stdout.splitlines()[3:5]] == ["search alone", "all scores"]
