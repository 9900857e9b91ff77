"""The whole chain on synthetic pairs: from a request to rows in the store."""

import os
import signal
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from bench import session
from bench.errors import BenchError, BudgetError, StoreError, UsageError
from bench.plan.plan import Request
from bench.result import Outcome, TrialResult
from bench.run.events import Event, Planned, Probed, Profiled, RunFinished, StepMeasured, TrialFinished, TrialStarted
from bench.run.prepare import resolve_device
from bench.store.results import Results
from fakes import GPU, HARDWARE

REQUEST = Request(
    data="synthetic:train=32,query=12,archive=20",
    variants=("cecd", "sesd"),
    seeds=2,
    steps=3,
    device="cpu",
    precision="fp32",
    batch_pairs=8,
    k=5,
)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def store(tmp_path: Path) -> Results:
    return Results(tmp_path / "results.duckdb")


E = TypeVar("E", bound=Event)


def of_type(events: list[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def test_a_run_profiles_probes_plans_trains_and_stores(store: Results) -> None:
    events = list(session.run(REQUEST, store))
    assert len(of_type(events, Profiled)) == 1
    assert [event.probe.candidate.variant for event in of_type(events, Probed)] == ["cecd", "sesd"]
    planned = of_type(events, Planned)[0].plan
    assert [event.number for event in of_type(events, TrialStarted)] == [1, 2, 3, 4]
    finished = [event.result for event in of_type(events, TrialFinished)]
    assert [result.outcome for result in finished] == [Outcome.COMPLETED] * 4
    assert events[-1] == replace(
        of_type(events, RunFinished)[0], run_id=planned.run_id, completed=4, planned=4, stopped=""
    )
    assert sorted(store.trials(run_id=planned.run_id), key=lambda r: r.trial_id) == finished
    assert store.run(planned.run_id).stopped == ""


def test_a_dry_run_plans_and_stores_nothing(store: Results) -> None:
    events = list(session.plan(REQUEST))
    assert isinstance(events[-1], Planned)
    assert len(events[-1].plan.trials) == 4
    assert not store.path.exists()


def test_closing_a_run_keeps_what_finished_and_records_what_was_stopped(store: Results) -> None:
    endless = replace(REQUEST, steps=400)
    with closing(session.run(endless, store)) as events:
        for event in events:
            if isinstance(event, StepMeasured):
                break
    (trial,) = store.trials()
    assert trial.outcome is Outcome.CANCELLED
    assert trial.cause == "stopped by the user"
    assert trial.steps_done > 0
    assert store.run(trial.run_id).stopped == "stopped by the user"


def test_a_killed_trial_is_a_row_and_the_run_goes_on(store: Results) -> None:
    for event in session.run(REQUEST, store):
        if isinstance(event, TrialStarted) and event.number == 1:
            os.kill(event.pid, signal.SIGKILL)
    outcomes = [trial.outcome for trial in sorted(store.trials(), key=lambda r: r.trial_id)]
    assert outcomes == [Outcome.FAILED] + [Outcome.COMPLETED] * 3


def test_a_time_budget_without_room_is_refused_before_anything_is_stored(store: Results) -> None:
    with pytest.raises(BudgetError):
        list(session.run(replace(REQUEST, time_budget_seconds=1.0), store))
    assert not store.trials()


def test_a_store_that_cannot_be_written_stops_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    events = session.run(REQUEST, Results(tmp_path / "file" / "results.duckdb"))
    with pytest.raises(BenchError):
        next(events)


@pytest.mark.parametrize(
    ("asked", "gpus", "device"), [("auto", 0, "cpu"), ("auto", 2, "cuda:0"), ("cpu", 2, "cpu"), ("cuda:1", 2, "cuda:1")]
)
def test_a_device_is_found(asked: str, gpus: int, device: str) -> None:
    assert resolve_device(asked, replace(HARDWARE, gpus=(GPU,) * gpus)) == device


@pytest.mark.parametrize(("asked", "gpus"), [("cuda", 0), ("cuda:2", 2), ("tpu", 1), ("cuda:x", 1)])
def test_a_device_that_is_not_there_is_refused_by_its_name(asked: str, gpus: int) -> None:
    with pytest.raises(UsageError, match=asked):
        resolve_device(asked, replace(HARDWARE, gpus=(GPU,) * gpus))


def test_a_trial_that_a_busy_store_does_not_take_is_stored_after_the_next(
    store: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []
    take = store.add_trial

    def busy_once(result: TrialResult) -> None:
        if not refused:
            refused.append(result.trial_id)
            raise StoreError("in use")
        take(result)

    monkeypatch.setattr(store, "add_trial", busy_once)
    events = list(session.run(replace(REQUEST, variants=("cecd",), seeds=2), store))
    assert next(event.result.trial_id for event in of_type(events, TrialFinished)) == refused[0]
    assert len(store.trials()) == 2
