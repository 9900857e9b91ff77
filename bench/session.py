"""The one loop behind both faces: prepare, run, keep. An iterator of events."""

import logging
import secrets
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple

from platformdirs import user_state_path

from bench.errors import StoreError
from bench.plan.plan import Request, TrialPlan
from bench.profile.provenance import provenance
from bench.result import Outcome, Provenance, TrialResult
from bench.run.events import Event, Probed, RunFinished, TrialFinished, TrialStarted
from bench.run.executor import Executor, LocalExecutor
from bench.run.ledger import Ledger
from bench.run.prepare import prepare
from bench.run.wire import Forked
from bench.store.results import Results

log = logging.getLogger(__name__)

STOPPED_BY_USER: Final = "stopped by the user"


def plan(request: Request) -> Generator[Event]:
    """What a run would do, up to and including `Planned`; nothing is stored.

    Raises: BenchError: the request, the data or the machine cannot be used.
    """
    started = monotonic()
    run_id = secrets.token_hex(4)
    with closing(LocalExecutor(log_path(run_id))) as executor:
        yield from prepare(request, executor, run_id, started)


def run(request: Request, store: Results) -> Generator[Event]:
    """Run the request; each trial is in the store before its `TrialFinished` comes.

    Closing the generator stops the running trial and records it as cancelled.

    Raises: BenchError: the request, the data, the machine or the store cannot be used.
    """
    started = monotonic()
    store.check()
    run_id = secrets.token_hex(4)
    with closing(LocalExecutor(log_path(run_id))) as executor:
        hardware, dataset, plan = yield from prepare(request, executor, run_id, started)
        birth = provenance(hardware, command=request.command)
        store.add_run(
            run_id,
            started_at=birth.started_at,
            command=birth.command,
            hardware=hardware,
            dataset=dataset,
            plan=plan,
        )
        deadline = started + request.time_budget_seconds if request.time_budget_seconds else None
        completed, stopped = 0, STOPPED_BY_USER
        keeper = _Keeper(store)
        try:
            for number, trial in enumerate(plan.trials, start=1):
                if deadline and trial.predicted_seconds > deadline - monotonic():
                    stopped = f"the time budget does not hold trial {number} of {len(plan.trials)}"
                    break
                result = yield from _run_trial(trial, number, deadline, birth, _Means(executor, keeper))
                completed += result.outcome is Outcome.COMPLETED
                yield TrialFinished(result=result)
            else:
                stopped = ""
        finally:
            keeper.settle()
            store.finish_run(run_id, finished_at=_now(), stopped=stopped)
        yield RunFinished(
            run_id=run_id,
            completed=completed,
            planned=len(plan.trials),
            seconds=monotonic() - started,
            stopped=stopped,
        )


def log_path(run_id: str) -> Path:
    """Where the output of a run's processes goes."""
    return user_state_path("csmae-advisor") / "logs" / f"{run_id}.log"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class _Means(NamedTuple):
    """What a trial is run with and kept in."""

    executor: Executor
    keeper: "_Keeper"


class _Keeper:
    """Stores results; one that a busy store does not take waits for the next, so that no finished trial is lost."""

    def __init__(self, store: Results) -> None:
        self._store = store
        self._waiting: list[TrialResult] = []

    def keep(self, result: TrialResult) -> None:
        self._waiting.append(result)
        try:
            self.settle()
        except StoreError as error:
            log.warning("%d finished trials wait for the store: %s", len(self._waiting), error)

    def settle(self) -> None:
        """Store what waits.

        Raises: StoreError: the store takes nothing.
        """
        while self._waiting:
            self._store.add_trial(self._waiting[0])
            del self._waiting[0]


def _run_trial(
    trial: TrialPlan, number: int, deadline: float | None, birth: Provenance, means: _Means
) -> Generator[Event, None, TrialResult]:
    """One trial, in the store by the end, however it ends."""
    began = monotonic()
    timeout = min(trial.timeout_seconds, deadline - began) if deadline else trial.timeout_seconds
    ledger = Ledger(trial, replace(birth, started_at=_now()))
    try:
        with closing(means.executor.run(trial, timeout_seconds=timeout)) as events:
            for event in events:
                match event:
                    case Forked():
                        yield TrialStarted(plan=trial, number=number, pid=event.pid)
                    case Probed():
                        continue
                    case _:
                        ledger.add(event)
                        yield event
    except (GeneratorExit, KeyboardInterrupt, SystemExit):
        ledger.cancel(STOPPED_BY_USER)
        raise
    finally:
        result = ledger.result(total_seconds=monotonic() - began)
        means.keeper.keep(result)
    return result
