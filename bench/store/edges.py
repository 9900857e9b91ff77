"""Tried batch sizes in the store."""

from collections.abc import Sequence
from typing import Final

import duckdb
import msgspec

from bench.errors import StoreError
from bench.plan.edge import EdgeTry
from bench.result import Candidate
from bench.store.rows import Row, insert_new, iso, select, to_json, utc


def add(connection: duckdb.DuckDBPyConnection, tries: Sequence[EdgeTry]) -> None:
    """Add tries; the very same one is kept once."""
    insert_new(connection, "batch_edges", [_row(tried) for tried in tries])


def find(
    connection: duckdb.DuckDBPyConnection, *, machine: str | None, candidate: Candidate | None
) -> tuple[EdgeTry, ...]:
    """Tries in the order of time; None: of whatever machine or candidate.

    Raises: StoreError: one is of a form that this tool cannot read.
    """
    values = {
        "machine": machine,
        "variant": candidate.variant if candidate else None,
        "size": candidate.size if candidate else None,
    }
    return tuple(_try(row) for row in select(connection, _TRIES, values))


_TRIES: Final = """
    SELECT * FROM batch_edges
    WHERE machine = coalesce($machine, machine)
        AND variant = coalesce($variant, variant)
        AND size = coalesce($size, size)
    ORDER BY measured_at, variant, size, batch_pairs, seconds
"""


def _row(tried: EdgeTry) -> Row:
    row: Row = msgspec.to_builtins(tried)
    return {
        **{name: value for name, value in row.items() if name != "candidate"},
        **row["candidate"],
        "model": to_json(tried.model),
        "measured_at": utc(tried.measured_at),
    }


def _try(row: Row) -> EdgeTry:
    fields = row | {
        "candidate": row,
        "model": msgspec.json.decode(row["model"]),
        "measured_at": iso(row["measured_at"]),
    }
    try:
        return msgspec.convert(fields, EdgeTry)
    except msgspec.ValidationError as error:
        raise StoreError(
            f"a batch size tried at {row['measured_at']} is stored in a form that this version cannot read: {error}"
        ) from error
