"""Executors side by side, one a device: trials run at once, and what they tell comes in one stream."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread

from bench.plan.plan import TrialPlan
from bench.run.executor import Executor, JobEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a trial's executor told."""

    trial_id: str
    event: JobEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """A trial's executor is free again."""

    trial_id: str
    error: BaseException | None
    """What went wrong in the executor itself."""


class Crew:
    """Runs each trial on a free device, in a thread that only waits."""

    def __init__(self, executors: Mapping[str, Executor]) -> None:
        """Take over the executors, which are closed with the crew.

        Args:
            executors: by device, as torch writes it.
        """
        self._executors = dict(executors)
        self._busy: dict[str, tuple[str, Thread]] = {}
        self._told: SimpleQueue[Told | Over] = SimpleQueue()

    @property
    def free(self) -> tuple[str, ...]:
        """Devices without a trial."""
        busy = {device for device, _ in self._busy.values()}
        return tuple(device for device in self._executors if device not in busy)

    def start(self, trial: TrialPlan, device: str, *, timeout_seconds: float) -> None:
        """Run a trial on a free device."""
        thread = Thread(target=self._follow, args=(trial, device, timeout_seconds), daemon=True)
        self._busy[trial.trial_id] = (device, thread)
        thread.start()

    def receive(self, timeout_seconds: float) -> Told | Over | None:
        """What is told next; None when nothing was in this time."""
        try:
            message = self._told.get(timeout=timeout_seconds)
        except Empty:
            return None
        if isinstance(message, Over):
            _, thread = self._busy.pop(message.trial_id)
            thread.join()
        return message

    def end(self, trial_id: str | None, *, grace_seconds: float | None = None) -> None:
        """Ask a trial, or all when None, to end; safe in a signal's handler.

        Args:
            grace_seconds: until it is killed; the executor's own when left out.
        """
        for name, (device, _) in list(self._busy.items()):
            if trial_id in {None, name}:
                executor = self._executors[device]
                executor.stop() if grace_seconds is None else executor.stop(grace_seconds)

    def close(self) -> None:
        """Kill what runs and end the executors."""
        while alive := [thread for _, thread in self._busy.values() if thread.is_alive()]:
            self.end(None, grace_seconds=0)  # again and again: a thread may not have come to its job yet
            alive[0].join(0.05)
        for executor in self._executors.values():
            executor.close()

    def _follow(self, trial: TrialPlan, device: str, timeout_seconds: float) -> None:
        error = None
        try:
            with closing(self._executors[device].run(trial, timeout_seconds=timeout_seconds)) as events:
                for event in events:
                    self._told.put(Told(trial_id=trial.trial_id, event=event))
        except BaseException as raised:  # noqa: BLE001  handed over and raised where it is waited for
            error = raised
        self._told.put(Over(trial_id=trial.trial_id, error=error))
