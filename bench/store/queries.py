"""The queries of each data set in the store: once, however many trials answer them."""

from datetime import date
from typing import Final

import duckdb

from bench.data.places import Place, Queries
from bench.store.rows import Row, insert, select


def add(connection: duckdb.DuckDBPyConnection, asked: Queries) -> None:
    """Add the queries of a data set; those of a fingerprint that is there already stay as they are."""
    if select(connection, "SELECT 1 FROM queries WHERE fingerprint = ? LIMIT 1", [asked.fingerprint]):
        return
    labels = asked.labels or (None,) * len(asked.places)
    rows: list[Row] = [
        {
            "fingerprint": asked.fingerprint,
            "position": position,
            "pair_id": place.pair_id,
            "tile": place.tile,
            "country": place.country,
            "date": date.fromisoformat(place.date) if place.date else None,
            "labels": carried,
        }
        for position, (place, carried) in enumerate(zip(asked.places, labels, strict=True), start=1)
    ]
    insert(connection, "queries", rows)


def find(connection: duckdb.DuckDBPyConnection, fingerprint: str) -> Queries | None:
    """The queries of a data set in their order; None when they are not there."""
    rows = select(connection, _QUERIES, [fingerprint])
    if not rows:
        return None
    return Queries(
        fingerprint=fingerprint,
        places=tuple(_place(row) for row in rows),
        labels=() if rows[0]["labels"] is None else tuple(tuple(row["labels"]) for row in rows),
    )


_QUERIES: Final = "SELECT * FROM queries WHERE fingerprint = ? ORDER BY position"


def _place(row: Row) -> Place:
    day = row["date"]
    return Place(
        pair_id=row["pair_id"],
        tile=row["tile"],
        country=row["country"],
        date=day.isoformat() if day else None,
    )
