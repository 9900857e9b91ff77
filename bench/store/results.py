"""What is kept in results.duckdb and got back: one short transaction a call, no connection in between."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from bench.data.places import Queries
from bench.errors import StoreError
from bench.plan.edge import EdgeTry
from bench.plan.index import IndexMeasurement
from bench.plan.plan import RunPlan, TrialPlan
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import HardwareProfile
from bench.result import PROTOCOL, Candidate, Provenance, TrialResult
from bench.store import edges, indexes, queries, runs, spill, trials
from bench.store.access import Access
from bench.store.rows import utc
from bench.store.runs import Run
from bench.store.sql import Table, query
from bench.store.sweep import Interrupted, sweep

log = logging.getLogger(__name__)

HISTORY_TRIALS: Final = 1000
"""Enough to fit a formula to; older ones tell little more."""


class Results(Access):
    """The store. Every call opens the file, does one transaction and closes it.

    Each raises StoreError when the file is in use for too long, cannot be used, or is newer than this tool.
    """

    def check(self) -> None:
        """Make the file or bring its schema up to date, prove that it can be written, and take in what waits for it."""
        super().check()
        self._take_in()

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
        """Note that a run begins, held by this process; a run that is there already stays as it is.

        Args:
            started_at: UTC, ISO 8601.
        """
        run = Run(
            run_id=run_id,
            started_at=started_at,
            finished_at=None,
            stopped="",
            command=command,
            hardware=hardware,
            dataset=dataset,
            plan=plan,
        )
        with self._writing() as connection:
            runs.add(connection, run)

    def add_queries(self, asked: Queries) -> None:
        """Keep what is known of a data set's queries; those of a fingerprint that is there already stay as they are."""
        with self._writing() as connection:
            queries.add(connection, asked)

    def queries(self, fingerprint: str) -> Queries | None:
        """The queries of a data set; None when no run on it has noted them."""
        with self._reading() as connection:
            return queries.find(connection, fingerprint)

    def begin_trial(self, plan: TrialPlan, *, number: int, provenance: Provenance) -> None:
        """Note that a trial begins, in a run that this process holds from now on; `add_trial` ends it.

        Args:
            number: from 1, within the run.
            provenance: of its row, should the run be cut off.
        Raises: StoreError: there is no such run.
        """
        with self._writing() as connection:
            self._require(connection, plan.run_id)
            runs.begin(connection, plan, number=number, provenance=provenance)

    def beat(self, run_id: str) -> None:
        """Note that the process that holds a run lives; more often than every 15 minutes, or other hosts take it over.

        A run that has ended stays so.
        """
        with self._writing() as connection:
            runs.beat(connection, run_id)

    def finish_run(self, run_id: str, *, finished_at: str, stopped: str) -> None:
        """Note that a run has ended.

        Args:
            finished_at: UTC, ISO 8601.
            stopped: why it ended before its plan did; empty when it did not.
        Raises: StoreError: there is no such run.
        """
        with self._writing() as connection:
            self._require(connection, run_id)
            runs.finish(connection, run_id, finished_at=utc(finished_at), stopped=stopped)

    def sweep(self) -> tuple[Interrupted, ...]:
        """Take in what waits for the store, then name what killed runs left; each is told once, the oldest first."""
        self._take_in()
        with self._writing() as connection:
            return sweep(connection)

    def add_trial(self, result: TrialResult) -> None:
        """Keep a trial, all of it or nothing; one that is there already stays as it is, unless it is a swept one."""
        with self._writing() as connection:
            trials.add(connection, result)

    def spill(self, result: TrialResult) -> Path:
        """Keep a trial in a file, for when the store takes nothing; the next `check` or `sweep` brings it in.

        Raises: StoreError: no place for the file either.
        """
        return spill.spill(self.path, result)

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
            return trials.chosen(connection, run_id=run_id, fingerprint=fingerprint, protocol=protocol)

    def history(
        self, *, machine: str, protocol: int | None = PROTOCOL, limit: int = HISTORY_TRIALS
    ) -> tuple[TrialResult, ...]:
        """What this machine has shown that it can do: completed and out-of-memory trials, the newest first.

        They come with costs and predictions, but without curves, scores and rungs.

        Args:
            machine: `HardwareProfile.id`.
            protocol: measured by these rules only; None: by any.
        """
        with self._reading() as connection:
            return trials.history(connection, machine=machine, protocol=protocol, limit=limit)

    def add_edge_tries(self, tries: Sequence[EdgeTry]) -> None:
        """Keep batch sizes that were tried; the very same try is kept once."""
        with self._writing() as connection:
            edges.add(connection, tries)

    def edge_tries(self, *, machine: str | None = None, candidate: Candidate | None = None) -> tuple[EdgeTry, ...]:
        """Batch sizes that were tried, by time.

        Args:
            machine: `HardwareProfile.id`; None: any.
            candidate: None: any.
        """
        with self._reading() as connection:
            return edges.find(connection, machine=machine, candidate=candidate)

    def add_index_measurements(self, measured: Sequence[IndexMeasurement]) -> None:
        """Keep what was measured of indexes; the very same measurement is kept once."""
        with self._writing() as connection:
            indexes.add(connection, measured)

    def index_measurements(self, trial_id: str | None = None) -> tuple[IndexMeasurement, ...]:
        """What was measured of indexes over the descriptors of a trial, or of any, by time."""
        with self._reading() as connection:
            return indexes.find(connection, trial_id)

    def runs(self) -> tuple[Run, ...]:
        """Every run, the newest first."""
        with self._reading() as connection:
            return runs.find(connection)

    def run(self, run_id: str) -> Run:
        """One run.

        Raises: StoreError: there is no such run.
        """
        with self._reading() as connection:
            self._require(connection, run_id)
            return runs.find(connection, run_id)[0]

    def latest_run_id(self) -> str | None:
        """The run that began last; None when there is none."""
        with self._reading() as connection:
            return runs.latest_id(connection)

    def query(self, sql: str, *, max_rows: int) -> Table:
        """Answer a user's SQL; nothing can be changed or reached by it.

        Raises: UsageError: not one reading statement, an error in it, or too slow.
        """
        return query(self.path, sql, max_rows=max_rows, patience_seconds=self.patience_seconds)

    def _require(self, connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
        if not runs.is_there(connection, run_id):
            raise StoreError(f"{self.path} holds no run {run_id}")

    def _take_in(self) -> None:
        """Store the trials that wait in files; a file that cannot be read stays where it is."""
        for file in spill.waiting(self.path):
            try:
                result = spill.read(file)
            except FileNotFoundError:  # another process was first
                continue
            except StoreError as error:
                log.warning("left where it is: %s", error)
                continue
            self.add_trial(result)
            spill.remove(file)
