"""The file results.duckdb: opened for one short piece of work at a time, after a bounded wait for others."""

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from random import uniform
from tempfile import TemporaryDirectory
from threading import Lock
from time import monotonic, sleep
from types import MappingProxyType
from typing import Final

import duckdb
import psutil

from bench.errors import StoreError
from bench.store.door import door

READABLE_BY: Final = "v1.4.0"
"""Oldest DuckDB that can open the file; left to itself, DuckDB 2 writes files that 1.5 refuses."""

_SETTINGS: Final = MappingProxyType(
    {
        # without these two, opening an SQLite file by mistake downloads an extension
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "threads": "1",  # a trial may be measured meanwhile, and closing waits for them
    }
)

_BUSY: Final = re.compile(r"conflicting lock|already held|different configuration", re.IGNORECASE)

_FIRST_PAUSE_SECONDS: Final = 0.01
_LONGEST_PAUSE_SECONDS: Final = 0.25

# DuckDB lets the threads of a process share a file only if all open it with the same settings
_turn: Final = Lock()


@contextmanager
def opened(
    path: Path,
    *,
    patience_seconds: float,
    read_only: bool = False,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection, closed at the end of the block; whoever else has the file open is waited for.

    Args:
        patience_seconds: how long to wait.
        settings: DuckDB's, from the start of the connection.
    Raises: StoreError: no such file, not DuckDB's, not accessible, in use for longer, or an error of DuckDB's in the
        block.
    """
    deadline = monotonic() + patience_seconds
    if not _turn.acquire(timeout=patience_seconds):
        raise StoreError(_busy(path, "this process", patience_seconds))
    try:
        with door(path, deadline):
            connection = _connect(path, _SETTINGS | settings, deadline, patience_seconds, read_only=read_only)
        with closing(connection):
            yield connection
    except duckdb.Error as error:
        raise StoreError(f"{path}: {first_line(error)}") from error
    finally:
        _turn.release()


def create(path: Path) -> None:
    """Make an empty database where there is nothing; if another process is first, its file is kept.

    The file appears complete: it is made beside its place and moved there.

    Raises: StoreError: it cannot be made there.
    """
    try:
        if path.exists():
            return
        with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
            made = Path(folder) / path.name
            duckdb.connect(made, config={**_SETTINGS, "storage_compatibility_version": READABLE_BY}).close()
            _move_unless_there(made, path)
    except (OSError, duckdb.Error) as error:
        raise StoreError(_unusable(path, error)) from error


def first_line(error: Exception) -> str:
    """What DuckDB or the system says, without its hints and positions."""
    return str(error).partition("\n")[0].strip()


def _move_unless_there(made: Path, path: Path) -> None:
    try:
        os.link(made, path)
    except FileExistsError:
        return
    except OSError:  # some file systems have no hard links
        made.rename(path)


def _connect(
    path: Path, settings: Mapping[str, str], deadline: float, patience_seconds: float, *, read_only: bool
) -> duckdb.DuckDBPyConnection:
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            if not path.exists():
                raise StoreError(f"{path} does not exist: csmae-bench run makes it, --db names another")
            return duckdb.connect(path, read_only=read_only, config={**settings})
        except (OSError, duckdb.Error) as error:
            left = deadline - monotonic()
            if not _BUSY.search(str(error)):
                raise StoreError(_unusable(path, error)) from error
            if left <= 0:
                raise StoreError(_busy(path, _holder(str(error)), patience_seconds)) from error
        # unequal pauses, so that two who wait do not meet again and again
        sleep(min(left, uniform(pause / 2, pause)))
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _busy(path: Path, holder: str, patience_seconds: float) -> str:
    return (
        f"{path} is in use by {holder}; gave up after {patience_seconds:g} s: "
        "try again when that is done, or name another store with --db"
    )


def _holder(message: str) -> str:
    """Who has the file open, as far as DuckDB's message and the process table tell."""
    if "different configuration" in message or "current process" in message:
        return "this process"
    number = re.search(r"PID (\d+)", message)
    if not number or number[1] == "0":  # let go between the attempt and the question
        return "another process"
    try:
        words = psutil.Process(int(number[1])).cmdline()
    except psutil.Error:
        words = []
    command = " ".join(shlex.join(words).split())
    return f"process {number[1]}" + (f" ({command[:_COMMAND_LETTERS]})" if command else "")


_COMMAND_LETTERS: Final = 80


def _unusable(path: Path, error: Exception) -> str:
    """Why the file cannot be opened or made, and what to do."""
    if isinstance(error, PermissionError):  # then nothing about it can be asked
        return f"{path} cannot be used: {error.strerror}"
    if not path.parent.exists():
        return f"{path}: the folder {path.parent} does not exist: make it, or name another store with --db"
    if not path.parent.is_dir():
        return f"{path}: {path.parent} is no folder: name another store with --db"
    if path.is_dir():
        return f"{path} is a folder: name a file in it, such as --db {path / 'results.duckdb'}"
    if path.exists() and not _is_duckdb(path):
        return f"{path} is no DuckDB database: name another store with --db"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
    return f"{path} cannot be used: {reason}"


def _is_duckdb(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(12)[8:] == b"DUCK"
    except OSError:
        return True  # unreadable is another matter
