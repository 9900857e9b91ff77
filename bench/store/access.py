"""How a store is opened: for one transaction at a time, and always with this tool's schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from bench.store import schema
from bench.store.file import create, opened

PATIENCE_SECONDS: Final = 10.0
"""How long to wait for another process that has the file open."""


class Access:
    """One file. Nothing is open between two transactions.

    Each raises StoreError when the file is in use for too long, cannot be used, or is newer than this tool.
    """

    def __init__(self, path: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.path = path
        self.patience_seconds = patience_seconds

    def check(self) -> None:
        """Make the file or bring its schema up to date, and prove that it can be written."""
        with self._writing() as connection:
            connection.execute("CREATE TABLE proof (written BOOLEAN)")
            connection.execute("DROP TABLE proof")

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction on a file of the current schema, rolled back by any exception."""
        create(self.path)
        with opened(self.path, patience_seconds=self.patience_seconds) as connection:
            schema.upgrade(connection, self.path)
            connection.begin()
            yield connection
            connection.commit()

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection to a file of the current schema."""
        with opened(self.path, patience_seconds=self.patience_seconds, read_only=True) as connection:
            if schema.is_current(connection, self.path):
                yield connection
                return
        self.check()
        with opened(self.path, patience_seconds=self.patience_seconds, read_only=True) as connection:
            yield connection
