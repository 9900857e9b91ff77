"""csmae-bench receipt: which files, what is said of them, and one line where something is missing."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advice_fakes import measured
from advisor.receipt_form import read
from bench.errors import ExitCode
from bench.store.results import Results
from receipt_fakes import CLOSE, keep

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Results:
    """Only read."""
    store = Results(Path(shutil.copy(empty_store, tmp_path_factory.mktemp("full"))))
    keep(store, measured(CLOSE))
    return store


def test_a_folder_gets_both_forms(full: Results, ask: Ask, tmp_path: Path) -> None:
    out = tmp_path / "new" / "review"
    answer = ask("receipt", "--db", str(full.path), "--out", str(out))
    assert (answer.code, answer.err) == (ExitCode.DONE, "")
    receipt = read((out / "receipt.json").read_bytes(), name="receipt.json")
    assert (receipt.run_id, receipt.goal, len(receipt.trials), receipt.unverified) == ("run", "cross", 4, ())
    numbers = sum(1 for number in receipt.numbers if number.sql)
    assert f"4 trials hashed; SQL gives {numbers} of {numbers} numbers again" in answer.out
    assert f"Written: {out / 'receipt.json'}, {out / 'receipt.md'}" in answer.out
    assert " ".join(answer.out.split()).startswith(receipt.advice.headline)
    assert receipt.advice.headline in (out / "receipt.md").read_text(encoding="utf-8")


def test_a_file_that_is_there_is_replaced_only_by_force(full: Results, ask: Ask, tmp_path: Path) -> None:
    there = tmp_path / "r.MD"
    there.write_text("mine")
    words = ("receipt", "--db", str(full.path), "--run", "run", "--goal", "uni", "--out", str(there), "--json")
    answer = ask(*words)
    assert answer.code == ExitCode.USAGE
    assert f"{there} is there already: --force replaces it" in answer.err
    assert there.read_text() == "mine"
    document = json.loads(ask(*words, "--force").out)
    assert (document["status"], document["data"]["receipt"]["goal"]) == ("done", "uni")
    assert document["data"]["written"] == [str(there)]
    assert there.read_text(encoding="utf-8").startswith("# Receipt of run run")
    assert list(tmp_path.glob("r*")) == [there]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--out", "receipt.pdf"), "receipt.pdf: name a file that ends in .json or .md, or a folder"),
        (("--out", "nowhere/r.json"), "r.json cannot be written: No such file or directory"),
        (("--out", "r.json", "--run", "none"), "holds no run none"),
        (("--out", "r.json", "--goal", "crss"), "did you mean cross?"),
    ],
)
def test_what_cannot_be_written_is_a_line(
    full: Results, ask: Ask, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(full.path.parent)
    answer = ask("receipt", "--db", str(full.path), *words)
    assert answer.code in (ExitCode.USAGE, ExitCode.STORE)
    (line,) = answer.err.splitlines()
    assert told in line
    assert not list(full.path.parent.glob("r*.json"))


def test_a_store_without_a_run_is_told(store: Results, ask: Ask) -> None:
    answer = ask("receipt", "--db", str(store.path))
    assert answer.code == ExitCode.USAGE
    assert "holds no run yet: csmae-bench run makes one" in answer.err


def test_scores_that_contradict_the_queries_are_called_so(store: Results, ask: Ask, tmp_path: Path) -> None:
    first, *others = measured(CLOSE)
    told = tuple(
        replace(score, value=0.9) if (score.subject, score.metric) == ("trained", "f1_of_means") else score
        for score in first.scores
    )
    keep(store, (replace(first, scores=told), *others))
    answer = ask("receipt", "--db", str(store.path), "--out", str(tmp_path / "r"))
    assert answer.code == ExitCode.FAILED
    assert "!  CECD nano: mean: the SQL gives 0.63" in answer.out
    assert "**Not verified: the SQL gives 0.63" in (tmp_path / "r" / "receipt.md").read_text(encoding="utf-8")


def test_its_help_has_examples(ask: Ask) -> None:
    for command in ("receipt", "verify"):
        answer = ask(command, "--help")
        assert answer.code == ExitCode.DONE
        assert f"$ csmae-bench {command}" in answer.out
