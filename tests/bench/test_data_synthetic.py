import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from bench.data.bigearthnet import BANDS, CLASSES
from bench.data.pairs import SPLITS, open_pairs
from bench.data.synthetic import SyntheticOptions, SyntheticPairs, parse_options
from bench.data.synthetic_images import LEVELS, Level, draw_images
from bench.data.synthetic_land import LANDSCAPES, Land, draw_land, smooth_fields
from bench.data.synthetic_surfaces import SURFACES
from bench.errors import DataError
from models.config import SENSORS


def make(
    *, train: int = 6, query: int = 4, archive: int = 5, level: Level = "mid", pixels: int = 64, seed: int = 0
) -> SyntheticPairs:
    return SyntheticPairs(
        SyntheticOptions(train=train, query=query, archive=archive, level=level, pixels=pixels, seed=seed)
    )


@pytest.fixture(scope="module")
def sample() -> tuple[dict[str, NDArray[np.float32]], NDArray[np.bool_]]:
    """Images by sensor and labels of 300 training pairs at level mid."""
    pairs = make(train=300)
    images = [pairs.read(name) for name in pairs.ids("train")]
    return {s: np.stack([image[s] for image in images]) for s in SENSORS}, pairs.labels("train")


def test_the_same_pair_is_made_again_anywhere_and_in_any_order() -> None:
    one, other = make(), make()
    names = [name for split in SPLITS for name in one.ids(split)]
    first = {name: one.read(name) for name in names}
    assert len({images["s1"].tobytes() for images in first.values()}) == 15
    for name in reversed(names):
        for sensor in SENSORS:
            assert np.array_equal(first[name][sensor], other.read(name)[sensor])
    for split in SPLITS:
        assert np.array_equal(one.labels(split), other.labels(split))


def test_a_smaller_set_is_the_beginning_of_a_larger_one() -> None:
    small, large = make(), make(train=60, query=20, archive=30)
    for split in SPLITS:
        count = len(small.ids(split))
        assert small.ids(split) == large.ids(split)[:count]
        assert np.array_equal(small.labels(split), large.labels(split)[:count])
        assert list(large.ids(split)) == sorted(large.ids(split))
    name = small.ids("query")[3]
    assert np.array_equal(small.read(name)["s2"], large.read(name)["s2"])


@pytest.mark.parametrize("change", [{"seed": 1}, {"level": "hard"}, {"pixels": 32}])
def test_other_options_give_other_images_under_other_names(change: dict[str, Any]) -> None:
    one, other = make(), make(**change)
    assert not set(one.ids("train")) & set(other.ids("train"))
    a, b = one.read(one.ids("train")[0])["s2"], other.read(other.ids("train")[0])["s2"]
    assert a.shape != b.shape or not np.allclose(a, b)


def test_levels_show_the_same_places() -> None:
    assert np.array_equal(make(level="easy", train=50).labels("train"), make(level="hard", train=50).labels("train"))


@pytest.mark.parametrize("pixels", [16, 64, 120])
def test_images_are_of_the_size_asked_for_and_physical(pixels: int) -> None:
    pairs = make(pixels=pixels)
    images = pairs.read(pairs.ids("archive")[0])
    assert images["s1"].shape == (2, pixels, pixels)
    assert images["s2"].shape == (10, pixels, pixels)
    for sensor in SENSORS:
        assert images[sensor].dtype == np.float32
        assert np.isfinite(images[sensor]).all()
    assert 1 <= images["s2"].min() <= images["s2"].max() <= 16_000


def test_labels_are_the_classes_over_more_than_a_twentieth_of_the_map() -> None:
    regions = np.zeros((20, 20), dtype=np.intp)
    regions[0, :20] = 1  # 5 % exactly
    regions[1:3, :11] = 2
    land = Land(classes=np.array([11, 2, 6]), regions=regions)
    assert [CLASSES[column] for column in land.labels().nonzero()[0]] == ["Coniferous forest", "Marine waters"]


def test_labels_occur_about_as_often_as_in_bigearthnet(shared_data: Path) -> None:
    lists = pq.read_table(shared_data / "ben-metadata/v2/metadata.parquet", columns=["labels"])["labels"]
    tally = pc.value_counts(pc.list_flatten(lists))
    counts = dict(zip(tally.field("values").to_pylist(), tally.field("counts").to_numpy(), strict=True))
    real = np.array([counts[name] for name in CLASSES]) / len(lists)
    pairs = make(train=1000)
    share = pairs.labels("train").mean(axis=0)
    assert 2.3 < pairs.labels("train").sum(axis=1).mean() < 2.8
    assert np.abs(share - real).max() < 0.10
    assert np.corrcoef(share, real)[0, 1] > 0.97
    assert (share > 0).all()


def test_every_pair_has_a_label(sample: tuple[dict[str, NDArray[np.float32]], NDArray[np.bool_]]) -> None:
    assert sample[1].any(axis=1).all()
    assert sample[1].sum(axis=1).max() <= 5


# BigEarthNet v1's own mean and deviation, and how far from them the sample may be
@pytest.mark.parametrize(
    ("sensor", "band", "mean", "deviation"),
    [("s1", "VV", -12.6, 5.1), ("s1", "VH", -19.3, 5.5), ("s2", "B08", 2219, 1365), ("s2", "B02", 430, 572)],
)
def test_pixels_spread_about_as_in_bigearthnet(
    sample: tuple[dict[str, NDArray[np.float32]], NDArray[np.bool_]],
    sensor: str,
    band: str,
    mean: float,
    deviation: float,
) -> None:
    pixels = sample[0][sensor][:, BANDS[sensor].index(band)]  # type: ignore[index]  # a sensor's name
    assert abs(pixels.mean() - mean) < 0.4 * deviation
    assert 0.75 < pixels.std() / deviation < 1.35


def test_speckle_has_the_looks_of_its_level() -> None:
    water = Land(classes=np.array([CLASSES.index("Inland waters")]), regions=np.zeros((64, 64), dtype=np.intp))
    for level, difficulty in LEVELS.items():
        intensity = 10 ** (draw_images(np.random.default_rng(1), water, level)["s1"] / 10)
        # beside speckle there is texture of 0.8 dB: (0.8 ln(10) / 10)^2 = 0.034
        variance = (intensity.std(axis=(1, 2)) / intensity.mean(axis=(1, 2))) ** 2
        np.testing.assert_allclose(variance, (1 + 1 / difficulty.looks) * 1.034 - 1, rtol=0.25)


def test_smooth_fields_have_deviation_1_and_the_length_asked_for() -> None:
    fields = smooth_fields(np.random.default_rng(0), 400, 64, 10)
    assert abs(float(fields.std()) - 1) < 0.03
    correlation = float((fields[:, :, :-5] * fields[:, :, 5:]).mean())
    # two bumps of width 5, half of the length, that are 5 apart overlap by exp(-1/4)
    assert abs(correlation - np.exp(-0.25)) < 0.03


def test_tables_name_every_class_and_shares_are_whole() -> None:
    assert set(SURFACES) == set(CLASSES)
    assert {name for landscape in LANDSCAPES.values() for name in landscape.weights} == set(CLASSES)
    for landscape in LANDSCAPES.values():
        assert sum(landscape.class_counts) == pytest.approx(1)
        assert len(landscape.class_counts) <= len(landscape.weights)


def test_classes_that_are_drawn_together_belong_to_one_landscape() -> None:
    countries = [set(landscape.weights) for landscape in LANDSCAPES.values()]
    for seed in range(100):
        land = draw_land(np.random.default_rng(seed), 16)
        names = {CLASSES[column] for column in land.classes}
        assert len(names) == len(land.classes)
        assert any(names <= country for country in countries)


def test_statistics_are_those_of_the_training_pairs() -> None:
    pairs = make(train=20)
    images = {s: np.stack([pairs.read(name)[s] for name in pairs.ids("train")]).astype(float) for s in SENSORS}
    for sensor in SENSORS:
        statistics = pairs.statistics()[sensor]
        np.testing.assert_allclose(statistics.mean, images[sensor].mean(axis=(0, 2, 3)), rtol=1e-5)
        np.testing.assert_allclose(statistics.std, images[sensor].std(axis=(0, 2, 3)), rtol=1e-5)
        assert statistics.source == "computed from 20 training pairs"


def test_band_statistics_do_not_tell_classes_apart_too_well_nor_too_badly() -> None:
    """The nearest neighbour by per-band mean and deviation shares labels more often than chance, far from always."""
    pairs = make(train=1, query=150, archive=300)
    described, labels = {}, {}
    for split in ("query", "archive"):
        labels[split] = pairs.labels(split)
        for sensor in SENSORS:
            images = np.stack([pairs.read(name)[sensor] for name in pairs.ids(split)])
            described[sensor, split] = np.concatenate([images.mean(axis=(2, 3)), images.std(axis=(2, 3))], axis=1)
    for sensor in SENSORS:
        centre, scale = described[sensor, "archive"].mean(axis=0), described[sensor, "archive"].std(axis=0)
        query, archive = ((described[sensor, split] - centre) / scale for split in ("query", "archive"))
        assert 30 < _f1(query, archive, labels) < 48
    noise = np.random.default_rng(0).normal(size=(450, 24))
    assert 15 < _f1(noise[:150], noise[150:], labels) < 25


def _f1(query: NDArray[Any], archive: NDArray[Any], labels: dict[str, NDArray[np.bool_]]) -> float:
    """Multi-label F1 of the ten nearest by cosine, in percent."""
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (query, archive)]
    found = labels["archive"][np.argsort(-unit[0] @ unit[1].T, axis=1)[:, :10]]
    shared = (found & labels["query"][:, None]).sum(axis=2)
    precision = (shared / found.sum(axis=2)).mean()
    recall = (shared / labels["query"].sum(axis=1)[:, None]).mean()
    return float(200 * precision * recall / (precision + recall))


def test_options_are_read_from_text() -> None:
    assert parse_options("") == SyntheticOptions()
    assert parse_options("train=1024, level=hard,seed=3,pixels=32") == SyntheticOptions(
        train=1024, level="hard", seed=3, pixels=32
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trian=5", "unknown option 'trian': did you mean 'train'?"),
        ("colour=5", "unknown option 'colour': known: train, query, archive, level, pixels, seed"),
        ("train=many", "train='many' must be a whole number"),
        ("train", "train='' must be a whole number"),
        ("train=-5", "train='-5' must be a whole number"),
        ("train=0", "train=0 must be between 1 and 999999"),
        ("level=harder", "level=harder must be one of easy, mid, hard"),
        ("pixels=60", "pixels=60 must be a multiple of 8 between 16 and 512"),
        ("seed=99999999999999999999", "seed=99999999999999999999 must be below 2^63"),
    ],
)
def test_options_that_cannot_be_are_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        open_pairs(f"synthetic:{text}")
    assert str(raised.value) == f"synthetic: {message}"


@pytest.mark.parametrize(
    "name", ["nonsense", "synthetic1-mid-64px-seed0-train-000006", "synthetic1-mid-64px-seed1-train-000000"]
)
def test_a_pair_that_is_not_in_the_set_is_an_error(name: str) -> None:
    with pytest.raises(DataError, match=f"^{name} is no pair of synthetic"):
        make().read(name)


def test_results_on_it_can_be_told_from_others() -> None:
    pairs = make()
    assert pairs.synthetic
    assert "synthetic" in pairs.name
    assert any("synthetic" in note for note in pairs.notes)


def test_making_pairs_is_fast() -> None:
    pairs = make(train=40)
    pairs.read(pairs.ids("train")[0])
    start = time.process_time()
    for name in pairs.ids("train"):
        pairs.read(name)
    assert time.process_time() - start < 40 / 60  # 400 pairs/s on a free core; 60 on any
