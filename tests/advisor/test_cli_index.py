"""csmae-bench index: what is printed, stored and returned for measurements that are known."""

import json
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fakes
import index_fakes
from bench.errors import BenchError, DataError, ExitCode
from bench.index.records import IndexPlan
from bench.index.wire import IndexProgress, IndexSkipped
from bench.plan.index import IndexMeasurement
from bench.result import Outcome
from bench.store.results import Results
from index_fakes import measured

Ask = Callable[..., Any]

REAL = tuple(
    replace(one, trial_id="run-cecd-nano-0", tool_version="0.1.0")
    for size in (50, 104, 400)
    for one in (
        measured("exact", 0, size, seconds=1e-7 * size, recall=1.0),
        measured("hnsw", 16, size, seconds=2e-5, recall=0.9),
        measured("hnsw", 64, size, seconds=5e-5, recall=0.998, error=0.0005),
    )
)
SKIPPED = IndexSkipped(what="OPQ IVF-PQ over 400 real descriptors", reason="it needs 9,984 to learn from")


@pytest.fixture
def descriptors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where trials leave descriptors."""
    root = tmp_path / "descriptors"
    root.mkdir()
    monkeypatch.setattr("advisor.cli.indexes.descriptor_root", lambda: root)
    return root


@pytest.fixture
def trials(store: Results, descriptors: Path) -> Results:
    """A run on synthetic data with two trials, of which the older left descriptors, and one that failed."""
    results = (
        fakes.trial_result(),
        fakes.trial_result(seed=1, provenance=replace(fakes.PROVENANCE, started_at="2026-01-03T03:04:05+00:00")),
        fakes.trial_result(variant="sesd", outcome=Outcome.FAILED),
    )
    store.add_run(
        "run",
        started_at="2026-01-02T03:04:05+00:00",
        command="csmae-bench run",
        hardware=fakes.HARDWARE,
        dataset=fakes.DATASET,
        plan=fakes.run_plan(*results),
    )
    for result in results:
        store.add_trial(result)
    for left in (results[0], results[2]):
        (descriptors / left.trial_id).mkdir()
    return store


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[IndexPlan]]:
    """Let the process that measures tell these events; an exception among them ends it there."""

    def set_up(*events: IndexMeasurement | IndexSkipped | BaseException) -> list[IndexPlan]:
        asked: list[IndexPlan] = []

        def launch(plan: IndexPlan, *, log_file: Path) -> Generator[object]:
            assert log_file.name == "index.log"
            asked.append(plan)
            yield IndexProgress(what="HNSW over 400 real descriptors")
            for event in events:
                if isinstance(event, BaseException):
                    raise event
                yield event

        monkeypatch.setattr("advisor.cli.indexes.launch", launch)
        return asked

    return set_up


def test_kinds_are_rows_and_the_advice_is_marked(ask: Ask, measure: Ask, trials: Results) -> None:
    measure(*REAL, SKIPPED)
    answer = ask("index", "--db", str(trials.path), "--archive-size", "1000")
    assert answer.code == ExitCode.DONE
    lines = answer.out.splitlines()
    assert lines[0] == "Searching with CECD nano on synthetic data, trial run-cecd-nano-0"
    assert "Measured on 400 real descriptors of 32 dimensions" in lines
    assert "At 1,000 images" in lines
    assert any(line.split() == ["efSearch", "16", "90.0", "±", "0.2", "0.02"] for line in lines)
    assert any(line.startswith("→  Search exactly: ") for line in lines)
    assert "OPQ IVF-PQ over 400 real descriptors was not measured" in answer.out
    assert "HNSW over 400 real descriptors ..." in answer.err


def test_no_line_is_wider_than_a_terminal(
    ask: Ask, measure: Ask, trials: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    measure(*REAL)
    answer = ask("index", "--db", str(trials.path), "-q")
    assert sum(line.startswith("  efSearch") and "[" in line for line in answer.out.splitlines()) == 2
    assert max(len(line) for line in answer.out.splitlines()) <= 80
    assert answer.err == ""


def test_every_pair_of_the_data_set_is_an_image_of_the_archive(ask: Ask, measure: Ask, trials: Results) -> None:
    asked = measure(*REAL)
    ask("index", "--db", str(trials.path))
    (plan,) = asked
    assert (plan.trial_id, plan.items) == ("run-cecd-nano-0", 64 + 8 + 32)
    assert plan.directions == (("s1", "s2"), ("s2", "s1"))


def test_what_was_measured_is_kept(ask: Ask, measure: Ask, trials: Results) -> None:
    measure(*REAL)
    ask("index", "--db", str(trials.path))
    assert sorted(trials.index_measurements("run-cecd-nano-0"), key=repr) == sorted(REAL, key=repr)


def test_the_document_holds_advice_and_measurements(ask: Ask, measure: Ask, trials: Results) -> None:
    measure(*REAL, SKIPPED)
    answer = ask("index", "run-cecd-nano-0", "--db", str(trials.path), "--json", "--latency", "0.08")
    document = json.loads(answer.out)
    assert (document["command"], document["status"], document["warnings"]) == ("index", "done", [SKIPPED.words])
    data = document["data"]
    assert data["synthetic"] is True
    assert len(data["measurements"]) == len(REAL)
    assert data["advice"]["need"] == {"items": 104, "recall": 0.95, "latency_seconds": pytest.approx(8e-5)}
    assert data["advice"]["chosen"]["kind"] == "exact"


@pytest.mark.parametrize(
    ("ending", "code"),
    [(KeyboardInterrupt(), ExitCode.INTERRUPTED), (BenchError("it was killed"), ExitCode.FAILED)],
)
def test_what_was_measured_before_an_ending_is_shown_and_kept(
    ask: Ask, measure: Ask, trials: Results, ending: BaseException, code: ExitCode
) -> None:
    measure(*REAL, ending)
    answer = ask("index", "--db", str(trials.path))
    assert answer.code == code
    assert "At 104 images" in answer.out
    assert len(trials.index_measurements()) == len(REAL)


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ((), (ExitCode.BUDGET, "before one index was measured")),
        ((DataError("the descriptors in x cannot be read"),), (ExitCode.USAGE, "cannot be read")),
        ((KeyboardInterrupt(),), (ExitCode.INTERRUPTED, "interrupted")),
    ],
)
def test_without_a_measurement_there_is_no_advice(
    ask: Ask, measure: Ask, trials: Results, events: tuple[BaseException, ...], told: tuple[ExitCode, str]
) -> None:
    measure(*events)
    answer = ask("index", "--db", str(trials.path))
    assert (answer.code, answer.out) == (told[0], "")
    assert told[1] in answer.err


def test_a_store_without_descriptors_says_what_to_do(ask: Ask, trials: Results, descriptors: Path) -> None:
    (descriptors / "run-cecd-nano-0").rmdir()
    answer = ask("index", "--db", str(trials.path))
    assert answer.code == ExitCode.USAGE
    assert "csmae-bench run makes new ones" in answer.err


def test_a_trial_that_is_not_there_is_named(ask: Ask, trials: Results) -> None:
    answer = ask("index", "nobody", "--db", str(trials.path))
    assert answer.code == ExitCode.USAGE
    assert "there is no trial 'nobody'" in answer.err


def test_a_store_without_trials_says_so(ask: Ask, store: Results) -> None:
    answer = ask("index", "--db", str(store.path))
    assert answer.code == ExitCode.USAGE
    assert "holds no trial yet" in answer.err


def test_help_names_the_options_in_full(ask: Ask) -> None:
    out = ask("index", "--help").out
    assert all(option in out for option in ("--archive-size", "--recall", "--latency", "--time-limit"))


def test_a_real_measurement_from_end_to_end(ask: Ask, trials: Results, descriptors: Path) -> None:
    (descriptors / "run-cecd-nano-0").rmdir()
    index_fakes.leave_descriptors(descriptors, "run-cecd-nano-0", archive=120)
    answer = ask("index", "--db", str(trials.path), "--archive-size", "200", "--k", "5", "-q", "--json")
    data = json.loads(answer.out)["data"]
    assert {one["kind"] for one in data["advice"]["outlooks"]} == {"exact", "ivf_flat", "hnsw"}
    assert data["advice"]["chosen"]["kind"] == "exact"
    assert {one["items"] for one in data["measurements"] if one["source"] == "enlarged"} == {200}
