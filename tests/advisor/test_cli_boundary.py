"""Every ending of csmae-bench: its words, its envelope, its exit code; and how light it starts."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from advisor import __version__
from advisor.cli import COMMANDS
from bench.errors import BenchError, BudgetError, DataError, ExitCode, StoreError, UnfitError, UsageError

Ask = Callable[..., Any]


@pytest.fixture
def probe_raises(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make `profile hardware` end with this exception."""

    def raises(error: BaseException) -> None:
        def probe() -> None:
            raise error

        monkeypatch.setattr("bench.profile.hardware.probe", probe)

    return raises


def test_the_version_is_the_packages(ask: Ask) -> None:
    answer = ask("--version")
    assert (answer.code, answer.out, answer.err) == (0, f"csmae-bench {__version__}\n", "")


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS), ("profile", "hardware"), ("profile", "data")])
def test_help_is_data_and_never_wider_than_the_terminal(
    ask: Ask, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    answer = ask(*words, "--help")
    assert answer.code == 0
    assert answer.err == ""
    assert answer.out.startswith(f"Usage: {' '.join(('csmae-bench', *words))} ")
    assert max(len(line.rstrip()) for line in answer.out.splitlines()) <= 60


@pytest.mark.parametrize("words", [*((name,) for name in COMMANDS), ("profile", "data")])
def test_help_has_an_example_that_names_the_command(ask: Ask, words: tuple[str, ...]) -> None:
    _, _, examples = ask(*words, "--help").out.partition("Examples:")
    assert f"$ csmae-bench {' '.join(words)}" in examples


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["sql", "--help"], ["profile", "data", "--help"]])
def test_help_loads_none_of_what_the_commands_need(words: list[str]) -> None:
    code = (
        "import sys; from advisor.cli import bench; from advisor.cli.boundary import answer\n"
        f"answer(bench, {words!r})\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "timm", "faiss", "textual", "duckdb", "pyarrow", "scipy", "numpy", "psutil", "pynvml"}
    assert not set(done.stderr.split()) & heavy


@pytest.mark.parametrize("error", [BenchError, UsageError, DataError, StoreError, BudgetError, UnfitError])
def test_an_error_of_ours_is_one_line_and_its_code(
    ask: Ask, probe_raises: Callable[[BaseException], None], error: type[BenchError]
) -> None:
    probe_raises(error("the thing is broken: mend it"))
    answer = ask("profile", "hardware")
    assert answer.code == error.exit_code
    assert answer.out == ""
    assert answer.err == "csmae-bench: error: the thing is broken: mend it\n"


def test_an_error_is_an_envelope_too_when_one_was_asked_for(
    ask: Ask, probe_raises: Callable[[BaseException], None]
) -> None:
    probe_raises(StoreError("results.duckdb is in use"))
    answer = ask("profile", "hardware", "--json")
    assert json.loads(answer.out) == {
        "schema_version": 1,
        "tool_version": __version__,
        "command": "profile hardware",
        "status": "store",
        "data": {"error": "results.duckdb is in use"},
        "warnings": [],
    }
    assert answer.err == "csmae-bench: error: results.duckdb is in use\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rnu"], "there is no command 'rnu' (did you mean run?)"),
        (["run", "--varaints", "secd"], "--variants"),
        (["run", "--seeds", "0"], "'--seeds'"),
        (["profile", "data"], "'PATH'"),
        (["--bogus"], "'--bogus'"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(ask: Ask, words: list[str], said: str) -> None:
    answer = ask(*words)
    assert answer.code == ExitCode.USAGE
    assert answer.out == ""
    assert answer.err.startswith("csmae-bench: error: ")
    assert answer.err.count("\n") == 1
    assert said in answer.err


def test_wrong_use_is_an_envelope_too_when_one_was_asked_for(ask: Ask) -> None:
    document = json.loads(ask("run", "--json", "--seeds", "many").out)
    assert (document["command"], document["status"]) == ("run", "usage")
    assert "--seeds" in document["data"]["error"]


def test_a_json_flag_behind_the_end_of_options_is_no_flag(ask: Ask) -> None:
    assert ask("profile", "data", "--", "--json").out == ""


def test_ctrl_c_has_its_own_code(ask: Ask, probe_raises: Callable[[BaseException], None]) -> None:
    probe_raises(KeyboardInterrupt())
    answer = ask("profile", "hardware")
    assert answer.code == ExitCode.INTERRUPTED
    assert answer.err.strip() == "csmae-bench: interrupted"


def test_a_bug_is_one_line_that_says_where_its_traceback_lies(
    ask: Ask, probe_raises: Callable[[BaseException], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    probe_raises(ZeroDivisionError("seven by nothing"))
    answer = ask("profile", "hardware")
    (crash,) = (tmp_path / "csmae-advisor" / "crashes").iterdir()
    assert answer.code == ExitCode.FAILED
    assert answer.err == (
        f"csmae-bench: error: this is a bug in csmae-bench: ZeroDivisionError: seven by nothing (traceback: {crash})\n"
    )
    assert crash.read_text(encoding="utf-8").startswith("Traceback (most recent call last):")


def test_a_bug_is_told_even_where_nothing_can_be_written(
    ask: Ask, probe_raises: Callable[[BaseException], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    probe_raises(ZeroDivisionError("seven by nothing"))
    answer = ask("profile", "hardware")
    assert answer.code == ExitCode.FAILED
    assert "could not be written" in answer.err
    assert "Traceback" not in answer.err


def test_control_characters_in_a_message_reach_no_terminal(
    ask: Ask, probe_raises: Callable[[BaseException], None]
) -> None:
    probe_raises(DataError("[bold]evil[/bold] :smile: \x1b[2Jname"))
    assert (
        ask("profile", "hardware").err
        == "csmae-bench: error: [bold]evil[/bold] :smile: \N{REPLACEMENT CHARACTER}[2Jname\n"
    )


@pytest.mark.parametrize("words", [["--version"], ["run", "--help"], ["profile", "hardware", "--no-measure"]])
def test_a_reader_that_went_away_is_no_news(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        code = f"from advisor.cli import main; import sys; sys.argv[1:] = {words!r}; main()"
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (ExitCode.FAILED, "")


def test_a_locale_without_the_signs_gets_question_marks(tmp_path: Path) -> None:
    code = "from advisor.cli import main; import sys; sys.argv[1:] = ['run', '--data', '/no/ä/→']; main()"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "CSMAE_DB": str(tmp_path / "results.duckdb")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert done.stderr == "csmae-bench: error: /no/?/? does not exist\n"
