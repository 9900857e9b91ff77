"""The one loop behind both faces: prepare, run, keep. An iterator of events."""

import secrets
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from platformdirs import user_state_path

from bench.errors import UsageError
from bench.plan.attempt import EdgeTried
from bench.plan.choose import Agenda
from bench.plan.plan import Request
from bench.profile.hardware import HardwareProfile
from bench.profile.provenance import provenance
from bench.result import Provenance, TrialResult
from bench.run.control import Control
from bench.run.crew import Crew, Over, Told
from bench.run.deadline import Deadline
from bench.run.events import CutOff, Event, Probed, RunFinished, TrialFinished, TrialStarted
from bench.run.executor import STOPPED_BY_USER, LocalExecutor
from bench.run.hand import Hand
from bench.run.prepare import Prepared, checkpoint_root, imagine, prepare
from bench.run.retention import prune
from bench.run.wire import Forked
from bench.store.keeper import Keeper
from bench.store.results import Results
from bench.store.runs import Run

BEAT_SECONDS: Final = 30.0
"""Between two signs of life in the store."""

CHECKPOINT_BYTES: Final = 10 * 1000**3
"""Of trainings that could be gone on with; the oldest are removed first."""


def plan(
    request: Request, store: Results | None = None, *, simulated: HardwareProfile | None = None
) -> Generator[Event]:
    """What a run would do, up to and including `Planned`; nothing is stored.

    Args:
        simulated: a machine to plan for instead of this one, by formulas alone.
        store: whose trials predictions may rest on; it is only read, and need not exist.
    Raises: BenchError: the request, the data or the machine cannot be used.
    """
    deadline = Deadline(request.time_budget_seconds)
    run_id = secrets.token_hex(4)
    if simulated:
        yield from imagine(request, simulated, run_id)
        return
    with closing(LocalExecutor(log_path(run_id))) as executor:
        yield from prepare(request, executor, run_id, deadline, known=_known(store))


def run(request: Request, store: Results, *, control: Control | None = None) -> Generator[Event]:
    """Run the request; each trial is in the store before its `TrialFinished` comes.

    Closing the generator kills what runs and records it as cancelled.

    Args:
        control: by which the run can be asked to end, or to end a trial.
    Raises: BenchError: the request, the data, the machine or the store cannot be used.
    """
    deadline = Deadline(request.time_budget_seconds)
    run_id = secrets.token_hex(4)
    executor = LocalExecutor(log_path(run_id))
    with closing(executor):
        yield from _greet(store)
        prepared = yield from prepare(request, executor, run_id, deadline, known=_known(store))
        birth = provenance(prepared.hardware, command=request.command)
        store.add_queries(prepared.queries)
        store.add_run(
            run_id,
            started_at=birth.started_at,
            command=birth.command,
            hardware=prepared.hardware,
            dataset=prepared.dataset,
            plan=prepared.plan,
        )
        conduct = _Conduct(
            prepared, executor, store=store, birth=birth, deadline=deadline, control=control or Control()
        )
        yield from conduct.events(())


def resume(
    run_id: str | None, store: Results, *, time_budget_seconds: float | None = None, control: Control | None = None
) -> Generator[Event]:
    """Go on with a run that was stopped or cut off: what finished counts, what was running goes on where it was saved.

    Args:
        run_id: None: the last one.
        time_budget_seconds: from now; the run's own when left out.
    Raises: BenchError: there is no such run, its data are others now, or as for `run`.
    """
    greeting = list(_greet(store))
    before = _stored(run_id, store)
    request = before.plan.request
    request = replace(request, time_budget_seconds=time_budget_seconds or request.time_budget_seconds)
    deadline = Deadline(request.time_budget_seconds)
    executor = LocalExecutor(log_path(before.run_id))
    with closing(executor):
        yield from greeting
        fixed = replace(request, precision=before.plan.trials[0].precision, k=before.plan.trials[0].k)
        prepared = yield from prepare(fixed, executor, before.run_id, deadline, known=_known(store), before=before.plan)
        if prepared.dataset.fingerprint != before.dataset.fingerprint:
            raise UsageError(
                f"{prepared.dataset.name} is not what run {before.run_id} was trained on (its pairs, labels or bands "
                "differ): results would not compare; start a new run"
            )
        birth = provenance(prepared.hardware, command=before.command)
        store.add_queries(prepared.queries)
        conduct = _Conduct(
            prepared, executor, store=store, birth=birth, deadline=deadline, control=control or Control()
        )
        yield from conduct.events(store.trials(run_id=before.run_id, protocol=None))


def log_path(run_id: str) -> Path:
    """Where the output of a run's processes goes."""
    return user_state_path("csmae-advisor") / "logs" / f"{run_id}.log"


def _greet(store: Results) -> Generator[Event]:
    """Prove that the store can be written, and name what killed runs left in it."""
    store.check()
    for cut in store.sweep():
        yield CutOff(
            run_id=cut.run_id,
            finished=cut.finished,
            planned=cut.planned,
            trials=tuple(f"{trial.candidate.title} seed {trial.seed}" for trial in cut.cut),
        )


def _known(store: Results | None) -> Callable[[str], Sequence[TrialResult]]:
    """What a machine has shown in this store."""

    def history(machine: str) -> Sequence[TrialResult]:
        return store.history(machine=machine) if store and store.path.exists() else ()

    return history


def _stored(run_id: str | None, store: Results) -> Run:
    """The run to go on with.

    Raises: UsageError: there is none.
    """
    chosen = run_id or store.latest_run_id()
    if chosen is None:
        raise UsageError(f"{store.path} holds no run to resume: csmae-bench run begins one")
    return store.run(chosen)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class _Conduct:
    """One run from its plan to its end."""

    def __init__(
        self,
        prepared: Prepared,
        executor: LocalExecutor,
        *,
        store: Results,
        birth: Provenance,
        deadline: Deadline,
        control: Control,
    ) -> None:
        self._run_id = prepared.plan.run_id
        self._store, self._birth, self._deadline, self._control = store, birth, deadline, control
        self._agenda = Agenda(prepared.plan, prepared.plan.request, prepared.setting, prepared.forecast)
        others = prepared.devices[1:]
        self._crew = Crew(
            {prepared.devices[0]: executor, **{device: LocalExecutor(executor.log_file) for device in others}}
        )
        self._hands: dict[str, Hand] = {}
        self._keeper = Keeper(store)
        self._beaten = 0.0

    def events(self, earlier: tuple[TrialResult, ...]) -> Generator[Event]:
        """Run until nothing is left to do.

        Args:
            earlier: results of the same run that count.
        """
        self._agenda.resume(earlier)
        self._control.bind(self._crew.end)
        stopped = STOPPED_BY_USER
        try:
            while self._begin() or self._hands:
                yield from self._listen()
            stopped = STOPPED_BY_USER if self._control.stopping else self._agenda.stopped
        finally:
            self._end(stopped)
        yield RunFinished(
            run_id=self._run_id,
            completed=self._agenda.completed,
            planned=self._agenda.planned,
            seconds=self._deadline.spent,
            stopped=stopped,
        )

    def _begin(self) -> bool:
        """Start a trial on each free device; whether any was started."""
        started = False
        for device in self._crew.free:
            trial = None if self._control.stopping else self._agenda.next(self._deadline.left)
            if trial is None:
                break
            trial = replace(trial, device=device)
            hand = Hand(trial, number=self._agenda.number(trial), provenance=replace(self._birth, started_at=_now()))
            self._keeper.begin(trial, number=hand.number, provenance=hand.provenance)
            self._crew.start(trial, device, timeout_seconds=self._deadline.within(trial.timeout_seconds))
            self._hands[trial.trial_id] = hand
            started = True
        return started

    def _listen(self) -> Generator[Event]:
        """Take in the next message."""
        if self._deadline.spent - self._beaten > BEAT_SECONDS:
            self._beaten = self._deadline.spent
            self._keeper.beat(self._run_id)
        message = self._crew.receive(BEAT_SECONDS)
        if message is None:
            return
        hand = self._hands[message.trial_id]
        if isinstance(message, Over):
            del self._hands[message.trial_id]
            result = hand.result()
            self._keeper.keep(result)
            if message.error:
                raise message.error
            dropped = self._agenda.add(result)
            yield TrialFinished(result=result)
            yield from dropped
            return
        match message.event:
            case Forked():
                if self._control.stopping:  # asked before there was anybody to ask
                    self._crew.end(message.trial_id)
                yield TrialStarted(plan=hand.trial, number=hand.number, pid=message.event.pid)
            case Probed() | EdgeTried():  # no trial sends them
                return
            case _:
                hand.ledger.add(message.event)
                yield message.event

    def _end(self, stopped: str) -> None:
        """Keep what was running, whatever happened: what it told last may not have been listened to."""
        for hand in self._hands.values():
            hand.ledger.cancel(STOPPED_BY_USER)  # unless it told another ending
        self._crew.close()
        while message := self._crew.receive(0):
            if isinstance(message, Told) and not isinstance(message.event, Forked | Probed | EdgeTried):
                self._hands[message.trial_id].ledger.add(message.event)
        for hand in self._hands.values():
            self._keeper.keep(hand.result())
        self._keeper.settle(self._run_id, finished_at=_now(), stopped=stopped)
        prune(checkpoint_root(), keep_bytes=CHECKPOINT_BYTES)
