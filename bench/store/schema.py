"""Which tables and views the store has: numbered migrations, applied in order, never changed once released."""

from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb

from bench.errors import StoreError


@cache
def migrations() -> tuple[str, ...]:
    """The SQL of each migration; the first makes version 1."""
    found = sorted((files("bench.store") / "migrations").iterdir(), key=lambda file: file.name)
    return tuple(file.read_text() for file in found)


def version(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """The schema that the file has; 0 for an empty database.

    Raises: StoreError: it holds tables that are not ours, or is newer than this tool.
    """
    try:
        row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
    except duckdb.CatalogException as error:
        if connection.execute("SHOW TABLES").fetchone():
            raise StoreError(f"{path} is a DuckDB database of something else: name another store with --db") from error
        return 0
    found = int(row[0]) if row and row[0] else 0
    if found > len(migrations()):
        raise StoreError(
            f"{path} was written by a newer csmae-advisor (schema {found}, this one knows {len(migrations())}): "
            "upgrade csmae-advisor, or name another store with --db"
        )
    return found


def is_current(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether the file has this tool's schema.

    Raises: StoreError: as `version`.
    """
    return version(connection, path) == len(migrations())


def upgrade(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Apply what is missing, all of it or nothing.

    Raises: StoreError: as `version`.
    """
    done = version(connection, path)
    if done == len(migrations()):
        return
    connection.begin()
    for number, script in enumerate(migrations()[done:], start=done + 1):
        connection.execute(script)
        connection.execute("INSERT INTO schema_version VALUES (?, now() AT TIME ZONE 'UTC')", [number])
    connection.commit()
