"""Laps of training, timed so that the clock is read only when the device has nothing queued."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

import torch


def settler(device: torch.device) -> Callable[[], None]:
    """What waits until the device has done all that was queued; nothing to wait for on a CPU."""
    if device.type == "cuda":
        return lambda: torch.cuda.synchronize(device)
    return lambda: None


class Clock:
    """Adds up the seconds of laps; what happens between laps does not count."""

    def __init__(self, device: torch.device) -> None:
        self._settle = settler(device)
        self.laps: list[float] = []

    @contextmanager
    def lap(self) -> Iterator[None]:
        """Time what happens inside."""
        self._settle()  # earlier work still queued is not ours
        start = perf_counter()
        yield
        self._settle()  # work queued in this lap is
        self.laps.append(perf_counter() - start)

    @property
    def seconds(self) -> float:
        """All laps together."""
        return sum(self.laps)
