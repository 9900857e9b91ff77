"""How near the built-in pairs are to BigEarthNet, and what they score without any learning.

Run from the repository root: `python benchmarks/synthetic.py [synthetic:OPTIONS]`. Descriptors are the mean and the
deviation of each band over the image, standardised over the archive; F1 of averages at k = 10, as `csmae-bench run`
reports it for trained networks.
"""

import sys
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from bench.data.ben_v1_lmdb import STATISTICS
from bench.data.pairs import SensorPairs, Split, open_pairs
from bench.score.overlap import chance, overlap
from bench.score.search import nearest
from bench.units import percent
from models.config import SENSORS, Sensor

K = 10


def band_statistics(pairs: SensorPairs, split: Split, sensor: Sensor) -> NDArray[np.float32]:
    """(pairs, 2 x bands): what an image is without its shapes."""
    rows = []
    for pair_id in pairs.ids(split):
        image = pairs.read(pair_id)[sensor]
        rows.append(np.concatenate([image.mean(axis=(1, 2)), image.std(axis=(1, 2))]))
    return np.stack(rows)


def main() -> None:
    """Print both tables."""
    with closing(open_pairs(sys.argv[1] if len(sys.argv) > 1 else "synthetic")) as pairs:
        print(f"{pairs.name}: mean ± deviation of the training pairs, beside the published ones of BigEarthNet v1\n")
        own = pairs.statistics()
        for sensor in SENSORS:
            published = STATISTICS[sensor]
            for row, band in enumerate(pairs.bands[sensor]):
                print(
                    f"  {band:4} {own[sensor].mean[row]:8.1f} ± {own[sensor].std[row]:6.1f}"
                    f"   {published.mean[row]:8.1f} ± {published.std[row]:6.1f}"
                )
        query_labels, archive_labels = pairs.labels("query"), pairs.labels("archive")
        if query_labels is None or archive_labels is None:
            raise SystemExit(f"{pairs.name} has no labels")
        print(f"\nF1@{K} in %, {len(query_labels)} queries, archive of {len(archive_labels)}\n")
        print(f"  chance                 {percent(chance(query_labels, archive_labels).means()['f1_of_means'])}")
        for sensor in SENSORS:
            query, archive = (band_statistics(pairs, split, sensor) for split in ("query", "archive"))
            mean, deviation = archive.mean(axis=0), archive.std(axis=0)
            found, _ = nearest((query - mean) / deviation, (archive - mean) / deviation, K)
            score = overlap(found, query_labels, archive_labels).means()["f1_of_means"]
            print(f"  band statistics {sensor.upper()} → {sensor.upper()} {percent(score)}")


if __name__ == "__main__":
    main()
