"""What a full training leaves for use: weights in two formats, and descriptors of every pair."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from bench.data.cache import open_split
from bench.data.pairs import SPLITS
from bench.full.plan import FullPlan
from bench.run.checkpoint import write_whole
from bench.run.embed import embed
from models import checkpoint
from models.csmae import CSMAE

WEIGHTS_FILE: Final = "model.safetensors"
RELEASED_FILE: Final = "released.ckpt"
DESCRIPTORS: Final = "descriptors"


def export(
    model: CSMAE, plan: FullPlan, folder: Path, device: torch.device, *, asked: Callable[[], bool] = lambda: False
) -> Iterator[Path]:
    """Write the files and give each once it is there; a file that has its name is whole.

    Args:
        asked: whether to end early; looked at between the splits.
    Raises: OSError, RuntimeError: one cannot be written. DataError: the decoded pairs are gone.
    """
    for name, write in ((WEIGHTS_FILE, checkpoint.save), (RELEASED_FILE, checkpoint.save_released)):
        partial = folder / f"{name}.partial"
        write(model, partial)
        partial.replace(folder / name)
        yield folder / name
    for name in SPLITS:
        if asked():
            return
        split = open_split(plan.cache, name)
        _write_ids(folder / DESCRIPTORS / f"{name}_ids.txt", split.ids)
        for sensor, found in embed(model, split, device, plan.precision).items():
            path = folder / DESCRIPTORS / f"{name}_{sensor}.npy"
            _write_array(path, found)
            yield path


def _write_ids(path: Path, ids: Sequence[str]) -> None:
    write_whole(path, lambda file: file.writelines(f"{pair_id}\n".encode() for pair_id in ids))


def _write_array(path: Path, array: NDArray[np.float32]) -> None:
    write_whole(path, lambda file: np.save(file, array))
