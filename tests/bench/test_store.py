import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import duckdb
import pytest

import fakes
from bench.errors import StoreError
from bench.result import (
    PROTOCOL,
    ClassScore,
    Costs,
    Losses,
    Outcome,
    Prediction,
    QueryScores,
    Rung,
    TrialResult,
)
from bench.store.results import Results
from bench.store.rows import Row, insert
from bench.store.runs import Run

STARTED = "2026-01-02T03:04:05+00:00"
FINISHED = "2026-01-02T03:09:05+00:00"

RUNGS = tuple(Rung(step=step, seconds=step / 3) for step in (25, 50, 100))
PREDICTIONS = (
    Prediction(quantity="total_seconds", value=12.5, low=10, high=15.25, source="measured", basis='one probe, "here"'),
    Prediction(quantity="peak_memory_bytes", value=2**40 + 1, low=0, high=2**41, source="prior", basis=""),
)
UNEVEN = (
    QueryScores(query="s1", archive="s2", metric="ndcg", k=10, values=(0.25, 1.0, 0.0)),
    QueryScores(query="s1", archive="both", metric="ndcg", k=None, values=()),
    QueryScores(query="s1", archive="s1", metric="ndcg", k=5, values=(1 / 3,)),
    QueryScores(query="s2", archive="s2", metric="partner_mrr", k=None, values=(1e-300, 12345.678)),
)
OF_A_CLASS = ClassScore(
    subject="trained", step=100, query="s1", archive="both", metric="class_map", k=10, label=0, queries=3, value=0.1
)
CLASS_SCORES = (OF_A_CLASS, replace(OF_A_CLASS, label=18, k=None), replace(OF_A_CLASS, subject="thumbnail", step=0))
MARKS = ("another process on the GPU: 4.5 GB", 'a second mark, it\'s "odd"')


def add_run(store: Results, run_id: str, started_at: str = STARTED) -> None:
    store.add_run(
        run_id,
        started_at=started_at,
        command="csmae-bench run",
        hardware=fakes.GPU_HARDWARE,
        dataset=fakes.REAL_DATASET,
        plan=fakes.run_plan(),
    )


@pytest.mark.parametrize(
    "result",
    [
        *(fakes.trial_result(outcome=outcome) for outcome in Outcome),
        fakes.trial_result(dataset=fakes.UNLABELLED_DATASET, size="large", variant="mae"),
        fakes.trial_result(device="cuda:1", precision="bf16", seed=2**40),
        fakes.trial_result(costs=Costs(), losses=(), scores=(), query_scores=(), steps_done=0),
        fakes.trial_result(costs=Costs(parameters=1, peak_memory_bytes=2**40, peak_rss_bytes=2**35, total_seconds=0.1)),
        fakes.trial_result(losses=(Losses(step=1, seconds=0.1, learning_rate=1e-5, total=math.inf, mde=0.25),)),
        fakes.trial_result(cause='exception: it\'s "5" µm; DROP TABLE trials --\nsecond line'),
        fakes.trial_result(costs=Costs(peak_reserved_bytes=2**40, energy_joules=12.5, micro_batches=4)),
        fakes.trial_result(rungs=RUNGS, predictions=PREDICTIONS, marks=MARKS, retry_of="run-cecd-nano-0.1"),
        fakes.trial_result(query_scores=UNEVEN, class_scores=CLASS_SCORES),
        fakes.trial_result(provenance=replace(fakes.PROVENANCE, commit=None, versions={})),
        fakes.trial_result(provenance=replace(fakes.PROVENANCE, started_at="2026-01-02T03:04:05.678901+00:00")),
    ],
    ids=lambda result: f"{result.outcome}-{result.candidate.title}",
)
def test_a_trial_comes_back_as_it_went_in(store: Results, result: TrialResult) -> None:
    store.add_trial(result)
    assert store.trials() == (result,)


def test_a_loss_that_is_no_number_comes_back_as_none(store: Results) -> None:
    row = Losses(step=1, seconds=0.1, learning_rate=1e-3, total=math.nan)
    store.add_trial(fakes.trial_result(outcome=Outcome.DIVERGED, losses=(row,)))
    (found,) = store.trials()
    assert math.isnan(found.losses[0].total)


def test_trials_come_in_the_order_of_their_start_whatever_order_they_were_added_in(store: Results) -> None:
    late, early = (
        fakes.trial_result(seed=seed, provenance=replace(fakes.PROVENANCE, started_at=f"2026-01-0{day}T00:00:00+00:00"))
        for seed, day in ((0, 3), (1, 2))
    )
    store.add_trial(late)
    store.add_trial(early)
    assert store.trials() == (early, late)


def test_trials_are_chosen_by_run_data_and_protocol(store: Results) -> None:
    here = fakes.trial_result(seed=0)
    other_run = fakes.trial_result(seed=1, run_id="other")
    other_data = fakes.trial_result(seed=2, dataset=fakes.REAL_DATASET)
    other_rules = fakes.trial_result(seed=3, provenance=replace(fakes.PROVENANCE, protocol=PROTOCOL + 1))
    for result in (here, other_run, other_data, other_rules):
        store.add_trial(result)
    assert store.trials() == (here, other_run, other_data)
    assert store.trials(run_id="other") == (other_run,)
    assert store.trials(fingerprint=fakes.REAL_DATASET.fingerprint) == (other_data,)
    assert store.trials(protocol=PROTOCOL + 1) == (other_rules,)
    assert len(store.trials(protocol=None)) == 4
    assert store.trials(run_id="nobody") == ()


def test_a_trial_that_is_there_already_stays_as_it_is(store: Results) -> None:
    first = fakes.trial_result(cross=0.3)
    store.add_trial(first)
    store.add_trial(fakes.trial_result(cross=0.9))
    assert store.trials() == (first,)
    counts = store.query(
        "SELECT (SELECT count(*) FROM losses), (SELECT count(*) FROM scores), (SELECT count(*) FROM query_scores)",
        max_rows=1,
    )
    assert counts.rows == ((len(first.losses), len(first.scores), len(first.query_scores)),)


def test_a_trial_is_stored_whole_or_not_at_all(store: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_at_scores(connection: duckdb.DuckDBPyConnection, table: str, rows: list[Row]) -> None:
        if table == "scores":
            raise KeyboardInterrupt
        insert(connection, table, rows)

    with monkeypatch.context() as patch:
        patch.setattr("bench.store.trials.insert", fail_at_scores)
        with pytest.raises(KeyboardInterrupt):
            store.add_trial(fakes.trial_result())
    assert store.query("SELECT * FROM trials JOIN losses USING (trial_id)", max_rows=1).rows == ()
    store.add_trial(fakes.trial_result())
    assert store.trials() == (fakes.trial_result(),)


def test_the_history_of_a_machine_is_what_it_showed_it_can_do_without_curves_and_scores(store: Results) -> None:
    def trial(seed: int, **changes: Any) -> TrialResult:  # noqa: ANN401  as for fakes.trial_result
        day = replace(fakes.PROVENANCE, started_at=f"2026-01-0{seed + 1}T00:00:00+00:00")
        return fakes.trial_result(seed=seed, **{"provenance": day, **changes})

    done = trial(0, rungs=RUNGS, predictions=PREDICTIONS)
    full = trial(1, outcome=Outcome.OUT_OF_MEMORY, predictions=PREDICTIONS[:1])
    elsewhere = trial(2, provenance=replace(fakes.PROVENANCE, machine="another"))
    others = [outcome for outcome in Outcome if outcome not in {Outcome.COMPLETED, Outcome.OUT_OF_MEMORY}]
    for result in (done, full, elsewhere, *(trial(3 + at, outcome=outcome) for at, outcome in enumerate(others))):
        store.add_trial(result)
    bare = [replace(result, losses=(), scores=(), query_scores=(), rungs=()) for result in (full, done)]
    assert store.history(machine=fakes.HARDWARE.id) == tuple(bare)
    assert store.history(machine=fakes.HARDWARE.id, limit=1) == (bare[0],)
    assert store.history(machine="nobody") == ()


def test_the_history_follows_one_set_of_rules(store: Results) -> None:
    other = fakes.trial_result(provenance=replace(fakes.PROVENANCE, protocol=PROTOCOL + 1))
    store.add_trial(other)
    assert store.history(machine=fakes.HARDWARE.id) == ()
    assert len(store.history(machine=fakes.HARDWARE.id, protocol=None)) == 1


def test_a_run_is_kept_with_its_machine_data_and_plan(store: Results) -> None:
    add_run(store, "run")
    running = Run(
        run_id="run",
        started_at=STARTED,
        finished_at=None,
        stopped="",
        command="csmae-bench run",
        hardware=fakes.GPU_HARDWARE,
        dataset=fakes.REAL_DATASET,
        plan=fakes.run_plan(),
    )
    assert store.run("run") == running
    store.finish_run("run", finished_at=FINISHED, stopped="stopped by the user")
    assert store.run("run") == replace(running, finished_at=FINISHED, stopped="stopped by the user")


def test_a_run_that_is_there_already_stays_as_it_is(store: Results) -> None:
    add_run(store, "run")
    store.finish_run("run", finished_at=FINISHED, stopped="")
    add_run(store, "run", started_at=FINISHED)
    assert [(run.started_at, run.finished_at) for run in store.runs()] == [(STARTED, FINISHED)]


def test_the_newest_run_comes_first(store: Results) -> None:
    for run_id, day in (("b", 2), ("c", 3), ("a", 1)):
        add_run(store, run_id, started_at=f"2026-01-0{day}T00:00:00+00:00")
    assert [run.run_id for run in store.runs()] == ["c", "b", "a"]
    assert store.latest_run_id() == "c"


def test_a_new_store_holds_nothing(store: Results) -> None:
    assert store.trials() == ()
    assert store.runs() == ()
    assert store.latest_run_id() is None


def test_a_run_that_is_not_there_is_named(store: Results) -> None:
    with pytest.raises(StoreError, match=r"results\.duckdb holds no run x1"):
        store.run("x1")
    with pytest.raises(StoreError, match=r"results\.duckdb holds no run x1"):
        store.finish_run("x1", finished_at=FINISHED, stopped="")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("UPDATE runs SET hardware = '{}'", "run run "),
        ("UPDATE trials SET outcome = 'exploded'", "trial run-cecd-nano-0 "),
        ('UPDATE trials SET model = \'{"encoder": "common"}\'', "trial run-cecd-nano-0 "),
    ],
)
def test_rows_of_an_unknown_form_are_refused_in_words(store: Results, damage: str, named: str) -> None:
    add_run(store, "run")
    store.add_trial(fakes.trial_result())
    with duckdb.connect(store.path) as connection:
        connection.execute(damage)
    with pytest.raises(StoreError, match=f"{named}is stored in a form that this version cannot read"):
        (store.runs(), store.trials())


def test_threads_of_one_process_take_turns(store: Results) -> None:
    added = [fakes.trial_result(seed=seed) for seed in range(6)]
    with ThreadPoolExecutor(4) as pool:
        written = [pool.submit(store.add_trial, result) for result in added]
        asked = [pool.submit(store.query, "FROM leaderboard", max_rows=1) for _ in range(4)]
        read = [pool.submit(store.trials) for _ in range(4)]
    assert all(future.exception() is None for future in written)
    assert all(future.exception() is None for future in asked)
    assert all(future.exception() is None for future in read)
    assert store.trials() == tuple(added)
