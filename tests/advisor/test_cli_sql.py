"""csmae-bench sql on a small store."""

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fakes
from bench.errors import ExitCode
from bench.store.results import Results

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a store with two trials."""
    made = tmp_path_factory.mktemp("store")
    results = Results(made / "results.duckdb")
    results.check()
    for trial in fakes.trials({"cecd": (0.35,), "secd": (0.36,)}):
        results.add_trial(trial)
    return made


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The store lies in the working directory."""
    monkeypatch.chdir(folder)


def test_a_table_has_its_names_and_rows(ask: Ask) -> None:
    answer = ask("sql", "select variant, 1.5::double as x, null as n from trials order by variant")
    assert (answer.code, answer.err) == (ExitCode.DONE, "")
    lines = [line.split() for line in answer.out.splitlines()]
    assert lines[0] == ["variant", "x", "n"]
    assert lines[2:] == [["cecd", "1.5"], ["secd", "1.5"]]


def test_a_table_in_a_file_is_as_wide_as_its_rows(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert "x" * 500 in ask("sql", "select repeat('x', 500)").out


def test_a_table_keeps_to_the_width_that_was_asked_for(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out = ask("sql", "select repeat('x', 500) as a, 'b' as b").out
    assert max(len(line) for line in out.splitlines()) <= 60


def test_markup_in_a_value_is_text(ask: Ask) -> None:
    out = ask("sql", "select '[bold]x[/bold] :smile: ' || chr(27) || '[2J' as name").out
    assert "[bold]x[/bold] :smile: \N{REPLACEMENT CHARACTER}[2J" in out


ODD = """select 'a "b", c' as t, 0.1::double as d, null as n, [1, null] as l, {'k': 1.5} as s, true as b,
         9223372036854775808::hugeint as h, date '2026-01-02' as day, 'nan'::double as nan"""


def test_csv_can_be_read_back(ask: Ask) -> None:
    header, row = csv.reader(io.StringIO(ask("sql", ODD, "--format", "csv").out))
    assert header == ["t", "d", "n", "l", "s", "b", "h", "day", "nan"]
    assert row == ['a "b", c', "0.1", "", "[1,null]", '{"k":1.5}', "true", "9223372036854775808", "2026-01-02", "nan"]


def test_json_is_a_list_of_objects(ask: Ask) -> None:
    assert json.loads(ask("sql", ODD, "--format", "json").out) == [
        {
            "t": 'a "b", c',
            "d": 0.1,
            "n": None,
            "l": [1, None],
            "s": {"k": 1.5},
            "b": True,
            "h": "9223372036854775808",
            "day": "2026-01-02",
            "nan": None,
        }
    ]


def test_columns_of_one_name_are_all_there_in_json(ask: Ask) -> None:
    assert json.loads(ask("sql", "select 1 as a, 2 as a", "--format", "json").out) == [{"a": 1, "a_2": 2}]


def test_the_envelope_has_columns_types_and_rows(ask: Ask) -> None:
    document = json.loads(ask("sql", "select 1 as a, 'x' as b", "--json").out)
    assert (document["command"], document["status"], document["warnings"]) == ("sql", "done", [])
    assert document["data"] == {
        "columns": ["a", "b"],
        "types": ["INTEGER", "VARCHAR"],
        "rows": [[1, "x"]],
        "truncated": False,
    }


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_rows_left_out_are_said_on_standard_error(ask: Ask, form: str) -> None:
    answer = ask("sql", "from range(9)", "--max-rows", "5", "--format", form)
    assert answer.err == "csmae-bench: only the first 5 rows are shown; --max-rows gives more\n"
    assert answer.code == ExitCode.DONE


def test_rows_left_out_are_said_in_the_envelope(ask: Ask) -> None:
    document = json.loads(ask("sql", "from range(9)", "--max-rows", "5", "--json").out)
    assert document["data"]["truncated"] is True
    assert document["warnings"] == ["only the first 5 rows are shown; --max-rows gives more"]


def test_a_dash_reads_the_statement_from_standard_input(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"select 42 as answer")))
    assert "42" in ask("sql", "-").out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("sql", "drop table trials"), ExitCode.USAGE),
        (("sql", "selec 1"), ExitCode.USAGE),
        (("sql", ""), ExitCode.USAGE),
        (("sql", "select 1", "--db", "nowhere.duckdb"), ExitCode.STORE),
    ],
)
def test_what_cannot_be_answered_is_a_line_and_a_code(ask: Ask, words: tuple[str, ...], code: ExitCode) -> None:
    answer = ask(*words)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith("csmae-bench: error: ")
    assert answer.err.count("\n") == 1
