"""Scores of each query in the store: long columns of numbers, a series for each metric and direction of a trial."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import duckdb
import numpy as np

from bench.result import TrialResult
from bench.store.rows import Row, insert, insert_columns, select


def add(connection: duckdb.DuckDBPyConnection, result: TrialResult) -> None:
    """Add those of a trial."""
    if not result.query_scores:
        return
    (last,) = select(connection, "SELECT coalesce(max(series), 0) AS series FROM query_scores", [])
    rows: list[Row] = [
        {
            "trial_id": result.trial_id,
            "position": position,
            "query": scores.query,
            "archive": scores.archive,
            "metric": scores.metric,
            "k": scores.k,
            "series": last["series"] + position,
        }
        for position, scores in enumerate(result.query_scores, start=1)
    ]
    insert(connection, "query_scores", rows)
    lengths = [len(scores.values) for scores in result.query_scores]
    columns = {
        "series": np.repeat([row["series"] for row in rows], lengths),
        "position": np.concatenate([np.arange(1, length + 1) for length in lengths]),
        "value": np.concatenate([np.array(scores.values, np.float64) for scores in result.query_scores]),
    }
    insert_columns(connection, "query_values", columns)


def remove(connection: duckdb.DuckDBPyConnection, trial_id: str) -> None:
    """Remove those of a trial."""
    connection.execute(
        "DELETE FROM query_values WHERE series IN (SELECT series FROM query_scores WHERE trial_id = ?)", [trial_id]
    )
    connection.execute("DELETE FROM query_scores WHERE trial_id = ?", [trial_id])


def find(connection: duckdb.DuckDBPyConnection, trial_ids: Sequence[str]) -> Mapping[str, Sequence[Row]]:
    """Those of these trials, by trial and in order."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in select(connection, _SERIES, [trial_ids]):
        found[row["trial_id"]].append(row)
    for rows in found.values():
        _fill(connection, rows)
    return found


_SERIES: Final = "SELECT * FROM query_scores WHERE trial_id IN (SELECT unnest(?)) ORDER BY trial_id, position"

_VALUES: Final = "SELECT series, position, value FROM query_values WHERE series BETWEEN ? AND ?"


def _fill(connection: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> None:
    """Give the rows of one trial, whose series are numbered one after the other, their values."""
    first = rows[0]["series"]
    table = connection.execute(_VALUES, [first, rows[-1]["series"]]).fetchnumpy()
    own = table["series"] - first
    lengths = np.bincount(own, minlength=len(rows))
    starts = np.cumsum(lengths) - lengths
    values = np.empty(len(own))
    values[starts[own] + table["position"] - 1] = table["value"]
    for row, part in zip(rows, np.split(values, starts[1:]), strict=True):
        row["values"] = part.tolist()
