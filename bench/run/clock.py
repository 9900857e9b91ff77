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
    """Adds up the seconds of laps; what happens between the stretches of a lap does not count."""

    def __init__(self, device: torch.device) -> None:
        self._settle = settler(device)
        self._open = 0.0
        self.laps: list[float] = []

    @contextmanager
    def stretch(self) -> Iterator[None]:
        """Time what happens inside, as a part of the lap in progress."""
        self._settle()  # earlier work still queued is not ours
        start = perf_counter()
        yield
        self._settle()  # work queued in this stretch is
        self._open += perf_counter() - start

    def end_lap(self) -> None:
        """The stretches since the last lap are one."""
        self.laps.append(self._open)
        self._open = 0.0

    @contextmanager
    def lap(self) -> Iterator[None]:
        """Time what happens inside, as a lap."""
        with self.stretch():
            yield
        self.end_lap()

    @property
    def seconds(self) -> float:
        """All stretches together."""
        return sum(self.laps) + self._open
