"""Search in an archive that mixes the images of both sensors."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.config import SENSORS, Sensor

Found = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Archive rows and their exact distances, ordered by (distance, row): (queries, k) each."""

CHANCE_OWN_SHARE: Final = 0.5
"""Each image is in the archive once by either sensor."""


def merge(found: Mapping[Sensor, Found], k: int, archive: int) -> NDArray[np.int64]:
    """The k nearest of both sensors' images, made of the k nearest of each without another search.

    Args:
        found: in each sensor's archive, of the same queries.
        k: results wanted; all that were found where those are fewer.
        archive: images of one sensor.
    Returns: (queries, k) rows, ordered by (distance, row), in an archive that holds the images of s1, then those of s2.
    """
    rows_NX = np.concatenate([found[sensor][0] + place * archive for place, sensor in enumerate(SENSORS)], axis=1)
    distances_NX = np.concatenate([found[sensor][1] for sensor in SENSORS], axis=1)
    order_Nk = np.argsort(distances_NX, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(rows_NX, order_Nk, axis=1)


def own_share(rows_NK: NDArray[np.int64], sensor: Sensor, archive: int) -> NDArray[np.float64]:
    """Share of each query's results that its own sensor took; one value a query.

    Where all descriptors are alike the first rows are found, which s1 took: 1 for its queries, 0 for those of s2.

    Args:
        rows_NK: from `merge`.
        sensor: of the queries.
        archive: images of one sensor.
    """
    own_NK = rows_NK // archive == SENSORS.index(sensor)
    share_N: NDArray[np.float64] = own_NK.mean(axis=1)
    return share_N
