"""Batches of decoded pairs in an order that any step can be found in; read ahead of the training. Imports no torch."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from bench.data.cache import CachedSplit
from models.config import Sensor

Images = dict[Sensor, NDArray[np.float16]]


def batches(
    split: CachedSplit, batch_pairs: int, seed: int, *, share: slice = slice(None), skip: int = 0
) -> Iterator[Images]:
    """Endless batches: each pair once an epoch, both images of a pair flipped alike (p = 0.5 each way).

    Order and flips of an epoch depend on seed and epoch alone. An epoch's incomplete last batch is left out. The next
    batch is read while the last one is trained on.

    Args:
        share: rows of each batch to read; the other devices read the rest.
        skip: batches to leave out at the start; their images are not read.
    Raises: ValueError: the split does not fill a batch.
    """
    steps = len(split.ids) // batch_pairs
    if not steps:
        raise ValueError(f"{len(split.ids)} pairs do not fill a batch of {batch_pairs}")
    with ThreadPoolExecutor(1) as reader:
        drawn = _drawn(len(split.ids), batch_pairs, seed, skip // steps, skip % steps)
        ahead = reader.submit(_read, split, *next(drawn), share)
        for rows, flips_2B in drawn:
            batch, ahead = ahead.result(), reader.submit(_read, split, rows, flips_2B, share)
            yield batch


def _drawn(
    pairs: int, batch_pairs: int, seed: int, epoch: int, step: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
    """Rows and flips of each batch from this step of this epoch on."""
    while True:
        random = np.random.default_rng((seed, epoch))
        order = random.permutation(pairs)
        flips = random.random((pairs // batch_pairs, 2, batch_pairs)) < 0.5
        for number in range(step, len(flips)):
            # sorted: a memory-mapped file is read forwards
            yield np.sort(order[number * batch_pairs : (number + 1) * batch_pairs]), flips[number]
        epoch, step = epoch + 1, 0


def _read(split: CachedSplit, rows: NDArray[np.intp], flips_2B: NDArray[np.bool_], share: slice) -> Images:
    mine, across_B, down_B = rows[share], *flips_2B[:, share]
    images: Images = {"s1": split.s1[mine], "s2": split.s2[mine]}
    for seen_BCHW in images.values():
        seen_BCHW[across_B] = seen_BCHW[across_B, :, :, ::-1]
        seen_BCHW[down_B] = seen_BCHW[down_B, :, ::-1]
    return images
