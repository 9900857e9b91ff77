"""What can go wrong in words for users: one small tree, each branch with its exit code."""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """How a command ended, for scripts."""

    DONE = 0
    FAILED = 1
    """Ran, but at least one trial failed or a check was not met."""
    USAGE = 2
    """A flag, a config or the data cannot be used as given."""
    STORE = 3
    """The store is busy, unreadable or not writable."""
    BUDGET = 4
    """The time budget ended before a usable result."""
    UNFIT = 5
    """Nothing fits this hardware."""
    INTERRUPTED = 130
    """Ctrl-C; finished work is kept."""
    TERMINATED = 143
    """SIGTERM; finished work is kept."""


class BenchError(Exception):
    """An error with a message for users: what, where, what to do."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED


class UsageError(BenchError):
    """A value given by the user cannot be used."""

    exit_code = ExitCode.USAGE


class DataError(BenchError):
    """The data set is missing, damaged or of no known layout."""

    exit_code = ExitCode.USAGE


class StoreError(BenchError):
    """The store cannot be opened, read or written."""

    exit_code = ExitCode.STORE


class BudgetError(BenchError):
    """The time budget is too small for a usable result."""

    exit_code = ExitCode.BUDGET


class UnfitError(BenchError):
    """No candidate fits this hardware."""

    exit_code = ExitCode.UNFIT
