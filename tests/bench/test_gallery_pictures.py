"""Pictures: known values become known colours."""

import numpy as np
import pytest

from bench.data.pairs import Image
from bench.gallery.pictures import Picture, legend, pictures
from models.config import Sensor

S2_BANDS = ("B02", "B03", "B04", "B08")


def flat(*values: float) -> Image:
    """An image in which each band has one value."""
    return np.broadcast_to(np.array(values, np.float32)[:, None, None], (len(values), 8, 8)).copy()


def colour(picture: Picture) -> tuple[int, ...]:
    assert picture.shape == (8, 8, 3)
    assert picture.dtype == np.uint8
    assert (picture == picture[0, 0]).all()
    return tuple(int(value) for value in picture[0, 0])


def test_true_colour_is_red_green_blue_by_the_names_of_the_bands() -> None:
    ramp = np.linspace(0, 1000, 64, dtype=np.float32).reshape(8, 8)
    zero = np.zeros((8, 8), np.float32)
    (picture,) = pictures("s2", [np.stack((zero, zero, ramp, ramp))], S2_BANDS)
    assert picture[..., 0].max() == 255
    assert picture[..., 1:].max() == 0


def test_the_stretch_is_that_of_the_percentiles_and_the_gamma() -> None:
    rng = np.random.default_rng(0)
    images = [rng.gamma(2, 300, (4, 8, 8)).astype(np.float32) for _ in range(5)]
    low, high = np.percentile([image[:3] for image in images], (2, 98), axis=(2, 3))
    black, full = np.quantile(low, 0.25), np.quantile(high, 0.75)
    for image, picture in zip(images, pictures("s2", images, S2_BANDS), strict=True):
        share = np.clip((image[[2, 1, 0]].astype(float) - black) / (full - black), 0, 1)
        expected = np.rint(255 * share ** (1 / 1.6)).transpose(1, 2, 0)
        assert np.array_equal(picture, expected.astype(np.uint8))


def test_brightness_can_be_compared_between_the_pictures() -> None:
    ramp = np.linspace(0, 1000, 64, dtype=np.float32).reshape(8, 8)
    bright = np.stack([ramp] * 4)
    dark: Image = bright * np.float32(0.5)
    one, half = pictures("s2", [bright, dark], S2_BANDS)
    assert half.mean() < one.mean()
    (alone,) = pictures("s2", [dark], S2_BANDS)
    assert alone.mean() > half.mean()


def test_one_image_of_snow_does_not_darken_the_others() -> None:
    rng = np.random.default_rng(1)
    land = [rng.uniform(100, 900, (4, 8, 8)).astype(np.float32) for _ in range(9)]
    without = pictures("s2", land, S2_BANDS)[0].mean()
    snow = rng.uniform(8000, 9000, (4, 8, 8)).astype(np.float32)
    assert pictures("s2", [*land, snow], S2_BANDS)[0].mean() == pytest.approx(without, rel=0.05)


def test_a_composite_of_decibels_has_fixed_limits() -> None:
    calm, wood, town = pictures("s1", [flat(-30, -24), flat(-18, -12), flat(-6, 0)], ("VH", "VV"))
    assert colour(calm) == (0, 0, round(255 * 6 / 14))
    assert colour(wood) == (128, 128, round(255 * 6 / 14))
    assert colour(town) == (255, 255, round(255 * 6 / 14))
    assert colour(pictures("s1", [flat(-18, -12)], ("VH", "VV"))[0]) == colour(wood)


def test_a_composite_of_amplitudes_is_stretched() -> None:
    ramp = np.linspace(1, 200, 64, dtype=np.float32).reshape(8, 8)
    (picture,) = pictures("s1", [np.stack((ramp, ramp[::-1]))], ("VV", "VH"))
    assert (picture[0, 0, 0], picture[-1, -1, 0]) == (0, 255)
    assert picture[0, 0, 1] > picture[-1, -1, 1]
    assert picture[-1, -1, 2] > picture[0, 0, 2]


@pytest.mark.parametrize(
    ("sensor", "bands", "told"),
    [
        ("s1", ("VV", "VH"), "red VV, green VH, blue VV/VH"),
        ("s1", ("HV", "HH"), "red HH, green HV, blue HH/HV"),
        ("s1", ("VH",), "VH in grey"),
        ("s2", S2_BANDS, "true colour (B04, B03, B02)"),
        ("s2", ("R", "G", "B"), "true colour (R, G, B)"),
        ("s2", ("B08", "B11", "B12"), "B08, B11, B12 as red, green, blue"),
        ("s2", ("B08",), "B08 in grey"),
    ],
)
def test_the_legend_says_what_is_drawn(sensor: Sensor, bands: tuple[str, ...], told: str) -> None:
    assert legend(sensor, bands) == told
    rng = np.random.default_rng(2)
    (picture,) = pictures(sensor, [rng.normal(-15, 3, (len(bands), 8, 8)).astype(np.float32)], bands)
    grey = (picture[..., 0] == picture[..., 1]).all() and (picture[..., 1] == picture[..., 2]).all()
    assert grey == told.endswith("grey")


@pytest.mark.parametrize("sensor", ["s1", "s2"])
@pytest.mark.parametrize("value", [0.0, 1.0, -15.0, float("nan"), float("inf")])
def test_an_image_without_contrast_or_numbers_is_a_picture_all_the_same(sensor: Sensor, value: float) -> None:
    bands = {"s1": ("VV", "VH"), "s2": S2_BANDS}[sensor]
    (picture,) = pictures(sensor, [flat(*[value] * len(bands))], bands)
    colour(picture)


def test_what_is_no_number_is_as_dark_as_the_darkest() -> None:
    image = np.linspace(0, 100, 4 * 64, dtype=np.float32).reshape(4, 8, 8)
    image[:, 3, 3] = np.nan
    (picture,) = pictures("s2", [image], S2_BANDS)
    assert picture[3, 3].tolist() == [0, 0, 0]


def test_nothing_makes_no_picture() -> None:
    assert pictures("s2", [], S2_BANDS) == ()
