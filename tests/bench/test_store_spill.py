import logging
import math
import os
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest

import fakes
from bench.errors import StoreError
from bench.result import Losses, Outcome, Prediction, Rung
from bench.store import file, spill
from bench.store.results import Results


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for the user's state of this test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


FULL = fakes.trial_result(
    rungs=(Rung(step=50, seconds=2.5), Rung(step=100, seconds=5.0)),
    predictions=(
        Prediction(quantity="step_seconds", value=0.05, low=0.04, high=0.06, source="calibrated", basis="made up"),
    ),
    marks=("another process on the GPU",),
    retry_of="run-0",
)


def test_a_trial_that_the_store_did_not_take_is_there_once_after_the_next_start(store: Results) -> None:
    with file.opened(store.path, patience_seconds=0), pytest.raises(StoreError, match="in use"):
        Results(store.path, patience_seconds=0).add_trial(FULL)
    waits = store.spill(FULL)
    assert waits == store.path.parent / "results.duckdb.waiting" / f"{FULL.trial_id}.json"
    for _ in range(2):
        store.check()
        assert store.trials() == (FULL,)
    assert list(store.path.parent.iterdir()) == [store.path]


def test_a_sweep_takes_in_what_waits_before_it_judges(store: Results) -> None:
    store.spill(FULL)
    assert store.sweep() == ()
    assert store.trials() == (FULL,)
    assert spill.waiting(store.path) == ()


def test_a_trial_that_is_there_already_is_not_doubled(store: Results) -> None:
    store.add_trial(FULL)
    store.spill(FULL)
    store.check()
    assert store.trials() == (FULL,)
    assert spill.waiting(store.path) == ()


def test_losses_that_are_no_numbers_survive(store: Results) -> None:
    rows = tuple(
        Losses(step=step, seconds=0.1, learning_rate=1e-3, total=loss)
        for step, loss in enumerate((math.inf, -math.inf, math.nan), start=1)
    )
    store.spill(fakes.trial_result(outcome=Outcome.DIVERGED, losses=rows))
    store.check()
    (found,) = store.trials()
    assert [str(row.total) for row in found.losses] == ["inf", "-inf", "nan"]


def test_where_the_store_lies_in_a_folder_that_takes_no_files_the_trial_waits_among_the_state(
    store: Results, tmp_path: Path
) -> None:
    (tmp_path / "results.duckdb.waiting").write_text("no folder")
    waits = store.spill(FULL)
    assert waits.is_relative_to(tmp_path / "state" / "csmae-advisor" / "waiting")
    store.check()
    assert store.trials() == (FULL,)
    assert not waits.exists()


def test_the_state_of_another_store_is_left_alone(store: Results, tmp_path: Path) -> None:
    (tmp_path / "results.duckdb.waiting").write_text("no folder")
    waits = store.spill(FULL)
    other = Results(tmp_path / "other.duckdb")
    other.check()
    assert other.trials() == ()
    assert waits.exists()


def test_without_any_place_the_trial_is_named(store: Results, tmp_path: Path) -> None:
    (tmp_path / "results.duckdb.waiting").write_text("no folder")
    (tmp_path / "state").write_text("no folder")
    with pytest.raises(StoreError, match=r"results\.duckdb does not take trial run-cecd-nano-0, and no file for it"):
        store.spill(FULL)


def test_files_that_are_no_trials_stay_where_they_are_and_are_named(
    store: Results, caplog: pytest.LogCaptureFixture
) -> None:
    folder = store.spill(fakes.trial_result(seed=1)).parent
    texts = {folder / f"{number}.json": text for number, text in enumerate(("", "{", "[]", '{"seed": 1}', "\0"))}
    for torn, text in texts.items():
        torn.write_text(text)
    with caplog.at_level(logging.WARNING):
        store.check()
    assert [trial.seed for trial in store.trials()] == [1]
    assert {torn: torn.read_text() for torn in folder.iterdir()} == texts
    assert all(f"{torn} holds no trial that this version can read" in caplog.text for torn in texts)


def test_a_file_is_there_whole_or_not_at_all(store: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        store.spill(FULL)
    assert [found for found in store.path.parent.rglob("*") if found.is_file()] == [store.path]


def test_a_half_written_file_is_not_taken_in(store: Results) -> None:
    store.spill(FULL)
    with NamedTemporaryFile("w", dir=store.path.parent / "results.duckdb.waiting", prefix=".") as half:
        half.write("{")
        half.flush()
        store.check()
    assert store.trials() == (FULL,)


def test_another_process_may_be_first(store: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = store.spill(FULL)
    monkeypatch.setattr(spill, "waiting", lambda _: (waits.with_name("gone.json"), waits))
    store.check()
    assert store.trials() == (FULL,)


def test_a_spilled_trial_replaces_the_row_that_says_it_was_cut_off(store: Results) -> None:
    store.add_trial(
        replace(FULL, outcome=Outcome.INTERRUPTED, cause="cut off", losses=(), scores=(), query_scores=(), rungs=())
    )
    store.spill(FULL)
    store.check()
    assert store.trials() == (FULL,)
