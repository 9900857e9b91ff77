"""The whole chain on synthetic pairs: from a request to rows in the store."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

import duckdb
import msgspec
import pytest

from bench import session
from bench.data.descriptors import descriptor_root
from bench.errors import BenchError, BudgetError, StoreError, UsageError
from bench.plan.plan import Request
from bench.result import Outcome, TrialResult
from bench.run.control import Control
from bench.run.events import (
    CutOff,
    Event,
    Planned,
    Probed,
    Profiled,
    RunFinished,
    StepMeasured,
    TrialFinished,
    TrialStarted,
)
from bench.run.prepare import resolve_devices
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
    baselines=(),
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
    events = list(session.run(replace(REQUEST, baselines=("mae",)), store))
    (profiled,) = of_type(events, Profiled)
    assert len(profiled.queries.places) == 12
    assert store.queries(profiled.dataset.fingerprint) == profiled.queries
    assert [event.probe.candidate.variant for event in of_type(events, Probed)] == ["cecd", "sesd"]
    planned = of_type(events, Planned)[0].plan
    started = [(event.number, event.plan.candidate.variant) for event in of_type(events, TrialStarted)]
    assert started == [(1, "cecd"), (2, "sesd"), (3, "mae"), (4, "cecd"), (5, "sesd")]
    finished = [event.result for event in of_type(events, TrialFinished)]
    assert [result.outcome for result in finished] == [Outcome.COMPLETED] * 5
    assert {folder.name for folder in descriptor_root().iterdir()} == {result.trial_id for result in finished}
    assert events[-1] == replace(
        of_type(events, RunFinished)[0], run_id=planned.run_id, completed=5, planned=5, stopped=""
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
    ("asked", "gpus", "devices"),
    [
        ("auto", 0, ("cpu",)),
        ("auto", 2, ("cuda:0", "cuda:1")),
        ("cpu", 2, ("cpu",)),
        ("cuda", 2, ("cuda:0",)),
        ("cuda:1", 2, ("cuda:1",)),
        ("cuda:1,cuda:0", 2, ("cuda:1", "cuda:0")),
    ],
)
def test_devices_are_found(asked: str, gpus: int, devices: tuple[str, ...]) -> None:
    hardware = replace(HARDWARE, gpus=tuple(replace(GPU, index=index) for index in range(gpus)))
    assert resolve_devices(asked, hardware) == devices


def test_unequal_gpus_are_not_used_at_once_unless_named() -> None:
    small = replace(GPU, index=1, memory_total_bytes=8 * 1024**3)
    hardware = replace(HARDWARE, gpus=(GPU, small))
    assert resolve_devices("auto", hardware) == ("cuda:0",)
    assert resolve_devices("cuda:0,cuda:1", hardware) == ("cuda:0", "cuda:1")


@pytest.mark.parametrize(("asked", "gpus"), [("cuda", 0), ("cuda:2", 2), ("tpu", 1), ("cuda:x", 1)])
def test_a_device_that_is_not_there_is_refused_by_its_name(asked: str, gpus: int) -> None:
    with pytest.raises(UsageError, match=asked):
        resolve_devices(asked, replace(HARDWARE, gpus=(GPU,) * gpus))


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


def stop_when_training(store: Results, request: Request, ask: Callable[[Control], None]) -> list[Event]:
    """A run that is asked something in the middle of its first training."""
    control, events = Control(), []
    for event in session.run(request, store, control=control):
        events.append(event)
        if isinstance(event, StepMeasured) and event.losses.step >= 5 and not control.stopping:
            ask(control)
    return events


def test_a_run_that_is_asked_to_stop_saves_what_it_trains_and_goes_on_from_there(store: Results) -> None:
    request = replace(REQUEST, variants=("cecd",), seeds=1, steps=120)
    events = stop_when_training(store, request, Control.stop)
    finished = of_type(events, RunFinished)[0]
    assert finished.stopped == "stopped by the user"
    (cancelled,) = store.trials(run_id=finished.run_id)
    assert cancelled.outcome is Outcome.CANCELLED
    assert 5 <= cancelled.steps_done < 120

    with duckdb.connect(store.path) as connection:  # as a version left it that did not note them
        connection.execute("DELETE FROM queries")
    again = list(session.resume(finished.run_id, store))
    (profiled,) = of_type(again, Profiled)
    assert store.queries(profiled.dataset.fingerprint) == profiled.queries
    assert of_type(again, RunFinished)[0].stopped == ""
    trials = store.trials(run_id=finished.run_id)
    (resumed,) = (trial for trial in trials if trial.outcome is Outcome.COMPLETED)
    assert resumed.retry_of == cancelled.trial_id
    assert of_type(again, StepMeasured)[0].losses.step <= 120
    assert resumed.costs.train_seconds is not None

    whole = list(session.run(request, Results(store.path.with_name("other.duckdb"))))
    (straight,) = (event.result for event in of_type(whole, TrialFinished))
    assert straight.scores == resumed.scores


def test_one_trial_can_be_ended_and_the_run_goes_on(store: Results) -> None:
    request = replace(REQUEST, variants=("cecd",), seeds=2, steps=120)
    asked: list[str] = []

    def end_it(control: Control) -> None:
        if not asked:
            asked.append("once")
            control.cancel(None)

    events = stop_when_training(store, request, end_it)
    outcomes = [event.result.outcome for event in of_type(events, TrialFinished)]
    assert outcomes == [Outcome.CANCELLED, Outcome.COMPLETED]
    assert of_type(events, RunFinished)[0].stopped == ""


def test_a_killed_run_is_named_on_the_next_start_and_resumed(store: Results, tmp_path: Path) -> None:
    words = [
        "run",
        "--data",
        REQUEST.data,
        "--variants",
        "cecd",
        "--seeds",
        "2",
        "--steps",
        "2000",
        "--batch-pairs",
        "8",
    ]
    words += ["--precision", "fp32", "--k", "5", "--device", "cpu", "--db", str(store.path)]
    program = "from advisor.cli import main; import sys; sys.argv[0] = 'csmae-bench'; main()"
    with (tmp_path / "talk").open("wb") as talk:
        command = [sys.executable, "-c", program, *words]
        process = subprocess.Popen(command, stdout=talk, stderr=talk)
        while not (store.path.exists() and store.runs() and store.query("FROM running", max_rows=1).rows):
            assert process.poll() is None, (tmp_path / "talk").read_text()
            sleep(0.2)
        process.kill()
        process.wait()
    started = session.resume(None, store, time_budget_seconds=600)
    cut = next(started)
    assert isinstance(cut, CutOff)
    assert cut.trials == ("CECD nano seed 0",)
    assert (cut.finished, cut.planned) == (0, 2)
    with closing(started):
        begun = next(event for event in started if isinstance(event, TrialStarted))
    assert begun.plan.retry_of == store.trials()[0].trial_id
    assert store.trials()[0].outcome is Outcome.INTERRUPTED


@pytest.mark.parametrize("budget", [0.5, 3.0])
def test_a_budget_that_ends_before_the_first_trial_is_kept_and_said(store: Results, budget: float) -> None:
    started = monotonic()
    with pytest.raises(BudgetError, match="time budget"):
        list(session.run(replace(REQUEST, time_budget_seconds=budget), store))
    assert monotonic() - started < budget + 2


def test_data_that_changed_are_not_gone_on_with(store: Results) -> None:
    events = list(session.run(replace(REQUEST, variants=("cecd",), seeds=1), store))
    planned = of_type(events, Planned)[0].plan
    other = replace(planned, request=replace(planned.request, data="synthetic:train=40,query=12,archive=20"))
    connection = duckdb.connect(store.path)
    connection.execute("UPDATE runs SET plan = ?", [msgspec.json.encode(other).decode()])
    connection.close()
    with pytest.raises(UsageError, match="new run"):
        list(session.resume(planned.run_id, store))


def test_a_store_without_a_run_has_nothing_to_resume(store: Results) -> None:
    with pytest.raises(UsageError, match="no run to resume"):
        list(session.resume(None, store))
