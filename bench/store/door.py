"""A door before each store: who waits for the file waits in it, so that no stream of readers can keep a writer out."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import uniform
from time import monotonic, sleep
from typing import Final

_PAUSE_SECONDS: Final = 0.01


@contextmanager
def door(path: Path, deadline: float) -> Iterator[None]:
    """Hold the door of this store against the user's other processes until the block ends.

    The door is about manners, the lock on the store is DuckDB's: whoever cannot have the door in time goes in without.

    Args:
        deadline: on the monotonic clock.
    """
    try:
        file = os.open(_doors(), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        while not _locked(file, _number(path)) and monotonic() < deadline:
            sleep(uniform(_PAUSE_SECONDS / 2, _PAUSE_SECONDS))
        yield
    finally:
        os.close(file)


def _doors() -> Path:
    """One empty file for all stores of a user: each store is a byte of it."""
    return Path(tempfile.gettempdir()) / f"csmae-advisor-{os.getuid()}.doors"


def _number(path: Path) -> int:
    return int.from_bytes(hashlib.sha256(os.fsencode(path.resolve())).digest()[:4]) >> 1


def _locked(file: int, number: int) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
    except OSError:
        return False
    return True
