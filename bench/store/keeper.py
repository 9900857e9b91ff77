"""Keeps what a run produces although the store may be busy: nothing finished is lost, nothing waits for long."""

import logging
from typing import Final

from bench.errors import StoreError
from bench.plan.plan import TrialPlan
from bench.result import Provenance, TrialResult
from bench.store.results import Results

log = logging.getLogger(__name__)

BEAT_PATIENCE_SECONDS: Final = 1.0
"""A sign of life may be left out; a trial that runs meanwhile may not be kept waiting."""


class Keeper:
    """Stores results; one that a busy store does not take waits for the next, and at the end in a file."""

    def __init__(self, store: Results) -> None:
        self._store = store
        self._waiting: list[TrialResult] = []

    def begin(self, trial: TrialPlan, *, number: int, provenance: Provenance) -> None:
        """Note that a trial runs, so that it can be named should this process be killed."""
        try:
            self._store.begin_trial(trial, number=number, provenance=provenance)
        except StoreError as error:
            log.warning("trial %s begins without a note in the store: %s", trial.trial_id, error)

    def beat(self, run_id: str) -> None:
        """Give a sign of life."""
        try:
            Results(self._store.path, patience_seconds=BEAT_PATIENCE_SECONDS).beat(run_id)
        except StoreError as error:
            log.info("a sign of life was left out: %s", error)

    def keep(self, result: TrialResult) -> None:
        """Store a result now, or when the store can be had again."""
        self._waiting.append(result)
        try:
            self._store_waiting()
        except StoreError as error:
            log.warning("%d finished trials wait for the store: %s", len(self._waiting), error)

    def settle(self, run_id: str, *, finished_at: str, stopped: str) -> None:
        """End the run in the store; results that it does not take now are written beside it, for the next start.

        Raises: StoreError: the store takes nothing; the message says where the results are.
        """
        try:
            self._store_waiting()
            self._store.finish_run(run_id, finished_at=finished_at, stopped=stopped)
        except StoreError as error:
            places = {str(self._store.spill(result).parent) for result in self._waiting}
            kept = (
                f"; {len(self._waiting)} finished trials wait in {', '.join(places)} for the next run" if places else ""
            )
            raise StoreError(f"{error}{kept}") from error

    def _store_waiting(self) -> None:
        while self._waiting:
            self._store.add_trial(self._waiting[0])
            del self._waiting[0]
