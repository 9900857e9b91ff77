"""csmae-bench run against a session that is made up: what is printed where, and how it ends."""

import json
import os
import signal
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import fakes
from bench.errors import ExitCode, StoreError, UnfitError
from bench.plan.plan import Request
from bench.result import Outcome, TrialResult
from bench.run.control import Control
from bench.run.events import Event, Planned, Preparing, Profiled, RunFinished, StepMeasured, TrialFinished, TrialStarted
from bench.store.results import Results

Ask = Callable[..., Any]

RESULTS = fakes.trials({"cecd": (0.35, 0.36, 0.37), "secd": (0.36, 0.36, 0.38)})


@dataclass(slots=True)
class Session:
    """A run that goes as the test wants it to; stored for real."""

    results: tuple[TrialResult, ...] = RESULTS
    stopped: str = ""
    after: int | None = None
    """How many trials end before something happens in the middle of the next."""
    happens: Callable[[], None] = lambda: None
    requests: list[Request] = field(default_factory=list)
    closed: bool = False

    def plan(self, request: Request, _store: object = None, *, simulated: object = None) -> Generator[Event]:
        assert simulated is None
        self.requests.append(request)
        yield Profiled(hardware=fakes.HARDWARE, dataset=fakes.DATASET, queries=fakes.QUERIES)
        yield Preparing(what="decoding pairs")
        yield Planned(plan=fakes.run_plan(*self.results, request=request))

    def run(self, request: Request, store: Results, *, control: Control) -> Generator[Event]:
        try:
            store.check()
            yield from self.plan(request)
            store.add_run(
                "run",
                started_at="2026-01-02T03:04:05+00:00",
                command=request.command,
                hardware=fakes.HARDWARE,
                dataset=fakes.DATASET,
                plan=fakes.run_plan(*self.results),
            )
            for number, result in enumerate(self.results, start=1):
                yield TrialStarted(plan=fakes.trial_plan(result), number=number, pid=7)
                if number - 1 == self.after:
                    self.happens()
                if control.stopping:
                    break
                yield StepMeasured(trial_id=result.trial_id, losses=result.losses[0])
                store.add_trial(result)
                yield TrialFinished(result=result)
            done = sum(result.outcome is Outcome.COMPLETED for result in self.results)
            planned = len(self.results)
            yield RunFinished(run_id="run", completed=done, planned=planned, seconds=9, stopped=self.stopped)
        finally:
            self.closed = True


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Session:
    """The session that csmae-bench will run; the store lies in an empty folder."""
    made = Session()
    monkeypatch.setattr("bench.session.run", made.run)
    monkeypatch.setattr("bench.session.plan", made.plan)
    monkeypatch.chdir(tmp_path)
    return made


def interrupt() -> None:
    raise KeyboardInterrupt


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def terminate_twice() -> None:
    terminate()
    terminate()


RESUME = "Go on with it: csmae-bench run --resume run\n"

STOPPING = "Stopping: what is trained is being saved; once more stops at once.\n"


def test_a_run_ends_with_its_advice_on_standard_output(ask: Ask, session: Session) -> None:
    answer = ask("run")
    assert answer.code == ExitCode.DONE
    assert "Candidates on synthetic data" in answer.out
    assert "S1 → S2" in answer.out
    assert answer.out.endswith("\n6 of 6 trials are kept in results.duckdb (run run)\n")
    assert session.closed


def test_talk_goes_to_standard_error_without_bars_when_nobody_watches(ask: Ask) -> None:
    lines = ask("run").err.splitlines()
    assert lines[0] == "6 trials of 2 candidates, about 42 s"
    assert lines[-6].startswith("1/6  CECD nano seed 0  completed")
    assert lines[-1].startswith("6/6  SECD nano seed 2  completed")
    assert not any("\x1b" in line for line in lines)


def test_quiet_is_quiet(ask: Ask) -> None:
    assert ask("run", "--quiet").err == ""


def test_json_is_one_document_and_nothing_else(ask: Ask) -> None:
    answer = ask("run", "--json")
    document = json.loads(answer.out)
    assert (document["schema_version"], document["command"], document["status"]) == (1, "run", "done")
    data = document["data"]
    assert (data["run_id"], data["store"], data["planned"], data["completed"]) == ("run", "results.duckdb", 6, 6)
    assert data["trials"][1] == {
        "trial_id": "run-secd-nano-0",
        "candidate": "SECD nano",
        "seed": 0,
        "outcome": "completed",
        "cause": "",
    }
    assert data["advice"]
    assert document["warnings"] == [f"SESD large did not run: {fakes.REFUSAL.reason}"]


def test_the_same_advice_can_be_had_again(ask: Ask) -> None:
    first = ask("run", "--json")
    again = ask("recommend", "--json")
    assert json.loads(again.out)["data"]["advice"] == json.loads(first.out)["data"]["advice"]


def test_a_failed_trial_is_advice_all_the_same_and_code_1(ask: Ask, session: Session) -> None:
    session.results = (*RESULTS, fakes.trial_result(variant="sesd", outcome=Outcome.FAILED, cause="killed by signal 9"))
    answer = ask("run")
    assert answer.code == ExitCode.FAILED
    assert "Candidates on synthetic data" in answer.out
    assert "SESD nano seed 0  failed" in answer.err
    assert "killed by signal 9" in answer.err


def test_a_failed_trial_is_a_warning_in_the_document(ask: Ask, session: Session) -> None:
    session.results = (*RESULTS, fakes.trial_result(variant="sesd", outcome=Outcome.FAILED, cause="killed by signal 9"))
    document = json.loads(ask("run", "--json").out)
    assert document["status"] == "failed"
    assert "SESD nano seed 0 ended as failed: killed by signal 9" in document["warnings"]


def test_a_run_that_the_budget_ended_early_is_done_if_something_completed(ask: Ask, session: Session) -> None:
    session.stopped = "the time budget does not hold trial 7 of 12"
    answer = ask("run", "--time-budget", "1m")
    assert answer.code == ExitCode.DONE
    assert "Ended early: the time budget does not hold trial 7 of 12.\n" in answer.err


@pytest.mark.parametrize(
    ("words", "code"), [(("run", "--time-budget", "1m"), ExitCode.BUDGET), (("run",), ExitCode.FAILED)]
)
def test_a_run_without_a_usable_result_blames_the_budget_if_there_was_one(
    ask: Ask, session: Session, words: tuple[str, ...], code: ExitCode
) -> None:
    session.results = (fakes.trial_result(outcome=Outcome.TIMED_OUT),)
    assert ask(*words).code == code


@pytest.mark.parametrize(("happens", "code"), [(interrupt, ExitCode.INTERRUPTED), (terminate, ExitCode.TERMINATED)])
def test_an_interruption_keeps_what_finished_and_says_so(
    ask: Ask, session: Session, happens: Callable[[], None], code: ExitCode
) -> None:
    session.after, session.happens = 4, happens
    answer = ask("run")
    assert answer.code == code
    assert session.closed
    assert "Candidates on synthetic data" in answer.out
    assert "are kept" not in answer.out
    assert answer.err.endswith(f"\nInterrupted: 4 of 6 trials are kept in results.duckdb (run run).\n{RESUME}")


@pytest.mark.parametrize(
    ("happens", "ending"),
    [(interrupt, (ExitCode.INTERRUPTED, "")), (terminate_twice, (ExitCode.TERMINATED, STOPPING))],
)
def test_an_interruption_outside_the_session_closes_it(
    ask: Ask,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[], None],
    ending: tuple[ExitCode, str],
) -> None:
    code, said = ending

    def show(_lines: object, event: Event) -> None:
        if isinstance(event, StepMeasured):
            happens()

    monkeypatch.setattr("advisor.cli.talk.Lines.show", show)
    answer = ask("run")
    assert answer.code == code
    assert session.closed
    assert answer.out == ""
    assert answer.err == f"{said}Interrupted: 0 of 6 trials are kept in results.duckdb (run run).\n{RESUME}"


def test_an_interruption_before_the_first_trial_says_that_nothing_is_there(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("advisor.cli.talk.Lines.show", lambda *_: interrupt())
    answer = ask("run")
    assert answer.code == ExitCode.INTERRUPTED
    assert answer.err == "Interrupted: nothing had been trained, nothing was stored.\n"


def test_an_interruption_is_an_envelope_too(ask: Ask, session: Session) -> None:
    session.after, session.happens = 4, interrupt
    document = json.loads(ask("run", "--json").out)
    assert document["status"] == "interrupted"
    assert document["data"]["completed"] == 4
    assert document["data"]["advice"]


def test_sigterm_is_itself_again_after_a_run(ask: Ask) -> None:
    before = signal.getsignal(signal.SIGTERM)
    ask("run")
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("error", [StoreError("the disk is full"), UnfitError("nothing fits")])
def test_an_error_of_the_session_is_a_line_and_its_code(
    ask: Ask, session: Session, error: StoreError | UnfitError
) -> None:
    def fail() -> None:
        raise error

    session.after, session.happens = 0, fail
    answer = ask("run", "--quiet")
    assert (answer.code, answer.out) == (error.exit_code, "")
    assert answer.err == f"csmae-bench: error: {error}\n"


def test_a_dry_run_shows_the_plan_and_stores_nothing(ask: Ask, tmp_path: Path) -> None:
    answer = ask("run", "--dry-run")
    assert answer.code == ExitCode.DONE
    assert answer.err == ""
    assert answer.out.startswith("6 trials on synthetic data, about 42 s in all, until ")
    assert ["CECD", "nano", "0-2", "100", "64", "7.0", "s", "–"] in [line.split() for line in answer.out.splitlines()]
    assert f"- SESD large will not run: {fakes.REFUSAL.reason}" in " ".join(answer.out.split())
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_in_json_is_the_whole_plan(ask: Ask) -> None:
    document = json.loads(ask("run", "--dry-run", "--json").out)
    assert len(document["data"]["plan"]["trials"]) == 6
    assert document["data"]["plan"]["trials"][0]["candidate"] == {"variant": "cecd", "size": "nano"}


def test_names_in_the_data_are_text(ask: Ask, session: Session) -> None:
    odd = replace(fakes.DATASET, name="[red]x[/red] \x1b[2J")
    session.results = (fakes.trial_result(dataset=odd),)
    answer = ask("run", "--dry-run")
    assert "[red]x[/red] \N{REPLACEMENT CHARACTER}[2J" in answer.out
    assert "\x1b" not in answer.out
