"""SQL of users: one reading statement, and nothing outside the file within its reach."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from types import MappingProxyType
from typing import Any, Final

import duckdb

from bench.errors import UsageError
from bench.store.file import first_line, opened

TIME_LIMIT_SECONDS: Final = 5.0
"""Shorter than a writer's patience: a query in a run's way must not cost it a trial."""

_SETTINGS: Final = MappingProxyType(
    {
        "enable_external_access": "false",
        "allow_community_extensions": "false",
        "allow_persistent_secrets": "false",
        "python_enable_replacements": "false",  # a table name must not find a variable of ours
        "temp_directory": "",
        "memory_limit": "1GB",
        "lock_configuration": "true",
    }
)

_READING: Final = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
"""DESCRIBE, SHOW and SUMMARIZE count as SELECT."""

_ZONED: Final = "TIMESTAMP WITH TIME ZONE"
"""Python gets it only with pytz, which is not ours to require."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The answer to a query."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    """DuckDB's, as "DOUBLE[]"."""
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool
    """Whether there are more rows than these."""


def query(
    path: Path, text: str, *, max_rows: int, patience_seconds: float, time_limit_seconds: float = TIME_LIMIT_SECONDS
) -> Table:
    """The first rows of the answer.

    Raises: StoreError: the file cannot be read. UsageError: not one reading statement, an error in it, or too slow.
    """
    if max_rows < 1:
        raise UsageError(f"{max_rows} rows are no answer: ask for at least 1")
    with opened(path, patience_seconds=patience_seconds, read_only=True, settings=_SETTINGS) as connection:
        try:
            statement = _only_statement(connection, text)
            with _time_limit(connection, time_limit_seconds):
                return _answer(connection, statement, max_rows)
        except duckdb.InterruptException as error:
            raise UsageError(f"the query took longer than {time_limit_seconds:g} s: ask for less at once") from error
        except duckdb.Error as error:
            raise UsageError(f"the query failed: {first_line(error)}") from error


def _only_statement(connection: duckdb.DuckDBPyConnection, text: str) -> duckdb.Statement:
    try:
        statements = connection.extract_statements(text)
        kinds = [statement.type for statement in statements]
    except ValueError as error:  # a kind that the package has no name for
        raise UsageError(_REFUSAL) from error
    if len(statements) != 1:
        raise UsageError(f"one statement at a time: this is {len(statements)}")
    if kinds[0] not in _READING:
        raise UsageError(_REFUSAL)
    return statements[0]


_REFUSAL: Final = "the store is read only here: SELECT, WITH, FROM, DESCRIBE, SHOW, SUMMARIZE and EXPLAIN are answered"


def _answer(connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement, max_rows: int) -> Table:
    found = connection.execute(statement)
    columns = tuple(column[0] for column in found.description or ())
    types = tuple(str(column[1]) for column in found.description or ())
    if _ZONED in types:
        names = [f"c{number}" for number in range(len(types))]
        shown = [f"{name}::VARCHAR" if kind == _ZONED else name for name, kind in zip(names, types, strict=True)]
        found = connection.execute(
            f"SELECT {', '.join(shown)} FROM query(?) AS answer({', '.join(names)})",  # noqa: S608  c0, c1 …
            [statement.query],
        )
    rows = found.fetchmany(max_rows + 1)
    return Table(columns=columns, types=types, rows=tuple(rows[:max_rows]), truncated=len(rows) > max_rows)


@contextmanager
def _time_limit(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    timer = Timer(seconds, connection.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # it must not touch a closed connection
