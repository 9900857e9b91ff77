"""Images as pictures for people: Sentinel-2 in true colour, Sentinel-1 as a composite of its polarisations."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.data.pairs import Image
from models.config import Sensor

Picture = NDArray[np.uint8]
"""Red, green and blue: height x width x 3."""

_TRUE_COLOUR: Final = (("B04", "B03", "B02"), ("B4", "B3", "B2"), ("R", "G", "B"), ("RED", "GREEN", "BLUE"))
_POLARISATIONS: Final = (("VV", "VH"), ("HH", "HV"))
"""What comes back as it was sent, then what comes back turned."""

_RADAR_LIMITS: Final = ((-24.0, 0.0), (-30.0, -6.0), (0.0, 14.0))
"""Black and full of VV, VH and VV - VH in dB: from calm water to buildings; fixed, so that pictures can be compared."""

_PERCENTILES: Final = (2, 98)
_GAMMA: Final = 1.6
"""Lifts the dark half, in which forests and water lie."""

_MIDDLE: Final = 0.5
"""Brightness of what does not vary."""


def pictures(sensor: Sensor, images: Sequence[Image], bands: Sequence[str]) -> tuple[Picture, ...]:
    """One sensor's images as pictures that can be compared with each other: all share one stretch.

    True colour runs from the lower quartile of the images' 2nd percentiles to the upper quartile of their 98th, the
    same for red, green and blue, with a gamma of 1.6: colours stay natural, and an image of snow or cloud does not
    darken all others. A composite is red VV, green VH and blue their ratio, within fixed limits where the values are
    dB; otherwise each channel has limits found in the same way, without gamma. Without the bands of either, three
    bands are shown as they come, or one in grey.

    Args:
        images: bands x height x width each, in the units of the data set; what is not finite counts as the lowest.
        bands: names of the channels.
    """
    if not images:
        return ()
    stack_NCHW = np.stack([np.asarray(image, dtype=np.float64) for image in images])
    stack_NCHW = np.where(np.isfinite(stack_NCHW), stack_NCHW, _lowest(stack_NCHW))
    shown_NCHW = _radar(stack_NCHW, bands) if sensor == "s1" else _optical(stack_NCHW, bands)
    if shown_NCHW.shape[1] == 1:
        shown_NCHW = shown_NCHW.repeat(3, axis=1)
    return tuple(np.rint(255 * image_CHW).astype(np.uint8).transpose(1, 2, 0) for image_CHW in shown_NCHW)


def legend(sensor: Sensor, bands: Sequence[str]) -> str:
    """What the colours of one sensor's pictures are, in words."""
    if sensor == "s1":
        found = _found(bands, _POLARISATIONS)
        if found is None:
            return f"{bands[0]} in grey"
        sent, turned = (bands[channel] for channel in found)
        return f"red {sent}, green {turned}, blue {sent}/{turned}"
    channels = _optical_channels(bands)
    names = ", ".join(bands[channel] for channel in channels)
    if len(channels) == 1:
        return f"{names} in grey"
    return f"true colour ({names})" if _found(bands, _TRUE_COLOUR) else f"{names} as red, green, blue"


def _lowest(stack_NCHW: NDArray[np.float64]) -> float:
    finite = stack_NCHW[np.isfinite(stack_NCHW)]
    return float(finite.min()) if finite.size else 0.0


def _optical(stack_NCHW: NDArray[np.float64], bands: Sequence[str]) -> NDArray[np.float64]:
    shown_NCHW = stack_NCHW[:, _optical_channels(bands)]
    if _found(bands, _TRUE_COLOUR):
        return _between(shown_NCHW, *_limits(shown_NCHW)) ** (1 / _GAMMA)
    return _stretched(shown_NCHW) ** (1 / _GAMMA)


def _optical_channels(bands: Sequence[str]) -> tuple[int, ...]:
    return _found(bands, _TRUE_COLOUR) or ((0, 1, 2) if len(bands) >= 3 else (0,))


def _radar(stack_NCHW: NDArray[np.float64], bands: Sequence[str]) -> NDArray[np.float64]:
    found = _found(bands, _POLARISATIONS)
    if found is None:
        one_NCHW = stack_NCHW[:, :1]
        # VH's own limits would fit VV as badly as the other way round: these hold both
        return (
            _between(one_NCHW, _RADAR_LIMITS[1][0], _RADAR_LIMITS[0][1])
            if _decibels(one_NCHW)
            else _stretched(one_NCHW)
        )
    sent_NHW, turned_NHW = stack_NCHW[:, found[0]], stack_NCHW[:, found[1]]
    if _decibels(sent_NHW) and _decibels(turned_NHW):
        shown = (sent_NHW, turned_NHW, sent_NHW - turned_NHW)
        return np.stack([_between(x, *limits) for x, limits in zip(shown, _RADAR_LIMITS, strict=True)], axis=1)
    ratio_NHW = sent_NHW / np.where(turned_NHW > 0, turned_NHW, 1.0)
    return _stretched(np.stack((sent_NHW, turned_NHW, ratio_NHW), axis=1))


def _found(bands: Sequence[str], tables: Sequence[Sequence[str]]) -> tuple[int, ...] | None:
    """Channels of the first table whose names are all there."""
    names = [band.upper() for band in bands]
    return next((tuple(map(names.index, table)) for table in tables if set(table) <= set(names)), None)


def _decibels(values: NDArray[np.float64]) -> bool:
    """Whether backscatter is given in dB: power and amplitude are never below zero, and nearly all dB are."""
    return bool(np.median(values) < 0)


def _stretched(stack_NCHW: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each channel by itself."""
    return np.stack([_between(image_NHW, *_limits(image_NHW)) for image_NHW in stack_NCHW.swapaxes(0, 1)], axis=1)


def _limits(values: NDArray[np.float64]) -> tuple[float, float]:
    """What is black and what is full: quartiles over images and channels, percentiles within each."""
    low, high = np.percentile(values, _PERCENTILES, axis=(-2, -1))
    return float(np.quantile(low, 0.25)), float(np.quantile(high, 0.75))


def _between(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """From 0 at the lower limit to 1 at the upper."""
    if high <= low:
        return np.full(values.shape, _MIDDLE)
    return np.clip((values - low) / (high - low), 0.0, 1.0)
