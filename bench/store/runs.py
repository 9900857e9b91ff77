"""Runs in the store: what was planned, who conducts it, how it ended."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import duckdb
import msgspec

from bench.errors import StoreError
from bench.plan.plan import RunPlan, TrialPlan
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import HardwareProfile
from bench.result import Provenance
from bench.store.lease import this_process
from bench.store.rows import Row, insert, iso, select, to_json, utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: where, on what, what was planned and how it ended."""

    run_id: str
    started_at: str
    """UTC, ISO 8601."""
    finished_at: str | None
    """UTC, ISO 8601; None while it runs. Of a run that was cut off: when it was last heard of."""
    stopped: str
    """Why it ended before its plan did; empty when it did not."""
    command: str
    hardware: HardwareProfile
    dataset: DatasetProfile
    plan: RunPlan


def now() -> datetime:
    """The naive UTC that the store holds."""
    return datetime.now(UTC).replace(tzinfo=None)


def add(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Note a run and this process as its holder; a run that is there already stays as it is."""
    if is_there(connection, run.run_id):
        return
    row: Row = {
        "run_id": run.run_id,
        "started_at": utc(run.started_at),
        "command": run.command,
        "hardware": to_json(run.hardware),
        "dataset": to_json(run.dataset),
        "plan": to_json(run.plan),
        "holder": to_json(this_process()),
        "heartbeat_at": now(),
    }
    insert(connection, "runs", [row])


def begin(connection: duckdb.DuckDBPyConnection, plan: TrialPlan, *, number: int, provenance: Provenance) -> None:
    """Note a trial as running and this process as the holder of its run, even if somebody took the run for dead."""
    connection.execute(_TAKE, [to_json(this_process()), now(), plan.run_id])
    connection.execute("DELETE FROM running WHERE trial_id = ?", [plan.trial_id])
    row: Row = {
        "trial_id": plan.trial_id,
        "run_id": plan.run_id,
        "number": number,
        "started_at": utc(provenance.started_at),
        "plan": to_json(plan),
        "provenance": to_json(provenance),
    }
    insert(connection, "running", [row])


_TAKE: Final = "UPDATE runs SET holder = ?, heartbeat_at = ?, finished_at = NULL, stopped = NULL WHERE run_id = ?"


def beat(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Note that the holder of a run lives; a run that has ended stays so."""
    connection.execute("UPDATE runs SET heartbeat_at = ? WHERE run_id = ? AND finished_at IS NULL", [now(), run_id])


def finish(connection: duckdb.DuckDBPyConnection, run_id: str, *, finished_at: datetime, stopped: str) -> None:
    """Note that a run has ended: nothing of it runs and nobody holds it."""
    connection.execute(_END, [finished_at, stopped, run_id])
    connection.execute("DELETE FROM running WHERE run_id = ?", [run_id])


_END: Final = "UPDATE runs SET finished_at = ?, stopped = ?, holder = NULL, heartbeat_at = NULL WHERE run_id = ?"


def find(connection: duckdb.DuckDBPyConnection, run_id: str | None = None) -> tuple[Run, ...]:
    """Every run, or this one, the newest first.

    Raises: StoreError: one is of a form that this tool cannot read.
    """
    return tuple(_run(row) for row in select(connection, _RUNS, {"run": run_id}))


_RUNS: Final = "SELECT * FROM runs WHERE run_id = coalesce($run, run_id) ORDER BY started_at DESC, run_id DESC"


def latest_id(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The run that began last; None when there is none."""
    rows = select(connection, "SELECT run_id FROM runs ORDER BY started_at DESC, run_id DESC LIMIT 1", [])
    return rows[0]["run_id"] if rows else None


def is_there(connection: duckdb.DuckDBPyConnection, run_id: str) -> bool:
    """Whether the store holds this run."""
    return bool(select(connection, "SELECT 1 FROM runs WHERE run_id = ?", [run_id]))


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
