from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

import fakes
from bench.errors import StoreError
from bench.result import Outcome, Rung
from bench.store import file, schema
from bench.store.results import Results


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.duckdb"


def older(path: Path, version: int) -> None:
    """A store as the tool of that schema left it."""
    file.create(path)
    with duckdb.connect(path) as connection:
        for number, script in enumerate(schema.migrations()[:version], start=1):
            connection.execute(script)
            connection.execute("INSERT INTO schema_version VALUES (?, '2026-01-01')", [number])


@pytest.mark.parametrize("version", range(len(schema.migrations()) + 1))
def test_an_older_store_is_brought_up_to_date_by_whoever_comes(path: Path, version: int) -> None:
    older(path, version)
    assert Results(path).trials() == ()
    Results(path).add_trial(fakes.trial_result())
    assert Results(path).query("FROM leaderboard", max_rows=1).rows
    versions = Results(path).query("SELECT version FROM schema_version ORDER BY version", max_rows=99).rows
    assert versions == tuple((number,) for number in range(1, len(schema.migrations()) + 1))


@pytest.mark.parametrize("version", [1, 2])
def test_what_older_versions_stored_is_read_with_the_defaults_of_what_they_did_not_know(
    path: Path, version: int
) -> None:
    older(path, version)
    with duckdb.connect(path) as connection:
        connection.execute(Path(__file__).with_name("store_of_version_2.sql").read_text())
    store = Results(path)
    done, full = store.trials()
    shown = fakes.trial_result()
    assert done == replace(
        shown,
        run_id="done",
        losses=shown.losses[:2],
        scores=tuple(s for s in shown.scores if s.metric == "f1_of_means" and s.query != s.archive),
        query_scores=shown.query_scores[:1],
    )
    assert (done.rungs, done.predictions, done.marks, done.retry_of) == ((), (), (), None)
    assert (done.costs.peak_reserved_bytes, done.costs.energy_joules, done.costs.micro_batches) == (None, None, 1)
    assert (full.outcome, full.run_id) == (Outcome.OUT_OF_MEMORY, "open")
    assert [len(run.plan.trials) for run in store.runs()] == [2, 2]
    assert store.run("done").plan.trials[0].predictions == ()


def test_a_run_that_an_older_version_left_open_ended_with_its_last_trial(path: Path) -> None:
    older(path, 2)
    with duckdb.connect(path) as connection:
        connection.execute(Path(__file__).with_name("store_of_version_2.sql").read_text())
    store = Results(path)
    (found,) = store.sweep()
    assert (found.run_id, found.finished, found.planned, found.cut) == ("open", 1, 2, ())
    assert found.heard_at == "2026-01-02T03:04:09.500000+00:00"  # the trial's start and its 4.5 s
    assert store.run("open").finished_at == found.heard_at
    assert store.run("done").finished_at == "2026-01-02T03:10:00+00:00"


def test_what_version_4_stored_is_read_whole_and_shown_by_the_views_of_today(path: Path) -> None:
    older(path, 4)
    with duckdb.connect(path) as connection:
        connection.execute(Path(__file__).with_name("store_of_version_4.sql").read_text())
    store = Results(path)
    first, second = store.trials()
    shown = fakes.trial_result()
    for trial, seed, cross in ((first, 0, 0.36), (second, 1, 0.37)):
        assert (trial.trial_id, trial.seed, trial.model) == (f"done-0{seed + 1}", seed, shown.model)
        assert trial.losses == shown.losses[:2]
        assert trial.rungs == (Rung(step=50, seconds=2.5), Rung(step=100, seconds=5.0))
        assert [(told.value, told.basis) for told in trial.predictions] == [(6.5, "12 trials here")]
        assert trial.score("s1", "s2", "f1_of_means") == cross
        assert trial.score("s2", "s1", "f1_of_means", subject="chance") == 0.15
        assert trial.score("s2", "s1", "f1_of_means", subject="thumbnail") is None
        assert [(s.query, s.archive, s.metric, s.k) for s in trial.query_scores] == [
            ("s1", "s2", "mean_pairwise_f1", 10),
            ("s2", "s1", "mean_pairwise_f1", 10),
        ]
        for scores in trial.query_scores:
            assert scores.values == pytest.approx([0.9 * cross * (0.8 if number % 2 else 1.2) for number in range(8)])
        assert trial.class_scores == ()
    assert (first.marks, second.marks) == ((), ("another process on the GPU: 4.5 GB",))
    assert [edge.batch_pairs for edge in store.edge_tries()] == [64]
    assert (store.queries(fakes.DATASET.fingerprint), store.index_measurements()) == (None, ())
    (cut,) = store.sweep()
    assert (cut.run_id, [trial.trial_id for trial in cut.cut]) == ("open", ["open-01"])
    query = "SELECT query, archive, metric, avg(value) FROM query_results GROUP BY ALL ORDER BY query"
    assert [row[:3] for row in store.query(query, max_rows=9).rows] == [
        ("s1", "s2", "mean_pairwise_f1"),
        ("s2", "s1", "mean_pairwise_f1"),
    ]
    (row,) = store.query("SELECT mean, seeds FROM leaderboard WHERE metric = 'f1_of_means'", max_rows=9).rows
    assert row == (pytest.approx(0.365), 2)
    # what is stored now joins what was there
    store.add_trial(replace(first, trial_id="new", seed=2))
    assert store.trials(run_id="done")[-1].query_scores == first.query_scores


def test_a_migration_that_fails_leaves_the_store_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Results(path).add_trial(fakes.trial_result())
    known = schema.migrations()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "migrations", lambda: (*known, "CREATE TABLE extra (a INTEGER)", "SELECT nonsense"))
        with pytest.raises(StoreError, match=r"results\.duckdb: Binder Error: .*nonsense"):
            Results(path).check()
    assert Results(path).trials() == (fakes.trial_result(),)
    assert not Results(path).query("SELECT 1 FROM duckdb_tables() WHERE table_name = 'extra'", max_rows=1).rows


def test_a_newer_store_is_refused_in_words_and_left_alone(path: Path) -> None:
    store = Results(path)
    store.check()
    newer = len(schema.migrations()) + 1
    with duckdb.connect(path) as connection:
        connection.execute("INSERT INTO schema_version VALUES (?, '2027-01-01')", [newer])
    for act in (store.check, store.trials, store.runs, lambda: store.add_trial(fakes.trial_result())):
        with pytest.raises(StoreError, match=rf"newer csmae-advisor \(schema {newer}, this one knows {newer - 1}\)"):
            act()
    assert store.query("SELECT count(*) FROM trials", max_rows=1).rows == ((0,),)


def test_the_numbers_of_the_migrations_have_no_gap() -> None:
    names = sorted(script.name for script in (Path(schema.__file__).parent / "migrations").iterdir())
    assert [int(name.partition("_")[0]) for name in names] == list(range(1, len(names) + 1))
