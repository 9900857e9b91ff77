from dataclasses import replace

import duckdb
import msgspec
import pytest

import fakes
from bench.errors import StoreError
from bench.plan.plan import TrialPlan
from bench.result import Candidate, Costs, Outcome, Prediction, TrialResult
from bench.store.lease import this_process
from bench.store.results import Results
from bench.store.sweep import STOPPED, Cut, Interrupted

STARTED = "2026-01-02T03:04:05+00:00"
HEARD = "2026-01-02T03:09:05+00:00"
PREDICTION = Prediction(
    quantity="total_seconds", value=7.0, low=5.0, high=9.0, source="prior", basis="a formula, made up"
)


def trial(seed: int, *, run_id: str = "run", variant: str = "secd") -> TrialResult:
    return fakes.trial_result(
        variant=variant, seed=seed, run_id=run_id, trial_id=f"{run_id}-{variant}-{seed}", predictions=(PREDICTION,)
    )


def begin_run(store: Results, run_id: str = "run", started_at: str = STARTED) -> None:
    store.add_run(
        run_id,
        started_at=started_at,
        command=f"csmae-bench run --db {run_id}",
        hardware=fakes.HARDWARE,
        dataset=fakes.DATASET,
        plan=fakes.run_plan(*(trial(seed) for seed in range(6))),
    )


def begin(store: Results, result: TrialResult, number: int = 1) -> TrialPlan:
    plan = fakes.trial_plan(result)
    store.begin_trial(plan, number=number, provenance=fakes.PROVENANCE)
    return plan


def kill(store: Results, run_id: str = "run") -> None:
    """Make the run that of a process of this host that is gone."""
    gone = replace(this_process(), began="1")
    update(store, "holder = ?, heartbeat_at = '2026-01-02 03:09:05'", run_id, msgspec.json.encode(gone).decode())


def update(store: Results, what: str, run_id: str, *values: object) -> None:
    with duckdb.connect(store.path) as connection:
        connection.execute(f"UPDATE runs SET {what} WHERE run_id = ?", [*values, run_id])  # noqa: S608  ours


def rows(store: Results, sql: str) -> tuple[tuple[object, ...], ...]:
    return store.query(sql, max_rows=99).rows


def test_what_a_killed_run_left_is_named_once(store: Results) -> None:
    begin_run(store)
    finished = trial(0)
    begin(store, finished)
    store.add_trial(finished)
    begin(store, trial(1), number=2)
    kill(store)
    assert store.sweep() == (
        Interrupted(
            run_id="run",
            command="csmae-bench run --db run",
            heard_at=HEARD,
            finished=1,
            planned=6,
            cut=(Cut(trial_id="run-secd-1", candidate=Candidate(variant="secd", size="nano"), seed=1),),
        ),
    )
    assert store.sweep() == ()
    assert [(kept.seed, kept.outcome) for kept in store.trials()] == [(0, "completed"), (1, "interrupted")]


def test_a_cut_off_trial_is_a_row_with_all_that_its_plan_tells(store: Results) -> None:
    begin_run(store)
    plan = begin(store, replace(trial(1), retry_of="run-secd-0"))
    kill(store)
    store.sweep()
    (found,) = store.trials()
    assert found == replace(
        trial(1),
        outcome=Outcome.INTERRUPTED,
        cause=f"cut off together with its run: process {this_process().pid} ended without a word, "
        "last heard of at 2026-01-02 03:09:05 UTC",
        steps_done=0,
        costs=Costs(),
        losses=(),
        scores=(),
        query_scores=(),
        retry_of="run-secd-0",
    )
    assert found.predictions == plan.predictions


def test_a_swept_run_ends_when_it_was_last_heard_of(store: Results) -> None:
    begin_run(store)
    kill(store)
    store.sweep()
    assert (store.run("run").finished_at, store.run("run").stopped) == (HEARD, STOPPED)
    assert rows(store, "SELECT holder, heartbeat_at FROM runs") == ((None, None),)


def test_a_run_whose_process_lives_is_left_alone_however_long_it_is_silent(store: Results) -> None:
    begin_run(store)
    begin(store, trial(0))
    update(store, "heartbeat_at = '2020-01-01'", "run")
    assert store.sweep() == ()
    assert store.run("run").finished_at is None
    assert rows(store, "SELECT trial_id FROM running") == (("run-secd-0",),)


def test_a_run_on_another_machine_is_cut_off_after_a_quarter_of_an_hour_of_silence(store: Results) -> None:
    begin_run(store)
    begin(store, trial(0))
    away = msgspec.json.encode(replace(this_process(), host="another", pid=7)).decode()
    update(store, "holder = ?, heartbeat_at = (now() AT TIME ZONE 'UTC') - INTERVAL 14 MINUTE", "run", away)
    assert store.sweep() == ()
    update(store, "heartbeat_at = heartbeat_at - INTERVAL 2 MINUTE", "run")
    (found,) = store.sweep()
    assert [cut.seed for cut in found.cut] == [0]
    assert store.trials()[0].cause.startswith("cut off together with its run: process 7 on another machine ended")


def test_a_beat_keeps_a_run_on_another_machine(store: Results) -> None:
    begin_run(store)
    away = msgspec.json.encode(replace(this_process(), host="another")).decode()
    update(store, "holder = ?, heartbeat_at = '2026-01-02'", "run", away)
    store.beat("run")
    assert store.sweep() == ()
    assert rows(store, "SELECT holder ->> 'host' FROM runs") == (("another",),)


def test_a_beat_does_not_open_a_run_that_has_ended(store: Results) -> None:
    begin_run(store)
    store.finish_run("run", finished_at=HEARD, stopped="")
    store.beat("run")
    assert store.run("run").finished_at == HEARD
    assert rows(store, "SELECT holder, heartbeat_at FROM runs") == ((None, None),)


def test_runs_are_told_the_oldest_first_and_only_those_that_were_cut_off(store: Results) -> None:
    for run_id, day in (("late", 4), ("early", 2), ("ended", 1), ("live", 3)):
        begin_run(store, run_id, started_at=f"2026-01-0{day}T00:00:00+00:00")
        begin(store, trial(day, run_id=run_id))
    for run_id in ("late", "early"):
        kill(store, run_id)
    store.finish_run("ended", finished_at=HEARD, stopped="")
    found = store.sweep()
    assert [(run.run_id, [cut.seed for cut in run.cut]) for run in found] == [("early", [2]), ("late", [4])]
    assert rows(store, "SELECT run_id FROM running") == (("live",),)


def test_several_trials_in_hand_are_told_in_the_order_of_the_plan(store: Results) -> None:
    begin_run(store)
    for number, seed in ((3, 0), (1, 2), (2, 1)):
        begin(store, trial(seed), number=number)
    kill(store)
    (found,) = store.sweep()
    assert [cut.seed for cut in found.cut] == [2, 1, 0]


def test_a_run_that_died_after_its_last_trial_has_lost_nothing(store: Results) -> None:
    begin_run(store)
    begin(store, trial(0))
    store.add_trial(trial(0))
    kill(store)
    (found,) = store.sweep()
    assert (found.finished, found.cut) == (1, ())
    assert store.trials() == (trial(0),)


def test_a_trial_that_was_taken_for_dead_knows_better(store: Results) -> None:
    begin_run(store)
    begin(store, trial(0))
    kill(store)
    store.sweep()
    store.add_trial(trial(0))
    assert store.trials() == (trial(0),)
    begin(store, trial(1))
    assert store.run("run").finished_at is None
    assert rows(store, "SELECT (holder ->> 'pid')::INTEGER FROM runs") == ((this_process().pid,),)
    store.finish_run("run", finished_at=HEARD, stopped="")
    assert (store.run("run").finished_at, store.run("run").stopped) == (HEARD, "")


def test_a_trial_is_begun_again_under_its_own_name(store: Results) -> None:
    begin_run(store)
    begin(store, trial(0), number=1)
    begin(store, trial(0), number=2)
    assert rows(store, "SELECT trial_id, number FROM running") == (("run-secd-0", 2),)


def test_a_trial_of_no_run_is_not_begun(store: Results) -> None:
    with pytest.raises(StoreError, match=r"results\.duckdb holds no run run"):
        begin(store, trial(0))


def test_a_run_that_has_ended_has_nothing_in_hand(store: Results) -> None:
    begin_run(store)
    begin(store, trial(0))
    store.finish_run("run", finished_at=HEARD, stopped="stopped by the user")
    assert rows(store, "SELECT count(*) FROM running") == ((0,),)
    assert store.sweep() == ()


def test_a_plan_in_hand_of_an_unknown_form_is_refused_in_words_and_left_alone(store: Results) -> None:
    begin_run(store)
    begin(store, trial(0))
    kill(store)
    with duckdb.connect(store.path) as connection:
        connection.execute("UPDATE running SET plan = '{}'")
    with pytest.raises(StoreError, match="trial run-secd-0 is stored in a form that this version cannot read"):
        store.sweep()
    assert store.run("run").finished_at is None
