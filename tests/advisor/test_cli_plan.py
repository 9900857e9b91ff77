"""csmae-bench plan and run --plan against a session that is made up: what is written where, and what is refused."""

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import fakes
from advisor.cli.planned import show_plan
from advisor.cli.streams import PlainConsole
from bench.errors import ExitCode
from bench.plan.file import read
from bench.plan.plan import Request, RunPlan, Wish
from bench.profile.hardware import HardwareProfile
from bench.result import Candidate, Prediction
from bench.run.events import Event, Planned, Preparing, Profiled

Ask = Callable[..., Any]

TOLD = (
    Prediction(quantity="total_seconds", value=245, low=220, high=290, source="calibrated", basis="12 trials here"),
    Prediction(quantity="peak_rss_bytes", value=2**30, low=2**29, high=2**31, source="prior", basis="a formula"),
)


def run_plan() -> RunPlan:
    """Two candidates; the first seed of each is scored on the way, two more seeds are on half of the pairs."""
    plan = fakes.run_plan(*fakes.trials({"cecd": (0.3, 0.3, 0.3), "mae": (0.3, 0.3, 0.3)}))
    trials = [
        replace(trial, rungs=(25, 50), purpose="first result", predictions=TOLD)
        if trial.seed == 0
        else replace(trial, data=replace(trial.data, train_pairs=32), purpose="half of the pairs", predictions=TOLD[:1])
        for trial in plan.trials
    ]
    return replace(plan, trials=tuple(trials), predicted_seconds=1470)


WISHES = tuple(
    Wish(
        candidate=Candidate(variant=variant, size="nano"),
        seed=seed,
        steps=100,
        rungs=() if seed else (25, 50),
        train_pairs=32 if seed else None,
    )
    for seed in range(3)
    for variant in ("cecd", "mae")
)


@dataclass(slots=True)
class Session:
    """Plans what the test wants."""

    hardware: HardwareProfile = fakes.HARDWARE
    requests: list[Request] = field(default_factory=list)

    def plan(self, request: Request, _store: object = None, *, simulated: object = None) -> Generator[Event]:
        assert simulated is None
        self.requests.append(request)
        yield Profiled(hardware=self.hardware, dataset=fakes.DATASET, queries=fakes.QUERIES)
        yield Preparing(what="decoding pairs")
        yield Planned(plan=run_plan())


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Session:
    """The session that csmae-bench will plan with, in an empty folder."""
    made = Session()
    monkeypatch.setattr("bench.session.plan", made.plan)
    monkeypatch.chdir(tmp_path)
    return made


def table(width: int, **changes: Any) -> list[str]:  # noqa: ANN401  as of show_plan
    """The lines that are shown at this width."""
    console = PlainConsole(width=width)
    given: dict[str, Any] = {"hardware": fakes.HARDWARE, "now": datetime(2026, 1, 2, 12, 30, tzinfo=UTC)} | changes
    with console.capture() as captured:
        show_plan(console, run_plan(), **given)
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize(("form", "name"), [("toml", "plan.toml"), ("json", "plan.json")])
def test_without_a_file_the_plan_is_standard_output(ask: Ask, form: str, name: str) -> None:
    answer = ask("plan", "--time-budget", "40m", "--format", form)
    assert (answer.code, answer.err) == (ExitCode.DONE, "")
    Path(name).write_text(answer.out, encoding="utf-8")
    assert read(Path(name)) == Request(time_budget_seconds=2400, wishes=WISHES)
    assert f"csmae-bench run --plan {name}" in answer.out


@pytest.mark.parametrize("name", ["plan.toml", "plan.json"])
def test_a_file_is_written_and_the_table_is_talk(ask: Ask, name: str) -> None:
    answer = ask("plan", "-o", name)
    assert (answer.code, answer.out) == (ExitCode.DONE, "")
    assert answer.err.startswith("6 trials on synthetic data, about 24 min 30 s in all, until ")
    assert answer.err.endswith(f"\n\nTo run it: csmae-bench run --plan {name}\n")
    assert read(Path(name)).wishes == WISHES


def test_quiet_writes_the_file_and_says_nothing(ask: Ask) -> None:
    answer = ask("plan", "-o", "plan.toml", "--quiet")
    assert (answer.out, answer.err) == ("", "")
    assert read(Path("plan.toml")).wishes == WISHES


@pytest.mark.parametrize(("words", "file"), [((), None), (("-o", "plan.toml"), "plan.toml")])
def test_json_is_the_whole_plan_in_an_envelope(ask: Ask, words: tuple[str, ...], file: str | None) -> None:
    document = json.loads(ask("plan", "--json", *words).out)
    assert (document["command"], document["status"], document["data"]["file"]) == ("plan", "done", file)
    assert document["data"]["plan"]["trials"][0]["predictions"][0]["low"] == 220
    assert document["warnings"] == [f"SESD large did not run: {fakes.REFUSAL.reason}"]


def test_a_file_that_is_there_is_replaced_only_by_force(ask: Ask, session: Session) -> None:
    Path("plan.toml").write_text("mine")
    answer = ask("plan", "-o", "plan.toml")
    assert (answer.code, session.requests) == (ExitCode.USAGE, [])
    assert answer.err == (
        "csmae-bench: error: -o plan.toml is there already: name another file, or replace it with --force\n"
    )
    assert Path("plan.toml").read_text() == "mine"
    assert ask("plan", "-o", "plan.toml", "--force").code == ExitCode.DONE
    assert read(Path("plan.toml")).wishes == WISHES


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-o plan.json --format toml", "-o plan.json: a file of this name is read as json: leave out --format toml"),
        ("-o plan.txt --format json", "-o plan.txt: a file of this name is read as toml"),
        ("-o away/plan.toml", "-o away/plan.toml: there is no folder away"),
        ("--format yaml", "there is no format 'yaml'; there are auto, toml, json"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_anything_is_measured(
    ask: Ask, session: Session, words: str, said: str
) -> None:
    answer = ask("plan", *words.split())
    assert (answer.code, answer.out, session.requests) == (ExitCode.USAGE, "", [])
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_an_edited_file_is_planned_anew(ask: Ask, session: Session) -> None:
    ask("plan", "-o", "plan.toml")
    assert ask("plan", "--plan", "plan.toml", "-o", "plan.toml", "--force").code == ExitCode.DONE
    assert session.requests[1].wishes == WISHES


def test_a_run_takes_everything_from_the_file(ask: Ask, session: Session) -> None:
    ask("plan", "--data", "pairs", "--time-budget", "40m", "--k", "7", "--device", "cuda:1", "-o", "plan.toml")
    ask("run", "--dry-run", "--plan", "plan.toml")
    first, second = session.requests
    command = "csmae-bench run --dry-run --plan plan.toml"
    assert second == replace(first, wishes=WISHES, command=command)
    assert (second.data, second.time_budget_seconds, second.k, second.device) == ("pairs", 2400, 7, "cuda:1")


def test_time_and_device_may_be_given_anew(ask: Ask, session: Session) -> None:
    ask("plan", "--time-budget", "40m", "--device", "cuda:1", "-o", "plan.toml")
    ask("run", "-n", "--plan", "plan.toml", "--time-budget", "10m", "--device", "cpu")
    assert (session.requests[1].time_budget_seconds, session.requests[1].device) == (600, "cpu")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--variants", "secd"), "--variants"),
        (("--data", "synthetic"), "--data"),  # the default, but typed
        (("--seeds", "3", "--k", "5", "--device", "cpu"), "--k, --seeds"),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_what_only_the_file_says_cannot_be_given_beside_it(
    ask: Ask, session: Session, command: str, words: tuple[str, ...], names: str
) -> None:
    answer = ask(command, "--plan", "plan.toml", *words)
    assert (answer.code, session.requests) == (ExitCode.USAGE, [])
    assert answer.err == (
        f"csmae-bench: error: {names} cannot be given with --plan: plan.toml says what to run; "
        "edit it, or leave one out\n"
    )


def test_a_file_that_is_wrong_is_a_line_and_code_2(ask: Ask) -> None:
    Path("plan.toml").write_text("version = 1\n[[trial]]\nvariant = 'secc'\nsize = 'nano'\nseed = 0\nsteps = 9\n")
    answer = ask("run", "--plan", "plan.toml")
    assert (answer.code, answer.out) == (ExitCode.USAGE, "")
    assert answer.err.startswith('csmae-bench: error: plan.toml, trial 1: variant = "secc" is not one of cecd')


def test_the_table_is_narrow_or_wide() -> None:
    narrow, wide = table(80), table(120)
    assert max(map(len, narrow)) <= 80
    assert max(map(len, wide)) <= 120
    assert [line.split() for line in narrow[2:8]] == [
        ["Candidate", "Seeds", "Steps", "Rungs", "Pairs", "Time", "Memory"],
        ["─" * len(narrow[3])],
        ["CECD", "nano", "0", "100", "25", "50", "64", "4.1", "min", "c", "1.0", "GiB", "p"],
        ["first", "result", "(3.7-4.8)", "(0.5-2.0)"],
        ["2", "x", "MAE", "nano", "0", "100", "25", "50", "64", "4.1", "min", "c", "1.0", "GiB", "p"],
        ["first", "result", "(3.7-4.8)", "(0.5-2.0)"],
    ]
    assert "CECD nano 1-2 100 32 4.1 min c (3.7-4.8) – half of the pairs" in [" ".join(line.split()) for line in wide]


def test_the_table_ends_with_sources_notes_and_refusals() -> None:
    lines = table(120)
    assert (
        "Time and memory of one trial, in brackets what holds in 95 % of cases. "
        "c: a formula, fitted to measurements here, p: a formula alone"
    ) in " ".join(lines)
    assert "-  arithmetic fp32, the fastest measured here" in lines
    assert f"-  SESD large will not run: {fakes.REFUSAL.reason}" in lines


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (datetime(2026, 1, 2, 12, 30, tzinfo=UTC), "until 12:54"),
        (datetime(2026, 1, 2, 23, 50, tzinfo=UTC), "until 2026-01-03 00:14"),
    ],
)
def test_the_end_is_told_by_the_clock_and_with_its_date_on_another_day(now: datetime, until: str) -> None:
    assert table(120, now=now)[0].endswith(f"about 24 min 30 s in all, {until}")


def test_a_simulated_machine_is_said_to_be_one_and_has_no_clock() -> None:
    lines = table(80, hardware=replace(fakes.HARDWARE, simulated="24 GiB"))
    assert lines[:2] == [
        "SIM: the machine is simulated (24 GiB)",
        "6 trials on synthetic data, about 24 min 30 s in all",
    ]
