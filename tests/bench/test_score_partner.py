from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.score import descriptors, products
from bench.score.descriptors import unit_vectors
from bench.score.partner import PartnerRanks, chance_median_rank, chance_mrr, chance_recall
from bench.score.products import visit_products


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


def partner_ranks(queries: NDArray[np.float32], gallery: NDArray[np.float32], *, turned: bool = False) -> list[int]:
    """Counted by the rows of the products, or by the columns of those of the gallery with the queries."""
    units, items = unit_vectors(queries, what="query"), unit_vectors(gallery, what="gallery")
    counter = PartnerRanks(units, items[: len(units)])

    def by_row(rows: slice, part: slice, rough: NDArray[np.float32]) -> None:
        counter.count(rows, items[part], rough)

    def by_column(rows: slice, part: slice, rough: NDArray[np.float32]) -> None:
        counter.count(part, items[rows], rough.T)

    if turned:
        visit_products(items, units, [by_column], threads=2)
    else:
        visit_products(units, items, [by_row], threads=2)
    return counter.ranks_N.tolist()


@pytest.mark.parametrize("turned", [False, True])
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 12))
def test_ranks_equal_a_loop(turned: bool, seed: int, queries: int, archive: int) -> None:
    """Components of 0 and ±1, so that lengths repeat and most ranks are shared."""
    random = np.random.default_rng(seed)
    query, gallery = (random.integers(-1, 2, size=(n, 3)).astype(np.float32) for n in (queries, queries + archive))
    assert partner_ranks(query, gallery, turned=turned) == slow_ranks(query, gallery)


@pytest.mark.parametrize("turned", [False, True])
def test_ranks_in_blocks_are_those_of_one_block(monkeypatch: pytest.MonkeyPatch, turned: bool) -> None:
    random = np.random.default_rng(0)
    gallery = random.normal(size=(50, 8)).astype(np.float32)
    queries = gallery[:23] + random.normal(size=(23, 8)).astype(np.float32)
    whole = partner_ranks(queries, gallery, turned=turned)
    assert whole == slow_ranks(queries, gallery)
    monkeypatch.setattr(descriptors, "BLOCK_VALUES", 64)
    monkeypatch.setattr(products, "QUERIES", 5)
    assert partner_ranks(queries, gallery, turned=turned) == whole


def test_a_perfect_encoder_is_first_and_a_collapsed_one_last() -> None:
    places = np.random.default_rng(1).normal(size=(30, 16)).astype(np.float32)
    assert partner_ranks(places[:10], places) == [1] * 10
    assert partner_ranks(np.ones((10, 16), np.float32), np.ones((30, 16), np.float32)) == [30] * 10


@pytest.mark.parametrize("gallery", [1, 7, 40])
def test_chance_is_the_mean_over_equally_likely_ranks(gallery: int) -> None:
    ranks = np.arange(1, gallery + 1)
    assert chance_mrr(gallery) == pytest.approx(np.mean(1 / ranks))
    assert [chance_recall(k, gallery) for k in (1, 5, 10)] == pytest.approx([np.mean(ranks <= k) for k in (1, 5, 10)])
    two = np.median(np.stack(np.meshgrid(ranks, ranks)), axis=0)
    assert chance_median_rank(gallery) == pytest.approx(two.mean())
