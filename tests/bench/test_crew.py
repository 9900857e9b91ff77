"""Trials side by side on executors that are played."""

from collections.abc import Generator
from dataclasses import replace
from threading import Event

import pytest

from bench.result import Outcome
from bench.run.crew import Crew, Over, Told
from bench.run.events import Ended, PhaseEntered
from bench.run.executor import JobEvent
from bench.run.wire import Job
from fakes import trial_plan, trial_result

FIRST = trial_plan(trial_result(trial_id="a"))
SECOND = replace(FIRST, trial_id="b")


class Played:
    """An executor whose trial ends when it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.stopped, self.closed = Event(), False
        self.error = error

    def run(self, job: Job, *, timeout_seconds: float) -> Generator[JobEvent]:  # noqa: ARG002  the protocol's
        assert not isinstance(job, str)
        trial_id = getattr(job, "trial_id", "")
        yield PhaseEntered(trial_id=trial_id, phase="training")
        if self.error:
            raise self.error
        assert self.stopped.wait(10)
        yield Ended(trial_id=trial_id, outcome=Outcome.CANCELLED, cause="")

    def stop(self, grace_seconds: float = 10.0) -> None:  # noqa: ARG002  the protocol's
        self.stopped.set()

    def close(self) -> None:
        self.closed = True


def received(crew: Crew, count: int) -> list[Told | Over]:
    messages = [crew.receive(10) for _ in range(count)]
    assert None not in messages
    return [message for message in messages if message]


def test_two_devices_run_two_trials_at_once_and_each_is_told_apart() -> None:
    executors = {"cuda:0": Played(), "cuda:1": Played()}
    crew = Crew(executors)
    crew.start(FIRST, "cuda:0", timeout_seconds=10)
    assert crew.free == ("cuda:1",)
    crew.start(SECOND, "cuda:1", timeout_seconds=10)
    assert not crew.free
    assert {message.trial_id for message in received(crew, 2)} == {"a", "b"}  # both are training
    crew.end("b")
    told, over = received(crew, 2)
    assert (told.trial_id, over.trial_id) == ("b", "b")
    assert isinstance(over, Over)
    assert crew.free == ("cuda:1",)
    assert not executors["cuda:0"].stopped.is_set()
    crew.close()
    assert all(executor.closed for executor in executors.values())


def test_closing_ends_what_runs() -> None:
    executor = Played()
    crew = Crew({"cpu": executor})
    crew.start(FIRST, "cpu", timeout_seconds=10)
    crew.close()
    assert executor.stopped.is_set()
    assert executor.closed


def test_an_error_of_the_executor_reaches_whoever_listens() -> None:
    crew = Crew({"cpu": Played(RuntimeError("gone"))})
    crew.start(FIRST, "cpu", timeout_seconds=10)
    _, over = received(crew, 2)
    assert isinstance(over, Over)
    assert str(over.error) == "gone"
    crew.close()


def test_waiting_has_an_end() -> None:
    crew = Crew({"cpu": Played()})
    assert crew.receive(0.01) is None
    crew.close()


@pytest.mark.parametrize("trial_id", [None, "nobody"])
def test_ending_nobody_changes_nothing(trial_id: str | None) -> None:
    crew = Crew({"cpu": Played()})
    crew.end(trial_id)
    assert crew.free == ("cpu",)
    crew.close()
