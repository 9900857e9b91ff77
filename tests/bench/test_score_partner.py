from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.score import descriptors, partner
from bench.score.descriptors import ScoreError
from bench.score.partner import chance_mrr, chance_recall, partner_ranks


def slow_ranks(queries: NDArray[np.float32], gallery: NDArray[np.float32]) -> list[int]:
    def cosine(a: list[float], b: list[float]) -> float:
        lengths = sqrt(sum(x * x for x in a)) * sqrt(sum(x * x for x in b))
        return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0

    ranks = []
    for row, query in enumerate(queries.tolist()):
        own = cosine(query, gallery[row].tolist())
        # Cosines that differ by less than the grid of unit vectors can tell are ties.
        ranks.append(sum(cosine(query, item) >= own - 1e-9 for item in gallery.tolist()))
    return ranks


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 12))
def test_ranks_equal_a_loop(seed: int, queries: int, archive: int) -> None:
    """Components of 0 and ±1, so that lengths repeat and most ranks are shared."""
    random = np.random.default_rng(seed)
    query, gallery = (random.integers(-1, 2, size=(n, 3)).astype(np.float32) for n in (queries, queries + archive))
    assert partner_ranks(query, gallery).tolist() == slow_ranks(query, gallery)


def test_ranks_in_blocks_are_those_of_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    gallery = random.normal(size=(50, 8)).astype(np.float32)
    queries = gallery[:23] + random.normal(size=(23, 8)).astype(np.float32)
    whole = partner_ranks(queries, gallery)
    assert whole.tolist() == slow_ranks(queries, gallery)
    monkeypatch.setattr(descriptors, "BLOCK_VALUES", 64)
    monkeypatch.setattr(partner, "_QUERIES", 5)
    assert np.array_equal(partner_ranks(queries, gallery), whole)


def test_a_perfect_encoder_is_first_and_a_collapsed_one_last() -> None:
    places = np.random.default_rng(1).normal(size=(30, 16)).astype(np.float32)
    assert partner_ranks(places[:10], places).tolist() == [1] * 10
    assert partner_ranks(np.ones((10, 16), np.float32), np.ones((30, 16), np.float32)).tolist() == [30] * 10


@pytest.mark.parametrize("gallery", [1, 7, 40])
def test_chance_is_the_mean_over_equally_likely_ranks(gallery: int) -> None:
    ranks = np.arange(1, gallery + 1)
    assert chance_mrr(gallery) == pytest.approx(np.mean(1 / ranks))
    assert [chance_recall(k, gallery) for k in (1, 5, 10)] == pytest.approx([np.mean(ranks <= k) for k in (1, 5, 10)])


@pytest.mark.parametrize(("gallery", "match"), [((5, 3), "no partners"), ((4, 4), "no partners")])
def test_descriptors_that_do_not_fit_are_refused(gallery: tuple[int, int], match: str) -> None:
    with pytest.raises(ScoreError, match=match):
        partner_ranks(np.ones((5, 4), np.float32), np.ones(gallery, np.float32))
