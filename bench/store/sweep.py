"""What killed runs left: named as cut off, never as lost, and a run that lives is left alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb
import msgspec

from bench.errors import StoreError
from bench.plan.plan import TrialPlan
from bench.result import Candidate, Provenance, TrialResult
from bench.store import runs, trials
from bench.store.lease import Holder, has_ended, this_process
from bench.store.rows import Row, iso, select

STOPPED: Final = "interrupted: its process ended without a word"
"""What a swept run is said to have stopped by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A trial that ran when its run was cut off."""

    trial_id: str
    candidate: Candidate
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """A run whose process ended without a word."""

    run_id: str
    command: str
    heard_at: str
    """UTC, ISO 8601: its last heartbeat."""
    finished: int
    """Trials that had ended before, however; all are kept."""
    planned: int
    """Trials of its first plan."""
    cut: tuple[Cut, ...]
    """What it had in hand, in the order of the plan; each now has a row of outcome `interrupted`."""


def sweep(connection: duckdb.DuckDBPyConnection) -> tuple[Interrupted, ...]:
    """Close the runs whose process is gone, the oldest first.

    Raises: StoreError: a trial in hand is stored in a form that this tool cannot read.
    """
    now = runs.now()
    return tuple(_close(connection, row) for row in select(connection, _OPEN, []) if _is_orphan(row, now))


_OPEN: Final = """
    SELECT
        run_id, command, holder, coalesce(heartbeat_at, started_at) AS heard_at,
        (SELECT count(*) FROM trials t WHERE t.run_id = r.run_id) AS finished,
        coalesce(json_array_length(plan, '$.trials'), 0) AS planned
    FROM runs r
    WHERE finished_at IS NULL
    ORDER BY started_at, run_id
"""


def _is_orphan(row: Row, now: datetime) -> bool:
    return has_ended(_holder(row), heard_at=row["heard_at"], now=now)


def _holder(row: Row) -> Holder | None:
    return msgspec.json.decode(row["holder"], type=Holder) if row["holder"] else None


def _close(connection: duckdb.DuckDBPyConnection, row: Row) -> Interrupted:
    cause = _cause(_holder(row), row["heard_at"])
    cut = [_interrupted(trial, cause) for trial in select(connection, _IN_HAND, [row["run_id"]])]
    for result in cut:
        trials.add(connection, result)
    runs.finish(connection, row["run_id"], finished_at=row["heard_at"], stopped=STOPPED)
    return Interrupted(
        run_id=row["run_id"],
        command=row["command"],
        heard_at=iso(row["heard_at"]),
        finished=row["finished"],
        planned=row["planned"],
        cut=tuple(Cut(trial_id=trial.trial_id, candidate=trial.candidate, seed=trial.seed) for trial in cut),
    )


_IN_HAND: Final = "SELECT * FROM running WHERE run_id = ? ORDER BY number"


def _cause(holder: Holder | None, heard_at: datetime) -> str:
    here = holder is not None and holder.host == this_process().host
    process = f"process {holder.pid}{'' if here else ' on another machine'}" if holder else "its process"
    return f"cut off together with its run: {process} ended without a word, last heard of at {heard_at:%F %T} UTC"


def _interrupted(row: Row, cause: str) -> TrialResult:
    """The trial as far as its plan tells: what it measured is gone with its process."""
    try:
        plan = msgspec.json.decode(row["plan"], type=TrialPlan)
        provenance = msgspec.json.decode(row["provenance"], type=Provenance)
    except msgspec.ValidationError as error:
        raise StoreError(
            f"trial {row['trial_id']} is stored in a form that this version cannot read: {error}"
        ) from error
    return plan.cut_off(cause, provenance)
