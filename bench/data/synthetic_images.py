"""What the two sensors see of a generated class map.

Sentinel-2: a reflectance spectrum a class, changed by season, texture, illumination, haze and cloud. Sentinel-1: a
backscatter a class and polarisation, with texture partly that of Sentinel-2, and multi-look speckle. The spread over
many patches at level "mid" is near BigEarthNet's.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bench.data.bigearthnet import CLASSES
from bench.data.pairs import Image
from bench.data.resample import resize
from bench.data.synthetic_land import Land, smooth_fields
from bench.data.synthetic_surfaces import SURFACES
from models.config import Sensor

Level = Literal["easy", "mid", "hard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difficulty:
    """How much two images of the same class differ."""

    spectral: float
    """Deviation of a class's brightness from patch to patch, and nearly as much in each band by itself; this and the
    next two in natural logarithms."""
    seasonal: float
    """Deviation of greenness: the season, and the state of each class's crops."""
    gain: float
    """Deviation of a whole patch's brightness."""
    haze: float
    """Mean brightness added in the blue band, as a share of 1,000."""
    class_db: float
    """Deviation of a class's backscatter from patch to patch."""
    patch_db: float
    """Deviation of a whole patch's backscatter."""
    looks: float
    """Speckle: the variance of the intensity is one over this."""
    cloudy_share: float
    """Patches with clouds."""


LEVELS: Final[dict[Level, Difficulty]] = {
    "easy": Difficulty(
        spectral=0.05, seasonal=0.05, gain=0.05, haze=0.02, class_db=0.5, patch_db=0.5, looks=8, cloudy_share=0
    ),
    "mid": Difficulty(
        spectral=0.20, seasonal=0.20, gain=0.18, haze=0.08, class_db=1.2, patch_db=2.2, looks=4.4, cloudy_share=0.05
    ),
    "hard": Difficulty(
        spectral=0.30, seasonal=0.35, gain=0.35, haze=0.25, class_db=1.8, patch_db=3.0, looks=3, cloudy_share=0.15
    ),
}


_FINE_PIXELS: Final = 2.5
_COARSE_PIXELS: Final = 10.0
"""Correlation lengths of the two textures that a class mixes."""

# Bands as in `BANDS`: B02 B03 B04 B08 B05 B06 B07 B11 B12 B8A.
_GREENING: Final = np.array([-0.5, -0.2, -0.9, 0.6, -0.2, 0.45, 0.55, -0.45, -0.7, 0.6], np.float32)
"""What more leaves do to the logarithm of reflectance: red and short-wave infrared fall, near infrared rises."""
_HAZE: Final = np.array([1.0, 0.75, 0.6, 0.25, 0.5, 0.4, 0.3, 0.08, 0.04, 0.22], np.float32)
"""Haze by band, as a share of that in blue."""
_CLOUD: Final = np.array([1.0, 0.98, 1.0, 1.05, 1.02, 1.04, 1.05, 0.7, 0.5, 1.06], np.float32)
"""Reflectance of cloud by band, as a share of that in blue: ice absorbs in the short-wave infrared."""

_FIRST_20M_BAND: Final = 4
"""From this one on: B05 B06 B07 B11 B12 B8A."""

_SPECTRA: Final = np.log(np.array([SURFACES[name].s2 for name in CLASSES], np.float32))
_BACKSCATTER: Final = np.array([SURFACES[name].s1 for name in CLASSES], np.float32)
_GREEN: Final = np.array([SURFACES[name].green for name in CLASSES], np.float32)
_GRAIN: Final = np.array([SURFACES[name].grain for name in CLASSES], np.float32)
_S2_TEXTURE: Final = np.array([SURFACES[name].s2_texture for name in CLASSES], np.float32)
_S1_TEXTURE: Final = np.array([SURFACES[name].s1_texture for name in CLASSES], np.float32)


def draw_images(rng: np.random.Generator, land: Land, level: Level) -> dict[Sensor, Image]:
    """Both images of a class map: S1 in dB (VH, VV), S2 in reflectance x 10,000."""
    difficulty = LEVELS[level]
    pixels = land.regions.shape[0]
    fine, coarse = (smooth_fields(rng, 3, pixels, length) for length in (_FINE_PIXELS, _COARSE_PIXELS))
    grain = _GRAIN[land.classes][land.regions]
    ground, optical, radar = np.sqrt(grain) * fine + np.sqrt(1 - grain) * coarse
    return {
        "s1": _radar_image(rng, land, difficulty, 0.6 * ground + 0.8 * radar),
        "s2": _optical_image(rng, land, difficulty, ground, 0.6 * ground + 0.8 * optical),
    }


def _radar_image(rng: np.random.Generator, land: Land, difficulty: Difficulty, texture: NDArray[np.float32]) -> Image:
    classes, regions = land.classes, land.regions
    # moisture and roughness change both polarisations, mostly alike
    offset = 0.8 * _normal(rng, len(classes), 1) + 0.6 * _normal(rng, len(classes), 2)
    mean = _BACKSCATTER[classes] + difficulty.class_db * offset + difficulty.patch_db * _normal(rng, 1, 1)
    speckle = rng.standard_gamma(difficulty.looks, (2, *regions.shape), dtype=np.float32) / difficulty.looks
    decibels = mean.T[:, regions] + _S1_TEXTURE[classes][regions] * texture
    return np.asarray(decibels + 10 * np.log10(np.maximum(speckle, 1e-3)), dtype=np.float32)


def _optical_image(
    rng: np.random.Generator,
    land: Land,
    difficulty: Difficulty,
    ground: NDArray[np.float32],
    texture: NDArray[np.float32],
) -> Image:
    classes, regions = land.classes, land.regions
    pixels = regions.shape[0]
    brightness = difficulty.spectral * (_normal(rng, len(classes), 1) + 0.8 * _normal(rng, len(classes), 10))
    season = difficulty.seasonal * (0.8 * _normal(rng, 1, 1) + 0.5 * _normal(rng, len(classes), 1))
    green = _GREEN[classes][:, None]
    spectra = _SPECTRA[classes] + brightness + green * season * _GREENING + difficulty.gain * _normal(rng, 1, 1)
    light = 0.3 * difficulty.gain * smooth_fields(rng, 1, pixels, pixels)
    leaves = (difficulty.seasonal * green[:, 0])[regions] * ground
    logarithm = spectra.T[:, regions] + (_S2_TEXTURE[classes][regions] * texture + light)
    image = np.exp(logarithm + _GREENING[:, None, None] * leaves)
    image += (1000 * difficulty.haze * rng.exponential() * _HAZE)[:, None, None]
    if rng.random() < difficulty.cloudy_share:
        image = _under_clouds(rng, image)
    # half of the bands have 20 m pixels
    blocks = image[_FIRST_20M_BAND:].reshape(-1, pixels // 2, 2, pixels // 2, 2).mean(axis=(2, 4))
    image[_FIRST_20M_BAND:] = resize(blocks, pixels)
    return np.asarray(np.clip(image, 1, 16_000), dtype=np.float32)


def _under_clouds(rng: np.random.Generator, image: Image) -> Image:
    pixels = image.shape[-1]
    thickness = smooth_fields(rng, 1, pixels, 0.4 * pixels) - rng.normal(0.3, 0.7)
    cover = 1 / (1 + np.exp(-5 * thickness))
    shadow = np.roll(cover, (pixels // 8, pixels // 10), axis=(1, 2))
    white = rng.uniform(1500, 5500) * _CLOUD[:, None, None]
    return np.asarray((image * (1 - 0.5 * shadow)) * (1 - cover) + white * cover, dtype=np.float32)


def _normal(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return rng.standard_normal(shape, dtype=np.float32)
