"""The wish to end a trial early, which reaches its process as a signal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StoppedError(Exception):
    """The trial was asked to end."""


class StopRequest:
    """Set by the signal, looked at between steps: whatever runs is never torn."""

    def __init__(self) -> None:
        self.asked = False

    def check(self) -> None:
        """End here when that is asked.

        Raises: StoppedError: it is.
        """
        if self.asked:
            raise StoppedError


@contextmanager
def listening() -> Iterator[StopRequest]:
    """Inside, SIGTERM only asks."""
    request = StopRequest()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        request.asked = True

    previous = signal.signal(signal.SIGTERM, ask)
    try:
        yield request
    finally:
        signal.signal(signal.SIGTERM, previous)
