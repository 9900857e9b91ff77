"""What is kept in results.duckdb and got back: one short transaction a call, no connection in between."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import msgspec

from bench.errors import StoreError
from bench.plan.plan import RunPlan
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import HardwareProfile
from bench.result import PROTOCOL, TrialResult
from bench.store import schema
from bench.store.file import create, opened
from bench.store.rows import CHILDREN, Row, insert, iso, select, to_json, trial_result, trial_rows, utc
from bench.store.sql import Table, query

PATIENCE_SECONDS: Final = 10.0
"""How long to wait for another process that has the file open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: where, on what, what was planned and how it ended."""

    run_id: str
    started_at: str
    """UTC, ISO 8601."""
    finished_at: str | None
    """UTC, ISO 8601; None while it runs, or when it was cut off."""
    stopped: str
    """Why it ended before its plan did; empty when it did not."""
    command: str
    hardware: HardwareProfile
    dataset: DatasetProfile
    plan: RunPlan


class Results:
    """The store. Every call opens the file, does one transaction and closes it.

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

    def add_run(
        self,
        run_id: str,
        *,
        started_at: str,
        command: str,
        hardware: HardwareProfile,
        dataset: DatasetProfile,
        plan: RunPlan,
    ) -> None:
        """Note that a run begins; a run that is there already stays as it is.

        Args:
            started_at: UTC, ISO 8601.
        """
        with self._writing() as connection:
            if _holds(connection, "SELECT count(*) FROM runs WHERE run_id = ?", run_id):
                return
            row = {
                "run_id": run_id,
                "started_at": utc(started_at),
                "command": command,
                "hardware": to_json(hardware),
                "dataset": to_json(dataset),
                "plan": to_json(plan),
            }
            insert(connection, "runs", [row])

    def finish_run(self, run_id: str, *, finished_at: str, stopped: str) -> None:
        """Note that a run has ended.

        Args:
            finished_at: UTC, ISO 8601.
            stopped: why it ended before its plan did; empty when it did not.
        Raises: StoreError: there is no such run.
        """
        with self._writing() as connection:
            if not _holds(connection, "SELECT count(*) FROM runs WHERE run_id = ?", run_id):
                raise StoreError(f"{self.path} holds no run {run_id}")
            connection.execute(
                "UPDATE runs SET finished_at = ?, stopped = ? WHERE run_id = ?", [utc(finished_at), stopped, run_id]
            )

    def add_trial(self, result: TrialResult) -> None:
        """Keep a trial, all of it or nothing; a trial that is there already stays as it is."""
        tables = trial_rows(result)
        with self._writing() as connection:
            if _holds(connection, "SELECT count(*) FROM trials WHERE trial_id = ?", result.trial_id):
                return
            for table, rows in tables.items():
                insert(connection, table, rows)

    def trials(
        self, *, run_id: str | None = None, fingerprint: str | None = None, protocol: int | None = PROTOCOL
    ) -> tuple[TrialResult, ...]:
        """Trials as they were added, by the time of their start.

        Args:
            run_id: of this run only.
            fingerprint: on this data only.
            protocol: measured by these rules only; None: by any, to be shown but never compared.
        """
        with self._reading() as connection:
            rows = select(connection, _TRIALS, {"run": run_id, "data": fingerprint, "protocol": protocol})
            ids = [row["trial_id"] for row in rows]
            children: dict[str, dict[str, list[Row]]] = defaultdict(lambda: {table: [] for table in CHILDREN})
            for table, statement in CHILDREN.items():
                for row in select(connection, statement, [ids]):
                    children[row["trial_id"]][table].append(row)
        return tuple(trial_result(row, children[row["trial_id"]]) for row in rows)

    def runs(self) -> tuple[Run, ...]:
        """Every run, the newest first."""
        with self._reading() as connection:
            return tuple(_run(row) for row in select(connection, _RUNS, []))

    def run(self, run_id: str) -> Run:
        """One run.

        Raises: StoreError: there is no such run.
        """
        with self._reading() as connection:
            rows = select(connection, "SELECT * FROM runs WHERE run_id = ?", [run_id])
        if not rows:
            raise StoreError(f"{self.path} holds no run {run_id}")
        return _run(rows[0])

    def latest_run_id(self) -> str | None:
        """The run that began last; None when there is none."""
        with self._reading() as connection:
            rows = select(connection, _LATEST, [])
        return rows[0]["run_id"] if rows else None

    def query(self, sql: str, *, max_rows: int) -> Table:
        """Answer a user's SQL; nothing can be changed or reached by it.

        Raises: UsageError: not one reading statement, an error in it, or too slow.
        """
        return query(self.path, sql, max_rows=max_rows, patience_seconds=self.patience_seconds)

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


_TRIALS: Final = """
    SELECT * FROM trials
    WHERE run_id = coalesce($run, run_id)
        AND fingerprint = coalesce($data, fingerprint)
        AND protocol = coalesce($protocol, protocol)
    ORDER BY started_at, trial_id
"""
_RUNS: Final = "SELECT * FROM runs ORDER BY started_at DESC, run_id DESC"
_LATEST: Final = "SELECT run_id FROM runs ORDER BY started_at DESC, run_id DESC LIMIT 1"


def _holds(connection: duckdb.DuckDBPyConnection, count: str, key: str) -> bool:
    row = connection.execute(count, [key]).fetchone()
    return bool(row and row[0])


def _run(row: Row) -> Run:
    try:
        return Run(
            run_id=row["run_id"],
            started_at=iso(row["started_at"]),
            finished_at=iso(row["finished_at"]) if row["finished_at"] else None,
            stopped=row["stopped"] or "",
            command=row["command"],
            hardware=msgspec.json.decode(row["hardware"], type=HardwareProfile),
            dataset=msgspec.json.decode(row["dataset"], type=DatasetProfile),
            plan=msgspec.json.decode(row["plan"], type=RunPlan),
        )
    except msgspec.ValidationError as error:
        raise StoreError(f"run {row['run_id']} is stored in a form that this version cannot read: {error}") from error
