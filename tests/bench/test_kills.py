"""A short form of `benchmarks/kills.py`, and what its checks find."""

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import fakes
from bench.result import Outcome, TrialResult
from bench.store.results import Results

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

LATER = "2026-01-02T03:05:06+00:00"

DONE = "1/4  CECD nano seed 0  completed  7.0 s  cross-sensor F1 36.0\n"


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, imported from its folder."""
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    return import_module("kills")


def test_runs_that_are_killed_lose_nothing_and_are_named(kills: ModuleType, tmp_path: Path) -> None:
    options = "--variants cecd --seeds 2 --steps 10 --batch-pairs 8 --precision fp32 --k 5"
    made, wrong = kills.campaign(tmp_path, runs=4, seed=1, options=options)
    assert wrong == []
    assert made.killed >= 1
    assert made.completed >= 4
    assert made.named + made.unheard == made.cut


@pytest.fixture
def pretend(kills: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The next run of one campaign, made up: what it stores, what it tells and whether it was killed."""
    made = kills.Campaign(tmp_path, "")
    store = Results(tmp_path / "results.duckdb")

    def run(*results: TrialResult, told: str = "", killed: bool = False, unfinished: bool = False) -> list[str]:
        run_id = results[0].run_id if results else ""

        def end(*_: object, **__: object) -> object:
            for swept in set(kills.CUT_OFF.findall(told)) - {"z"}:
                store.finish_run(swept, finished_at=LATER, stopped="interrupted")
            if run_id:
                plan = fakes.run_plan(*results)
                store.add_run(
                    run_id,
                    started_at=fakes.PROVENANCE.started_at,
                    command="",
                    hardware=fakes.HARDWARE,
                    dataset=fakes.DATASET,
                    plan=plan,
                )
                for result in results:
                    store.add_trial(result)
                if not unfinished:
                    store.finish_run(run_id, finished_at=LATER, stopped="")
            return kills.Ending(told=told, seconds=1.0, killed=killed, faults=())

        monkeypatch.setattr(kills, "end", end)
        found: list[str] = made.run(None)
        return found

    return run


def of_run(name: str) -> TrialResult:
    return replace(fakes.trial_result(), run_id=name, trial_id=f"{name}-01")


def test_a_run_that_tells_what_the_store_holds_is_right(pretend: Callable[..., list[str]]) -> None:
    assert pretend(of_run("a"), told=DONE) == []


def test_a_run_that_is_cut_off_is_right_once_the_next_names_it(pretend: Callable[..., list[str]]) -> None:
    assert pretend(of_run("a"), told=DONE, killed=True, unfinished=True) == []
    assert pretend(of_run("b"), told=f"Run a was cut off: 1 of 4 trials are kept.\n{DONE}") == []


def test_a_start_that_was_killed_at_once_need_not_name_anything(pretend: Callable[..., list[str]]) -> None:
    pretend(of_run("a"), killed=True, unfinished=True)
    assert pretend(killed=True) == []
    assert pretend(of_run("b"), told="Run a was cut off: 1 of 4 trials are kept.\n") == []


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (DONE.replace("CECD", "SESD"), ["SESD nano 0 completed was told 1 times, the store has it 0 times"]),
        (DONE.replace("completed", "failed"), ["CECD nano 0 failed was told 1 times, the store has it 0 times"]),
        (DONE + DONE, ["CECD nano 0 completed was told 2 times, the store has it 1 times"]),
        ("Run z was cut off: nothing", ["run z was named as cut off and was not"]),
        (DONE.rstrip("\n").replace("CECD", "SESD"), []),  # a torn line tells nothing
    ],
)
def test_words_that_the_store_does_not_bear_out_are_found(
    pretend: Callable[..., list[str]], told: str, found: list[str]
) -> None:
    assert pretend(of_run("a"), told=told) == found


def test_trials_told_without_a_store_are_found(pretend: Callable[..., list[str]]) -> None:
    assert pretend(told=DONE, killed=True) == ["trials finished and there is no store"]


def test_a_run_that_nobody_named_is_found(pretend: Callable[..., list[str]]) -> None:
    pretend(of_run("a"), killed=True, unfinished=True)
    found = pretend(of_run("b"), told=DONE, killed=True, unfinished=True)
    assert found == ["run a was cut off and the next start did not name it"]


def test_a_run_that_ended_by_itself_and_is_open_is_found(pretend: Callable[..., list[str]]) -> None:
    assert pretend(of_run("a"), unfinished=True) == ["run a ended by itself and is left unfinished"]


def test_a_store_that_does_not_open_is_found(pretend: Callable[..., list[str]], tmp_path: Path) -> None:
    (tmp_path / "results.duckdb").write_bytes(b"torn")
    (found,) = pretend()
    assert found.startswith("the store does not open: ")


def test_trials_that_are_gone_or_changed_are_found(kills: ModuleType) -> None:
    before = {"run-cecd-nano-0": Outcome.COMPLETED, "x": Outcome.FAILED}
    now = [fakes.trial_result(outcome=Outcome.FAILED)]
    assert kills.lost(before, now) == [
        "trial run-cecd-nano-0 was completed and is failed",
        "trial x was failed and is gone",
    ]


def test_trials_that_are_there_twice_are_found(kills: ModuleType) -> None:
    one = fakes.trial_result()
    assert kills.kept_twice([one, replace(one, trial_id="other", outcome=Outcome.FAILED)]) == []
    twin = "CECD nano seed 0, 100 steps on 64 pairs, of run run is there 2 times"
    assert kills.kept_twice([one, replace(one, trial_id="other")]) == [twin]
    assert kills.kept_twice([one, one]) == ["run-cecd-nano-0 is there 2 times", twin]
