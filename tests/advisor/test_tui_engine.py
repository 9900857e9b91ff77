"""The real engine, on stores and data made for the test."""

from dataclasses import replace
from pathlib import Path

import pytest

import fakes
from advisor.tui.engine import BenchEngine, Profile
from bench.errors import DataError
from bench.store.results import Results
from tui_fakes import REQUEST, TRIALS

STARTED = "2026-01-02T03:04:05+00:00"


def stored(path: Path) -> None:
    """A store that holds one run and its trials."""
    results = Results(path)
    results.check()
    results.add_run(
        "run",
        started_at=STARTED,
        command=REQUEST.command,
        hardware=fakes.HARDWARE,
        dataset=fakes.DATASET,
        plan=fakes.run_plan(*TRIALS),
    )
    for trial in TRIALS:
        results.add_trial(trial)


def test_the_last_report_is_the_advice_of_the_last_run(tmp_path: Path) -> None:
    path = tmp_path / "results.duckdb"
    stored(path)
    report = BenchEngine(REQUEST, path).last_report()
    assert report
    assert (report.run_id, report.started_at) == ("run", STARTED)
    assert report.profile == Profile(hardware=fakes.HARDWARE, dataset=fakes.DATASET, run_id="run")
    assert report.recommendation.evidence
    assert {s.candidate.variant for s in report.recommendation.evidence.standings} == {"cecd", "cesd", "secd", "sesd"}
    assert report.recommendation.candidate
    assert report.advice.headline
    assert {reason.basis for reason in report.advice.reasons} <= {"measured", "calibrated", "prior"}


def test_without_a_store_or_a_run_there_is_no_report(tmp_path: Path) -> None:
    path = tmp_path / "results.duckdb"
    assert BenchEngine(REQUEST, path).last_report() is None
    assert not path.exists()
    Results(path).check()
    assert BenchEngine(REQUEST, path).last_report() is None


def test_the_profile_is_of_the_data_that_were_asked_for() -> None:
    engine = BenchEngine(replace(REQUEST, data="synthetic:train=4,query=2,archive=3"), Path("none"))
    profile = engine.profile()
    assert profile.dataset.pairs == {"train": 4, "query": 2, "archive": 3}
    assert profile.dataset.synthetic
    assert profile.hardware.cores_usable >= 1
    with pytest.raises(DataError, match="nowhere"):
        BenchEngine(replace(REQUEST, data="nowhere"), Path("none")).profile()
