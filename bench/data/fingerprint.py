"""One string that two copies of a data set share and two data sets do not."""

import hashlib
import json

import numpy as np

from bench.data.pairs import SPLITS, SensorPairs


def fingerprint(pairs: SensorPairs) -> str:
    """SHA-256 over bands, image size, classes, and each pair's name, split and labels.

    The data set's name, place, layout and order do not count. Pixels are not read; labels are.
    """
    digest = hashlib.sha256()
    frame = {"bands": pairs.bands, "image_pixels": pairs.image_pixels, "classes": pairs.classes}
    digest.update(json.dumps(frame, sort_keys=True).encode())
    for split in SPLITS:
        labels = pairs.labels(split)
        packed = np.packbits(labels, axis=1) if labels is not None else None
        lines = (
            f"\n{split}\t{pair_id}\t{packed[row].tobytes().hex() if packed is not None else ''}"
            for row, pair_id in enumerate(pairs.ids(split))
        )
        for line in sorted(lines):
            digest.update(line.encode())
    return digest.hexdigest()
