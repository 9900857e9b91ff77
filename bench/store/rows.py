"""Records to rows and back. A column has the name of its field; each fact is stored once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import duckdb
import msgspec
from numpy.typing import NDArray

from bench.errors import StoreError
from bench.result import TrialResult

Row = dict[str, Any]
"""Values by column."""

Columns = Mapping[str, Sequence[Any] | NDArray[Any]]
"""Equally many values for each column."""

_FLATTENED: Final = ("candidate", "training", "data", "provenance", "costs")
"""Records within a trial whose fields are columns of its row."""

_ORDER: Final = {
    "losses": "lap",
    "scores": "position",
    "class_scores": "position",
    "rungs": "position",
    "predictions": "position",
}
"""Tables with several rows a trial, each by the field that it fills, with the column that keeps their order. The scores
of each query are in `bench.store.answers`."""

CHILDREN: Final = {
    table: f"SELECT * FROM {table} WHERE trial_id IN (SELECT unnest(?)) ORDER BY trial_id, {order}"  # noqa: S608  our names
    for table, order in _ORDER.items()
}
"""The same tables with the query that reads them in order."""


def utc(text: str) -> datetime:
    """ISO 8601 to the naive UTC that the store holds."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def iso(moment: datetime) -> str:
    """The store's naive UTC to ISO 8601."""
    return moment.replace(tzinfo=UTC).isoformat()


def to_json(record: object) -> str:
    """A record as a value of a JSON column."""
    return msgspec.json.encode(record).decode()


def trial_rows(result: TrialResult) -> dict[str, list[Row]]:
    """The rows of a trial by table, but for the scores of each query."""
    fields = msgspec.to_builtins(replace(result, query_scores=()))
    del fields["query_scores"]
    tables = {
        table: [{"trial_id": result.trial_id, order: number} | row for number, row in enumerate(fields.pop(table), 1)]
        for table, order in _ORDER.items()
    }
    row: Row = {}
    for name, value in fields.items():
        row |= value if name in _FLATTENED else {name: value}
    row["data"] = row.pop("name")
    row["model"], row["versions"] = to_json(row["model"]), to_json(row["versions"])
    row["started_at"] = utc(row["started_at"])
    return {"trials": [row], **tables}


def trial_result(row: Row, children: Mapping[str, Sequence[Row]]) -> TrialResult:
    """The trial that these rows are.

    Raises: StoreError: they hold what this tool cannot read.
    """
    flat = row | {
        "name": row["data"],
        "versions": msgspec.json.decode(row["versions"]),
        "started_at": iso(row["started_at"]),
    }
    nested = flat | dict.fromkeys(_FLATTENED, flat) | {"model": msgspec.json.decode(row["model"])} | dict(children)
    try:
        return msgspec.convert(nested, TrialResult)
    except msgspec.ValidationError as error:
        raise StoreError(
            f"trial {row['trial_id']} is stored in a form that this version cannot read: {error}"
        ) from error


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    """Add rows, in order, in one statement."""
    if rows:
        insert_columns(connection, table, _columns(rows))


def insert_columns(connection: duckdb.DuckDBPyConnection, table: str, columns: Columns) -> None:
    """Add rows that are given column by column."""
    with _offered(connection, columns) as names:
        connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM offered")  # noqa: S608  our names


def insert_new(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    """Add those rows that the table does not hold, each once."""
    if rows:
        with _offered(connection, _columns(rows)) as names:
            connection.execute(
                f"INSERT INTO {table} ({names}) "  # noqa: S608  our names
                f"(SELECT {names} FROM offered EXCEPT SELECT {names} FROM {table})"
            )


def _columns(rows: Sequence[Row]) -> Columns:
    return {name: [row[name] for row in rows] for name in rows[0]}


@contextmanager
def _offered(connection: duckdb.DuckDBPyConnection, columns: Columns) -> Iterator[str]:
    """Let a statement read these columns as the table `offered`; gives their names."""
    import pyarrow as pa  # noqa: PLC0415  whoever only reads need not wait for it

    # parameters would do, but are converted number by number: 15 s for the scores of 65,000 queries
    connection.register("offered", pa.table(dict(columns)))
    yield ", ".join(columns)
    connection.unregister("offered")


def select(connection: duckdb.DuckDBPyConnection, sql: str, values: object) -> list[Row]:
    """Rows as dictionaries."""
    found = connection.execute(sql, values)
    columns = [column[0] for column in found.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
