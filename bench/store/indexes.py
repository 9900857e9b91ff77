"""Measurements of indexes in the store."""

from collections.abc import Sequence
from typing import Final

import duckdb
import msgspec

from bench.errors import StoreError
from bench.plan.index import IndexMeasurement
from bench.store.rows import Row, insert_new, iso, select, utc


def add(connection: duckdb.DuckDBPyConnection, measured: Sequence[IndexMeasurement]) -> None:
    """Add measurements; the very same one is kept once."""
    rows: list[Row] = [msgspec.to_builtins(one) | {"measured_at": utc(one.measured_at)} for one in measured]
    insert_new(connection, "index_measurements", rows)


def find(connection: duckdb.DuckDBPyConnection, trial_id: str | None) -> tuple[IndexMeasurement, ...]:
    """Measurements in the order of time; None: of whatever trial.

    Raises: StoreError: one is of a form that this tool cannot read.
    """
    return tuple(_measurement(row) for row in select(connection, _MEASUREMENTS, {"trial": trial_id}))


_MEASUREMENTS: Final = """
    SELECT * FROM index_measurements
    WHERE trial_id = coalesce($trial, trial_id)
    ORDER BY measured_at, trial_id, query, archive, kind, items, parameter
"""


def _measurement(row: Row) -> IndexMeasurement:
    try:
        return msgspec.convert(row | {"measured_at": iso(row["measured_at"])}, IndexMeasurement)
    except msgspec.ValidationError as error:
        raise StoreError(
            f"an index measured at {row['measured_at']} is stored in a form that this version cannot read: {error}"
        ) from error
