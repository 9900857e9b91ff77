"""The command line of csmae-advisor."""

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from advisor import tui
from advisor.cli import COMMANDS
from advisor.cli.run import command as headless_run
from advisor.tui import main
from advisor.tui.app import AdvisorApp
from advisor.tui.palette import PALETTE
from bench.errors import ExitCode
from bench.plan.plan import Request


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[AdvisorApp]:
    """The apps that would have been shown."""
    apps: list[AdvisorApp] = []
    monkeypatch.setattr(tui, "has_terminal", lambda: True)

    def run(app: AdvisorApp) -> None:  # a function, so that it becomes a method
        apps.append(app)

    monkeypatch.setattr(AdvisorApp, "run", run)
    return apps


def request_of(apps: Sequence[AdvisorApp]) -> Request:
    (app,) = apps
    return app.state.request


def test_without_a_terminal_it_names_the_headless_command() -> None:
    done = CliRunner().invoke(main, [])
    assert done.exit_code == ExitCode.USAGE
    assert done.stdout == ""
    assert done.stderr == "csmae-advisor needs a terminal. Without one, csmae-bench run does the same.\n"


def test_help_needs_no_terminal() -> None:
    done = CliRunner().invoke(main, ["--help"])
    assert done.exit_code == 0
    assert "--time-budget" in done.stdout


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--variants cecd,nonsense", "'nonsense' is not among cecd, cesd, secd, sesd, mae"),
        ("--sizes huge", "'huge' is not among nano"),
        ("--seeds 0", "0 is not in the range x>=1"),
        ("--time-budget -3", "'-3' is below nothing"),
    ],
)
def test_a_bad_value_is_named(words: str, complaint: str, opened: list[AdvisorApp]) -> None:
    done = CliRunner().invoke(main, words.split())
    assert done.exit_code == ExitCode.USAGE
    assert complaint in done.stderr
    assert not opened


def test_options_reach_the_request(opened: list[AdvisorApp]) -> None:
    words = "--data my-pairs --variants secd,sesd --sizes tiny --seeds 2 --time-budget 40m"
    assert CliRunner().invoke(main, words.split()).exit_code == 0
    request = request_of(opened)
    assert (request.data, request.variants, request.sizes) == ("my-pairs", ("secd", "sesd"), ("tiny",))
    assert (request.seeds, request.time_budget_seconds) == (2, 2400)


@pytest.mark.parametrize(
    "words",
    ["", "--data 'my pairs' --seeds 2", "--variants SECD,sesd --sizes tiny,nano --time-budget 1h30m --db other.duckdb"],
)
def test_the_copied_command_line_asks_csmae_bench_for_the_same(words: str, opened: list[AdvisorApp]) -> None:
    assert CliRunner().invoke(main, shlex.split(words)).exit_code == 0
    request = request_of(opened)
    program, verb, *typed = shlex.split(request.command)
    assert (program, verb) == ("csmae-bench", "run")
    asked = headless_run.make_context("run", typed).params
    same = ("data", "variants", "sizes", "seeds", "steps", "device", "batch_pairs", "learning_rate", "k")
    assert {name: asked[name] for name in same} == {name: getattr(request, name) for name in same}
    assert asked["time_budget"] == request.time_budget_seconds
    assert asked["precision"] == (request.precision or "auto")


def test_it_opens_on_the_advice_when_there_is_a_store_and_no_data_are_given(
    tmp_path: Path, opened: list[AdvisorApp]
) -> None:
    store = tmp_path / "results.duckdb"
    CliRunner().invoke(main, ["--db", str(store)])
    store.touch()
    CliRunner().invoke(main, ["--db", str(store)])
    CliRunner().invoke(main, ["--db", str(store), "--data", "synthetic"])
    assert [app._opening for app in opened] == ["profile", "advice", "profile"]


def test_the_first_paint_waits_for_nothing_heavy() -> None:
    code = "import sys, advisor.tui.app; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "timm", "faiss", "numpy", "scipy", "duckdb", "pyarrow", "lmdb", "plotext"} & set(loaded)


def test_every_headless_command_of_the_palette_exists() -> None:
    assert {offer.headless for offer in PALETTE if offer.headless} <= {f"csmae-bench {name}" for name in COMMANDS}
