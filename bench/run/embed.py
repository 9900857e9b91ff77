"""Descriptors of a whole split."""

from contextlib import AbstractContextManager, nullcontext
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from bench.data.cache import CachedSplit
from bench.result import Precision
from bench.run.causes import out_of_memory
from models.config import SENSORS, Sensor
from models.csmae import CSMAE

EMBED_BATCH: Final = 128
"""Images at once: enough to fill a device, little beside what training needs."""


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Where the forward pass computes in the given arithmetic."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16 if precision == "bf16" else torch.float16)


def to_tensor(images: NDArray[np.float16], device: torch.device) -> torch.Tensor:
    """Cached images on the device in float32."""
    return torch.from_numpy(np.ascontiguousarray(images)).to(device, torch.float32)


@torch.inference_mode()
def embed(
    model: CSMAE, split: CachedSplit, device: torch.device, precision: Precision
) -> dict[Sensor, NDArray[np.float32]]:
    """Both sensors' descriptors, in the order of the split: (pairs, width) each.

    When memory runs out, fewer images are embedded at once.
    """
    model.eval()
    images: dict[Sensor, NDArray[np.float16]] = {"s1": split.s1, "s2": split.s2}
    descriptors: dict[Sensor, NDArray[np.float32]] = {}
    at_once = EMBED_BATCH
    with autocast(device, precision):
        for sensor in SENSORS:
            parts: list[torch.Tensor] = []
            start = 0
            while start < len(split.ids):
                try:
                    some = to_tensor(images[sensor][start : start + at_once], device)
                    parts.append(model.embed(some, sensor).float().cpu())
                    start += at_once
                    continue
                except (MemoryError, RuntimeError) as error:
                    if at_once == 1 or not out_of_memory(error):
                        raise
                # here the traceback is gone, and with it what it held
                at_once //= 2
                if device.type == "cuda":
                    torch.cuda.empty_cache()
            descriptors[sensor] = torch.cat(parts).numpy()
    return descriptors
