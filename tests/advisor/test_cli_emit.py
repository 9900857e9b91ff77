"""csmae-bench emit: for whom the file is, where it goes, and what is told beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fakes
from bench.errors import ExitCode
from bench.store.results import Results

Ask = Callable[..., Any]


def test_the_file_is_the_output_and_the_talk_is_not(ask: Ask) -> None:
    told = ask("emit", "--variant", "secd")
    assert told.code is ExitCode.DONE
    assert told.out.startswith("# SECD base for the public CSMAE code")
    assert "name: vit_base" in told.out
    assert "decoding_strategy: common" in told.out
    line = "csmae-bench train --data PATH --variant secd --size base --precision fp16"
    assert told.err.splitlines()[-1] == f"The same here: {line}"
    assert "Fill in data.root_dir" in told.err


def test_a_file_is_written_once_and_replaced_when_told(ask: Ask, tmp_path: Path) -> None:
    out = tmp_path / "csmae.yaml"
    words = ("emit", "--variant", "cesd", "--size", "small", "--pairs", "300", "--out", str(out))
    told = ask(*words)
    assert told.err == ""
    assert f"Written: {out}" in told.out
    text = out.read_text()
    assert "max_img_idx: 300" in text
    assert "name: vit_small" in text
    assert ask(*words).code is ExitCode.USAGE
    assert ask(*words, "--force").code is ExitCode.DONE
    assert out.read_text() == text


def test_without_a_variant_it_is_the_one_that_the_last_runs_trials_advise(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "results.duckdb"
    store = Results(path)
    store.check()
    told = ask("emit", "--db", str(path))
    assert told.code is ExitCode.USAGE
    assert "name --variant" in told.err
    trials = fakes.trials({"cecd": (0.30, 0.31, 0.29, 0.30), "sesd": (0.60, 0.61, 0.59, 0.60)})
    store.add_run(
        trials[0].run_id,
        started_at="2026-01-02T03:04:05+00:00",
        command="csmae-bench run",
        hardware=fakes.HARDWARE,
        dataset=fakes.DATASET,
        plan=fakes.run_plan(*trials),
    )
    for trial in trials:
        store.add_trial(trial)
    told = ask("emit", "--db", str(path))
    assert told.out.startswith("# SESD base")
    assert "SESD base: the variant that the trials advise" in told.err


def test_real_pairs_fill_in_their_folders(ask: Ask, shared_data: Path) -> None:
    folder = shared_data / "ben-v1-lmdb"
    for given in (folder, folder / "BigEarthNetEncoded.lmdb"):
        told = ask("emit", "--variant", "secd", "--data", str(given))
        assert told.code is ExitCode.DONE, told.err
        assert f"root_dir: '{folder.absolute()}'" in told.out
        assert f"split_dir: '{folder.absolute()}'" in told.out
        assert "Fill in" not in told.err


def test_pairs_that_the_public_code_cannot_read_are_refused(ask: Ask, shared_data: Path) -> None:
    for data in ("synthetic", str(shared_data / "ben-v2-lmdb")):
        told = ask("emit", "--variant", "secd", "--data", data)
        assert told.code is ExitCode.USAGE
        assert "nothing but an LMDB of pickled patches" in told.err


@pytest.mark.parametrize("words", [("--size", "nano"), ("--variant", "mae"), ("--out", "/nowhere/at/all.yaml")])
def test_what_the_public_code_or_the_disk_does_not_have_is_refused(ask: Ask, words: tuple[str, ...]) -> None:
    told = ask("emit", *(() if "--variant" in words else ("--variant", "secd")), *words)
    assert told.code is ExitCode.USAGE
    assert told.err.count("\n") == 1
