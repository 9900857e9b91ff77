"""Descriptors without a network, against slow obvious versions."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.data.cache import CachedSplit
from bench.data.descriptors import Descriptors
from bench.score import descriptors as ready
from bench.score.baselines import BASELINES, FILE, Baseline, describe, without_network

CELLS = 8


def images(count: int, bands: int, pixels: int, seed: int = 0) -> NDArray[np.float16]:
    return np.random.default_rng(seed).normal(1, 2, (count, bands, pixels, pixels)).astype(np.float16)


def split(count: int, seed: int) -> CachedSplit:
    names = tuple(f"{seed}-{number}" for number in range(count))
    return CachedSplit(ids=names, s1=images(count, 2, 12, seed), s2=images(count, 3, 12, seed + 1), labels=None)


def unreadable(of: CachedSplit) -> CachedSplit:
    """The same pairs with images that are no images, so that describing them fails."""
    nothing = np.zeros(0, np.float16)
    return CachedSplit(ids=of.ids, s1=nothing, s2=nothing, labels=None)


QUERY, ARCHIVE = split(5, 10), split(9, 20)


def flat(found: dict[Baseline, Descriptors]) -> list[NDArray[np.float32]]:
    return [side[s] for one in found.values() for side in (one.query, one.archive) for s in ("s1", "s2")]


def same(first: dict[Baseline, Descriptors], second: dict[Baseline, Descriptors]) -> bool:
    return list(first) == list(second) and all(map(np.array_equal, flat(first), flat(second)))


@pytest.mark.parametrize("pixels", [8, 9, 12, 15, 64, 120])
def test_a_thumbnail_is_the_mean_of_each_cells_area_standardised(pixels: int) -> None:
    given = images(4, 3, pixels)
    for image, thumbnail in zip(given.astype(float), describe(given)["thumbnail"], strict=True):
        fine = np.kron(image.mean(axis=0), np.ones((CELLS, CELLS)))  # each pixel becomes 8 x 8 alike ones
        cells = fine.reshape(CELLS, pixels, CELLS, pixels).mean(axis=(1, 3)).ravel()
        np.testing.assert_allclose(thumbnail, (cells - cells.mean()) / cells.std(), atol=1e-6)


def test_the_cosine_of_thumbnails_is_the_correlation_of_their_cells() -> None:
    given = images(2, 1, 8)
    first, second = describe(given)["thumbnail"]
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert cosine == pytest.approx(np.corrcoef(given[0].ravel(), given[1].ravel())[0, 1], abs=1e-6)


def test_band_statistics_are_means_and_deviations_standardised_by_the_archive() -> None:
    found = without_network(Path("/nowhere"), QUERY, ARCHIVE)["band_statistics"]
    plain = [
        [[*image.mean(axis=(1, 2)), *image.std(axis=(1, 2))] for image in side.s2.astype(float)]
        for side in (QUERY, ARCHIVE)
    ]
    mean, deviation = np.mean(plain[1], axis=0), np.std(plain[1], axis=0)
    np.testing.assert_allclose(found.query["s2"], (plain[0] - mean) / deviation, atol=1e-5)
    np.testing.assert_allclose(found.archive["s2"], (plain[1] - mean) / deviation, atol=1e-5)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    given = images(7, 3, 12)
    whole = describe(given)
    monkeypatch.setattr(ready, "BLOCK_VALUES", 2 * 3 * 12 * 12)
    sizes = [rows.stop - rows.start for rows in ready.blocks(7, 3 * 12 * 12)]
    assert sizes == [2, 2, 2, 1]
    assert all(np.array_equal(whole[baseline], describe(given)[baseline]) for baseline in BASELINES)


def test_what_is_constant_is_nothing_and_not_nan() -> None:
    query, archive = split(2, 30), split(4, 40)
    query.s2[0] = 0.1
    archive.s1[:] = -1.7
    found = without_network(Path("/nowhere"), query, archive)
    assert all(np.isfinite(array).all() for array in flat(found))
    assert not found["thumbnail"].query["s2"][0].any()
    assert not found["thumbnail"].archive["s1"].any()
    assert not found["band_statistics"].archive["s1"].any()
    assert np.abs(found["band_statistics"].query["s1"]).max() < 100


def test_images_are_read_once_a_data_set(tmp_path: Path) -> None:
    made = without_network(tmp_path, QUERY, ARCHIVE)
    assert same(without_network(tmp_path, unreadable(QUERY), unreadable(ARCHIVE)), made)
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def turn_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def write_text(file: Path) -> None:
    file.write_text("no arrays at all")


def leave_out_arrays(file: Path) -> None:
    with file.open("wb") as stream:
        np.savez(stream, other=np.zeros(3))


def describe_other_pairs(file: Path) -> None:
    without_network(file.parent / "other", split(6, 10), ARCHIVE)
    (file.parent / "other" / FILE).replace(file)


@pytest.mark.parametrize("damage", [cut, turn_a_bit, empty, write_text, leave_out_arrays, describe_other_pairs])
def test_a_damaged_file_is_made_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    (tmp_path / "other").mkdir()
    made = without_network(tmp_path, QUERY, ARCHIVE)
    damage(tmp_path / FILE)
    assert same(without_network(tmp_path, QUERY, ARCHIVE), made)
    assert same(without_network(tmp_path, unreadable(QUERY), unreadable(ARCHIVE)), made)


def test_a_folder_that_cannot_be_written_to_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = without_network(tmp_path, QUERY, ARCHIVE)
    (tmp_path / FILE).unlink()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert same(without_network(tmp_path, QUERY, ARCHIVE), made)
    assert not [*tmp_path.iterdir()]
