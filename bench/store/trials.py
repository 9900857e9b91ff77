"""Trials in the store: added whole, found by what they were."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import duckdb

from bench.result import Outcome, TrialResult
from bench.store import answers
from bench.store.rows import CHILDREN, Row, insert, select, trial_result, trial_rows


def add(connection: duckdb.DuckDBPyConnection, result: TrialResult) -> None:
    """Add a trial, which then is no longer running; one that is there already stays as it is.

    Unless that one was written by somebody who took the run for dead: then the trial itself knows better.
    """
    connection.execute("DELETE FROM running WHERE trial_id = ?", [result.trial_id])
    known = select(connection, "SELECT outcome FROM trials WHERE trial_id = ?", [result.trial_id])
    if known and known[0]["outcome"] != Outcome.INTERRUPTED:
        return
    if known:
        answers.remove(connection, result.trial_id)
    for table, rows in trial_rows(result).items():
        if known:
            connection.execute(f"DELETE FROM {table} WHERE trial_id = ?", [result.trial_id])  # noqa: S608  our names
        insert(connection, table, rows)
    answers.add(connection, result)


def chosen(
    connection: duckdb.DuckDBPyConnection, *, run_id: str | None, fingerprint: str | None, protocol: int | None
) -> tuple[TrialResult, ...]:
    """Whole trials by the time of their start; None: whatever run, data or protocol."""
    values = {"run": run_id, "data": fingerprint, "protocol": protocol}
    rows = select(connection, _CHOSEN, values)
    return _read(connection, rows, CHILDREN, answers.find(connection, [row["trial_id"] for row in rows]))


_CHOSEN: Final = """
    SELECT * FROM trials
    WHERE run_id = coalesce($run, run_id)
        AND fingerprint = coalesce($data, fingerprint)
        AND protocol = coalesce($protocol, protocol)
    ORDER BY started_at, trial_id
"""


def history(
    connection: duckdb.DuckDBPyConnection, *, machine: str, protocol: int | None, limit: int
) -> tuple[TrialResult, ...]:
    """What a machine can do: its completed and out-of-memory trials with their predictions, the newest first."""
    values = {"machine": machine, "protocol": protocol, "limit": limit}
    return _read(connection, select(connection, _HISTORY, values), ("predictions",), {})


_HISTORY: Final = """
    SELECT * FROM trials
    WHERE machine = $machine
        AND outcome IN ('completed', 'out_of_memory')
        AND protocol = coalesce($protocol, protocol)
    ORDER BY started_at DESC, trial_id DESC
    LIMIT $limit
"""


def _read(
    connection: duckdb.DuckDBPyConnection,
    rows: list[Row],
    tables: Iterable[str],
    query_scores: Mapping[str, Sequence[Row]],
) -> tuple[TrialResult, ...]:
    """The trials of these rows, with what these tables hold of them and these scores of each query."""
    ids = [row["trial_id"] for row in rows]
    children: dict[str, dict[str, list[Row]]] = defaultdict(lambda: {table: [] for table in CHILDREN})
    for table in tables:
        for row in select(connection, CHILDREN[table], [ids]):
            children[row["trial_id"]][table].append(row)
    return tuple(
        trial_result(row, children[row["trial_id"]] | {"query_scores": query_scores.get(row["trial_id"], ())})
        for row in rows
    )
