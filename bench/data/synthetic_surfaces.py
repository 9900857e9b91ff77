"""How each class looks to the two sensors: typical numbers of European summer scenes."""

from dataclasses import dataclass
from typing import Final

from bench.data.bigearthnet import AGRICULTURE_AND_NATURE, GRASSLAND, MOORS


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """How one class looks."""

    s2: tuple[int, ...]
    """Reflectance x 10,000 in the order of the S2 bands: B02 B03 B04 B08 B05 B06 B07 B11 B12 B8A."""
    s1: tuple[float, float]
    """VH and VV in dB."""
    green: float
    """How far the season moves it along the direction of vegetation."""
    s2_texture: float
    """Deviation of the brightness inside a region, in natural logarithms."""
    s1_texture: float
    """The same of the backscatter, in dB."""
    grain: float
    """Share of the texture that is as fine as trees and houses; the rest is as coarse as stands and fields."""


# fmt: off
SURFACES: Final = {
    "Agro-forestry areas": Surface(
        s2=(480, 740, 810, 2120, 1200, 1660, 1890, 2350, 1560, 2250),
        s1=(-18.8, -12.2), green=0.8, s2_texture=0.18, s1_texture=1.6, grain=0.8),
    "Arable land": Surface(
        s2=(520, 770, 830, 2350, 1240, 1890, 2160, 2160, 1520, 2480),
        s1=(-19.4, -12.4), green=1.5, s2_texture=0.16, s1_texture=1.2, grain=0.1),
    "Beaches, dunes, sands": Surface(
        s2=(1380, 1750, 2070, 2580, 2250, 2390, 2480, 3130, 2670, 2670),
        s1=(-25.1, -16.6), green=0.1, s2_texture=0.14, s1_texture=1.2, grain=0.3),
    "Broad-leaved forest": Surface(
        s2=(200, 440, 240, 3080, 780, 2250, 2760, 1470, 660, 3220),
        s1=(-14.9, -9.6), green=1.0, s2_texture=0.10, s1_texture=0.9, grain=0.6),
    "Coastal wetlands": Surface(
        s2=(400, 550, 530, 1240, 760, 1060, 1150, 1060, 660, 1310),
        s1=(-21.4, -14.0), green=0.7, s2_texture=0.22, s1_texture=1.8, grain=0.4),
    "Complex cultivation patterns": Surface(
        s2=(460, 730, 700, 2480, 1160, 1930, 2250, 2020, 1330, 2620),
        s1=(-18.2, -11.4), green=1.2, s2_texture=0.24, s1_texture=1.8, grain=0.3),
    "Coniferous forest": Surface(
        s2=(170, 310, 200, 1890, 520, 1330, 1640, 970, 460, 2020),
        s1=(-15.8, -10.2), green=0.3, s2_texture=0.14, s1_texture=1.0, grain=0.9),
    "Industrial or commercial units": Surface(
        s2=(1240, 1380, 1470, 2070, 1700, 1890, 1980, 2160, 1980, 2120),
        s1=(-12.1, -4.6), green=0.2, s2_texture=0.40, s1_texture=4.0, grain=0.5),
    "Inland waters": Surface(
        s2=(250, 340, 230, 170, 250, 210, 200, 110, 80, 170),
        s1=(-27.6, -20.1), green=0.1, s2_texture=0.06, s1_texture=0.8, grain=0.0),
    "Inland wetlands": Surface(
        s2=(290, 450, 420, 1660, 750, 1220, 1380, 1380, 810, 1750),
        s1=(-20.0, -13.2), green=0.7, s2_texture=0.18, s1_texture=1.4, grain=0.4),
    AGRICULTURE_AND_NATURE: Surface(
        s2=(390, 630, 540, 2530, 1010, 1980, 2300, 1790, 1060, 2670),
        s1=(-17.4, -11.0), green=1.1, s2_texture=0.22, s1_texture=1.6, grain=0.4),
    "Marine waters": Surface(
        s2=(300, 260, 150, 90, 120, 100, 100, 70, 50, 80),
        s1=(-28.1, -19.1), green=0.0, s2_texture=0.05, s1_texture=1.0, grain=0.0),
    "Mixed forest": Surface(
        s2=(180, 370, 210, 2390, 630, 1750, 2130, 1200, 550, 2530),
        s1=(-15.4, -9.9), green=0.6, s2_texture=0.16, s1_texture=1.1, grain=0.8),
    MOORS: Surface(
        s2=(320, 500, 470, 1840, 850, 1380, 1610, 1700, 1030, 1980),
        s1=(-18.6, -12.4), green=0.6, s2_texture=0.16, s1_texture=1.4, grain=0.6),
    GRASSLAND: Surface(
        s2=(430, 700, 700, 2250, 1150, 1750, 1980, 2250, 1470, 2390),
        s1=(-20.2, -13.4), green=1.0, s2_texture=0.14, s1_texture=1.4, grain=0.2),
    "Pastures": Surface(
        s2=(340, 680, 430, 3220, 1040, 2390, 2850, 1980, 1030, 3360),
        s1=(-19.2, -12.8), green=1.0, s2_texture=0.10, s1_texture=1.0, grain=0.1),
    "Permanent crops": Surface(
        s2=(570, 800, 920, 2160, 1290, 1700, 1930, 2390, 1750, 2350),
        s1=(-18.0, -11.5), green=0.7, s2_texture=0.20, s1_texture=1.5, grain=0.9),
    "Transitional woodland, shrub": Surface(
        s2=(270, 480, 380, 2250, 830, 1680, 1980, 1560, 850, 2390),
        s1=(-16.8, -11.0), green=0.7, s2_texture=0.18, s1_texture=1.3, grain=0.7),
    "Urban fabric": Surface(
        s2=(870, 1030, 1090, 1980, 1360, 1700, 1820, 1890, 1610, 2020),
        s1=(-13.2, -6.2), green=0.5, s2_texture=0.32, s1_texture=3.2, grain=0.9),
}
# fmt: on
