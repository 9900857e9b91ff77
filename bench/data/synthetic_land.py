"""Where classes lie in a generated patch: landscapes with their own classes, drawn as smooth random regions."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.data.bigearthnet import AGRICULTURE_AND_NATURE, CLASSES, GRASSLAND, MOORS

LABEL_SHARE: Final = 0.05
"""A class that covers more than this share of the patch is one of its labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landscape:
    """A kind of country: which classes lie side by side in it, and how often."""

    share: float
    """Of all patches. Shares and weights are chosen so that labels occur about as often as in BigEarthNet v2."""
    weights: dict[str, float]
    """Chance of each class to be drawn next, and its share of the area."""
    class_counts: tuple[float, ...] = (0.14, 0.26, 0.32, 0.20, 0.08)
    """Chance that 1, 2, 3 ... classes are drawn."""


LANDSCAPES: Final = {
    "northern forest": Landscape(
        share=0.33,
        weights={
            "Coniferous forest": 5,
            "Mixed forest": 5,
            "Transitional woodland, shrub": 3.5,
            "Inland waters": 1.8,
            AGRICULTURE_AND_NATURE: 1.0,
            "Broad-leaved forest": 0.8,
            "Arable land": 0.8,
            "Inland wetlands": 0.5,
        },
    ),
    "farmland": Landscape(
        share=0.20,
        weights={
            "Arable land": 6,
            "Complex cultivation patterns": 2.2,
            AGRICULTURE_AND_NATURE: 2.2,
            "Broad-leaved forest": 2,
            "Pastures": 1.2,
            "Mixed forest": 1,
            "Urban fabric": 0.9,
            "Transitional woodland, shrub": 0.7,
        },
    ),
    "pasture": Landscape(
        share=0.13,
        weights={
            "Pastures": 6,
            "Arable land": 2.2,
            AGRICULTURE_AND_NATURE: 1.6,
            "Complex cultivation patterns": 1.2,
            "Broad-leaved forest": 1.5,
            "Mixed forest": 1,
            "Coniferous forest": 0.8,
            "Inland wetlands": 0.7,
        },
    ),
    "Mediterranean": Landscape(
        share=0.12,
        weights={
            "Agro-forestry areas": 4,
            "Broad-leaved forest": 3,
            "Arable land": 2.5,
            "Permanent crops": 2.8,
            "Transitional woodland, shrub": 2.2,
            "Complex cultivation patterns": 1.2,
            MOORS: 0.8,
        },
    ),
    "town": Landscape(
        share=0.07,
        weights={
            "Urban fabric": 6,
            "Arable land": 2,
            "Industrial or commercial units": 1,
            "Complex cultivation patterns": 1.8,
            AGRICULTURE_AND_NATURE: 1,
            "Pastures": 0.8,
        },
    ),
    "coast": Landscape(
        share=0.15,
        weights={
            "Marine waters": 8,
            "Beaches, dunes, sands": 0.3,
            "Coastal wetlands": 0.3,
            "Coniferous forest": 0.4,
            "Urban fabric": 0.4,
            MOORS: 0.3,
        },
        class_counts=(0.74, 0.12, 0.09, 0.05),
    ),
    "upland": Landscape(
        share=0.03,
        weights={
            GRASSLAND: 5,
            "Broad-leaved forest": 2,
            "Transitional woodland, shrub": 2,
            MOORS: 2,
            "Coniferous forest": 1,
            "Inland wetlands": 0.7,
        },
    ),
}

_SHARES: Final = np.array([landscape.share for landscape in LANDSCAPES.values()])
_COLUMNS: Final = [np.array([CLASSES.index(name) for name in land.weights]) for land in LANDSCAPES.values()]
_WEIGHTS: Final = [np.array(list(land.weights.values())) for land in LANDSCAPES.values()]
_COUNTS: Final = [np.array(land.class_counts) for land in LANDSCAPES.values()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Land:
    """A class map."""

    classes: NDArray[np.intp]
    """Columns of `CLASSES` that were drawn."""
    regions: NDArray[np.intp]
    """Height x width: which of `classes` each pixel is."""

    def labels(self) -> NDArray[np.bool_]:
        """The classes that cover enough of the patch, as one row of the label matrix."""
        share = np.bincount(self.regions.ravel(), minlength=len(self.classes)) / self.regions.size
        row = np.zeros(len(CLASSES), dtype=bool)
        row[self.classes[share > LABEL_SHARE]] = True
        return row


def draw_land(rng: np.random.Generator, pixels: int) -> Land:
    """A class map of `pixels` x `pixels`."""
    kind = rng.choice(len(_SHARES), p=_SHARES / _SHARES.sum())
    weights = _WEIGHTS[kind]
    count = 1 + rng.choice(len(_COUNTS[kind]), p=_COUNTS[kind])
    drawn = rng.choice(len(weights), size=count, replace=False, p=weights / weights.sum())
    length = rng.uniform(5 / 64, 14 / 64) * pixels
    fields = smooth_fields(rng, count, pixels, length)
    # a class with three times the weight gets about half a standard deviation more than the others
    height = fields + 0.5 * np.log(weights[drawn] / weights[drawn].mean())[:, None, None]
    return Land(classes=_COLUMNS[kind][drawn], regions=height.argmax(axis=0))


def smooth_fields(rng: np.random.Generator, count: int, pixels: int, length: float) -> NDArray[np.float32]:
    """Random fields (count x pixels x pixels), mean 0 and standard deviation 1, correlated over `length` pixels."""
    # Gaussian bumps on a grid as wide as their own width sum up to a field that is stationary within 1 %
    width = length / 2
    nodes = np.arange(-3, pixels / width + 3) * width
    bumps = np.exp(-0.5 * ((np.arange(pixels)[:, None] - nodes) / width) ** 2).astype(np.float32)
    noise = rng.standard_normal((count, len(nodes), len(nodes)), dtype=np.float32)
    fields = bumps @ noise @ bumps.T
    # the sum of squared bumps at a point is sqrt(pi) in each direction
    return np.asarray(fields / np.sqrt(np.pi), dtype=np.float32)
