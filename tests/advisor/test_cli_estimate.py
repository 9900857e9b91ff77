"""csmae-bench estimate: what is printed and returned for made-up machines and stored trials."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fakes
from advisor.cli.audits import audit
from bench.errors import ExitCode
from bench.profile import hardware
from bench.profile.hardware import HardwareProfile
from bench.result import Candidate, Outcome, Prediction, TrialResult
from bench.store.results import Results
from models import cost
from models.config import configure

Ask = Callable[..., Any]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take this machine for a made-up one, whose speed nobody measured."""

    def set_up(profile: HardwareProfile = fakes.HARDWARE) -> None:
        monkeypatch.setattr(hardware, "probe", lambda: profile)
        monkeypatch.setattr("advisor.cli.audits.probe", lambda: profile)
        monkeypatch.setattr("advisor.cli.estimates.kept", lambda *_: None)

    set_up()
    return set_up


def predicted(trial: TrialResult, quantity: Any, value: float, reach: float = 0.1) -> TrialResult:  # noqa: ANN401  one of the literals
    told = Prediction(
        quantity=quantity,
        value=value,
        low=(1 - reach) * value,
        high=(1 + reach) * value,
        source="calibrated",
        basis="made up",
    )
    return replace(trial, predictions=(*trial.predictions, told))


def stored(tmp_path: Path, *trials: TrialResult) -> str:
    path = tmp_path / "results.duckdb"
    results = Results(path)
    results.check()
    for trial in trials:
        results.add_trial(trial)
    return str(path)


@pytest.mark.usefixtures("machine")
def test_without_any_measurement_the_formula_stands_alone_and_times_are_unknown(ask: Ask, tmp_path: Path) -> None:
    told = ask("estimate", "--db", str(tmp_path / "none.duckdb"), "--variants", "secd")
    assert told.code is ExitCode.DONE
    assert "unknown" in told.out
    assert "holds no trial of this machine" in told.out
    assert " c\n" not in told.out
    assert max(map(len, told.out.splitlines())) <= 80
    assert not (tmp_path / "none.duckdb").exists()


@pytest.mark.usefixtures("machine")
def test_stored_trials_of_this_machine_correct_the_formula_and_it_is_said(ask: Ask, tmp_path: Path) -> None:
    database = stored(tmp_path, *fakes.trials({"cecd": (0.3, 0.3), "sesd": (0.3, 0.3)}))
    words = ("--db", database, "--variants", "cecd", "--image-pixels", "32", "--batch-pairs", "16", "--json")
    told = ask("estimate", *words)
    document = json.loads(told.out)
    (found,) = document["data"]["candidates"]
    step = found["training"]["step_seconds"]
    assert step["source"] == "measured"
    assert step["low"] < 0.05 < step["high"]
    assert any("4 trials of this machine" in warning for warning in document["warnings"])
    assert document["command"] == "estimate"


@pytest.mark.usefixtures("machine")
def test_the_document_counts_what_the_question_asks(ask: Ask, tmp_path: Path) -> None:
    words = ("--sizes", "tiny", "--pairs", "1000", "--batch-pairs", "64", "--epochs", "10", "--bands", "1,3", "--json")
    told = ask("estimate", "--db", str(tmp_path / "none"), "--variants", "sesd", *words)
    (found,) = json.loads(told.out)["data"]["candidates"]
    model = configure("sesd", "tiny", bands={"s1": 1, "s2": 3}, image_pixels=120)
    assert found["parameters"] == cost.parameters(model)
    assert found["training"]["steps"] == 10 * (1000 // 64)
    peak = found["training"]["memory"]
    parts = [peak[name]["value"] for name in ("weights", "gradients", "optimizer", "workspace", "loader")]
    parts += [part["value"] for part in peak["activations"].values()]
    assert sum(parts) == pytest.approx(peak["total"]["value"])


def test_what_fits_no_memory_here_is_told_with_what_would(
    ask: Ask, tmp_path: Path, machine: Callable[..., None]
) -> None:
    machine(replace(fakes.HARDWARE, memory_available_bytes=2 * fakes.GIB))
    told = ask("estimate", "--db", str(tmp_path / "none"), "--sizes", "base", "--variants", "sesd")
    assert told.code is ExitCode.UNFIT
    words = " ".join(told.out.split())
    assert "SESD base does not fit: up to" in words
    assert "needs a GPU of 24 GB" in words
    assert "or a smaller batch" not in words


@pytest.mark.usefixtures("machine")
def test_a_simulated_gpu_is_marked_and_takes_nothing_from_the_store(ask: Ask, tmp_path: Path) -> None:
    database = stored(tmp_path, *fakes.trials({"cecd": (0.3, 0.3)}))
    told = ask("estimate", "--db", database, "--gpu-memory", "24G", "--precision", "bf16", "--variants", "cecd")
    assert "SIM" in told.out
    assert "device cuda:0" in told.out
    assert "unknown" in told.out


def test_a_gpu_in_the_table_of_peaks_has_a_time(ask: Ask, tmp_path: Path, machine: Callable[..., None]) -> None:
    machine(replace(fakes.GPU_HARDWARE, gpus=(replace(fakes.GPU, name="NVIDIA GeForce RTX 3090"),)))
    told = ask("estimate", "--db", str(tmp_path / "none"), "--variants", "cecd", "--sizes", "base", "--json")
    (found,) = json.loads(told.out)["data"]["candidates"]
    step = found["training"]["step_seconds"]
    assert step["source"] == "prior"
    assert 3 < step["high"] / step["low"] < 100
    told = ask("estimate", "--db", str(tmp_path / "none"), "--variants", "cecd", "--sizes", "base")
    assert "the vendor's peak" in " ".join(told.out.split())


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--bands", "2"), "write the channels of S1 and of S2"),
        (("--bands", "0,4"), "write the channels of S1 and of S2"),
        (("--data", "synthetic", "--pairs", "10"), "--data tells the pairs"),
        (("--pairs", "50"), "train_pairs=50 do not fill one batch of batch_pairs=128"),
        (("--image-pixels", "50"), "does not divide"),
        (("--variants", "secx"), "did you mean"),
    ],
)
def test_wrong_words_are_refused_in_one_line(ask: Ask, words: tuple[str, ...], reason: str) -> None:
    told = ask("estimate", *words)
    assert told.code is ExitCode.USAGE
    assert reason in told.err
    assert told.out == ""


@pytest.mark.usefixtures("machine")
def test_a_data_set_tells_its_own_shapes(ask: Ask, tmp_path: Path) -> None:
    words = ("--data", "synthetic:train=300,query=4,archive=4", "--batch-pairs", "100", "--variants", "secd", "--json")
    told = ask("estimate", "--db", str(tmp_path / "none"), *words)
    document = json.loads(told.out)["data"]
    assert document["images"] == {"name": "synthetic (mid)", "train_pairs": 300, "image_pixels": 64, "bands": [2, 10]}
    assert document["candidates"][0]["training"]["steps"] == 150 * 3


def test_the_audit_is_what_the_numbers_give() -> None:
    base = fakes.trial_result()  # 0.05 s a step, 512 MiB
    trials = [
        predicted(predicted(base, "step_seconds", 0.05 / factor), "peak_rss_bytes", fakes.GIB // 2)
        for factor in (1.02, 0.95, 1.5, 1.08)
    ]
    memory, step = audit(trials)
    assert (memory.quantity, memory.predictions, memory.median_error, memory.inside) == ("peak_rss_bytes", 4, 0, 1)
    assert step.median_error == pytest.approx((0.05 + 0.08) / 2)
    assert step.bias == pytest.approx((0.02 + 0.08) / 2)
    assert step.inside == 0.75
    assert step.ninetieth_error == pytest.approx(0.08 + 0.7 * (0.5 - 0.08))


def test_what_did_not_complete_or_was_not_measured_is_not_audited() -> None:
    failed = predicted(fakes.trial_result(outcome=Outcome.DIVERGED), "step_seconds", 0.05)
    silent = predicted(fakes.trial_result(), "peak_memory_bytes", 1e9)
    assert audit([failed, silent]) == ()


@pytest.mark.usefixtures("machine")
def test_the_audit_reads_this_machines_trials_alone(ask: Ask, tmp_path: Path) -> None:
    own = predicted(fakes.trial_result(), "step_seconds", 0.04)
    foreign = replace(
        predicted(fakes.trial_result(seed=1), "step_seconds", 0.01),
        provenance=replace(fakes.PROVENANCE, machine="another"),
    )
    database = stored(tmp_path, own, foreign)
    told = ask("estimate", "--audit", "--db", database)
    assert told.code is ExitCode.DONE
    row = next(line for line in told.out.splitlines() if line.startswith("step"))
    assert row.split() == ["step", "calibrated", "1", "25.0", "25.0", "+25.0", "0.0"]
    document = json.loads(ask("estimate", "--audit", "--db", database, "--json").out)
    assert document["data"]["audit"][0]["median_error"] == pytest.approx(0.25)


@pytest.mark.usefixtures("machine")
def test_a_store_without_predictions_says_how_to_get_them(ask: Ask, tmp_path: Path) -> None:
    told = ask("estimate", "--audit", "--db", stored(tmp_path, fakes.trial_result()))
    assert told.code is ExitCode.DONE
    assert "csmae-bench run" in told.out


def test_candidates_are_named_as_everywhere(ask: Ask, tmp_path: Path, machine: Callable[..., None]) -> None:
    machine()
    told = ask("estimate", "--db", str(tmp_path / "none"))
    for variant in ("cecd", "cesd", "secd", "sesd"):
        assert Candidate(variant=variant, size="nano").title in told.out
