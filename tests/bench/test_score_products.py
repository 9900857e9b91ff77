import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.score import descriptors, products
from bench.score.descriptors import cosines, unit_vectors
from bench.score.products import at_least, at_most, exact_where, rough_error, true_at, visit_products

Tile = tuple[slice, slice, NDArray[np.float32]]


def units(count: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    return unit_vectors(random.normal(size=(count, width)).astype(np.float32), what="test")


def tiles(queries: NDArray[np.float32], archive: NDArray[np.float32], threads: int) -> list[Tile]:
    seen: list[Tile] = []
    visit_products(
        queries, archive, [lambda rows, part, rough: seen.append((rows, part, rough.copy()))], threads=threads
    )
    return seen


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("values", [1, 200, 2**22])
def test_every_product_is_shown_once_and_close_to_the_exact_one(
    monkeypatch: pytest.MonkeyPatch, threads: int, values: int
) -> None:
    monkeypatch.setattr(descriptors, "BLOCK_VALUES", values)
    monkeypatch.setattr(products, "QUERIES", 9)
    queries, archive = units(23, 64, seed=1), units(31, 64, seed=2)
    shown, times = np.zeros((23, 31)), np.zeros((23, 31))
    for rows, part, rough in tiles(queries, archive, threads):
        shown[rows, part] = rough
        times[rows, part] += 1
    assert (times == 1).all()
    assert np.abs(shown - cosines(queries, archive)).max() <= rough_error(64)


def test_each_query_sees_the_archive_in_ascending_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "BLOCK_VALUES", 64)
    seen = tiles(units(10, 4), units(60, 4), threads=3)
    for first in {rows.start for rows, _, _ in seen}:
        parts = [part.start for rows, part, _ in seen if rows.start == first]
        assert parts == sorted(parts)


def test_tiles_of_several_threads_share_a_block() -> None:
    sizes = [max(rough.size for _, _, rough in tiles(units(4096, 2), units(8192, 2), threads)) for threads in (1, 2, 4)]
    assert [descriptors.BLOCK_VALUES // size for size in sizes] == [1, 2, 4]


def test_what_a_visitor_raises_comes_out() -> None:
    def refuse(rows: slice, part: slice, rough: NDArray[np.float32]) -> None:
        raise MemoryError(f"no room for {rows}, {part}, {rough.shape}")

    with pytest.raises(MemoryError, match="no room"):
        visit_products(units(3, 2), units(3, 2), [refuse], threads=2)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_true_at_finds_what_nonzero_finds(seed: int, rows: int, columns: int, turned: bool) -> None:
    mask = np.random.default_rng(seed).random((columns, rows) if turned else (rows, columns)) < 0.4
    mask = mask.T if turned else mask
    assert set(zip(*map(list, true_at(mask)), strict=True)) == set(zip(*map(list, np.nonzero(mask)), strict=True))


@given(st.floats(-2, 2))
def test_float32_numbers_close_below_and_above(value: float) -> None:
    exact = np.array([value])
    assert at_most(exact)[0] < value < at_least(exact)[0]
    assert at_least(exact)[0] - at_most(exact)[0] <= 2**-20


@pytest.mark.parametrize("crowded", [0.0, 2.0])
@pytest.mark.parametrize("turned", [False, True])
def test_exact_cosines_of_a_mask_are_those_of_the_whole_product(
    monkeypatch: pytest.MonkeyPatch, crowded: float, turned: bool
) -> None:
    """Gathered pair by pair, or picked from all."""
    monkeypatch.setattr(products, "CROWDED", crowded)
    monkeypatch.setattr(descriptors, "BLOCK_VALUES", 2**10)
    queries, archive = units(12, 16, seed=3), units(15, 16, seed=4)
    queries[:3] = archive[:3]
    random = np.random.default_rng(0)
    mask = random.random((15, 12)).T < 0.5 if turned else random.random((12, 15)) < 0.5
    whole, least = cosines(queries, archive), random.normal(0, 0.2, size=12)
    least[:3] = 1.0
    rows, columns, exact = exact_where(mask, queries, archive, least)
    found = np.full(mask.shape, np.nan)
    found[rows, columns] = exact
    assert len(exact) == np.isfinite(found).sum()
    wanted = np.where(mask & (whole >= least[:, np.newaxis]), whole, np.nan)
    assert np.array_equal(found, wanted, equal_nan=True)
    wanted_best = np.where(whole >= np.sort(whole, axis=1)[:, -4:-3], wanted, np.nan)
    rows, columns, exact = exact_where(mask, queries, archive, least, best=4)
    found = np.full(mask.shape, np.nan)
    found[rows, columns] = exact
    assert np.array_equal(found, wanted_best if crowded == 0 else wanted, equal_nan=True)
