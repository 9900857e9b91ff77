"""csmae-bench train: what is planned, printed and returned for a training whose events are known, and one for real."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

import fakes
from advisor.cli import trained
from bench.errors import BenchError, ExitCode
from bench.full.plan import FullPlan, read_plan
from bench.full.wire import Began, Exported, FullEnded, FullEvent, Lap, Noted, Saved
from full_fakes import SOURCE

Ask = Callable[..., Any]

WORDS = ("train", "--data", SOURCE, "--variant", "secd", "--size", "nano", "--epochs", "2", "--batch-pairs", "10")


def lap(step: int, epoch: int) -> Lap:
    return Lap(
        epoch=epoch, step=step, total=3.5, umr=1.0, cmr=1.5, mim=1.0, learning_rate=1e-4, seconds=60, pairs_per_second=5
    )


WHOLE: tuple[FullEvent, ...] = (
    Began(pid=1, step=0, steps=4),
    lap(2, 1),
    Saved(step=2),
    Noted(note="each batch is trained in 2 parts"),
    lap(4, 2),
    Saved(step=4),
    Exported(path="out/released.ckpt"),
    FullEnded(finished=True),
)


class FakeLaunch:
    """Tells what it is to tell; a number in its place is a signal to this process."""

    script: tuple[FullEvent | int | BenchError, ...] = WHOLE
    started: list[tuple[FullPlan, Path, dict[str, Any]]] = []  # noqa: RUF012  emptied by the fixture
    asked = 0

    def __init__(self, plan: FullPlan, folder: Path, **how: Any) -> None:  # noqa: ANN401  of several types
        self.started.append((plan, folder, how))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def stop(self) -> None:
        FakeLaunch.asked += 1

    def events(self) -> Iterator[FullEvent]:
        for event in self.script:
            if isinstance(event, int):
                os.kill(os.getpid(), event)
            elif isinstance(event, BenchError):
                raise event
            else:
                yield event


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[FullPlan, Path, dict[str, Any]]]:
    """Plans that would have been trained, in a folder of their own on a made-up machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(trained, "Launch", FakeLaunch)
    monkeypatch.setattr(trained, "probe_hardware", lambda: fakes.HARDWARE)
    monkeypatch.setattr("advisor.cli.estimates.machine_to_plan_for", lambda *_: fakes.HARDWARE)
    monkeypatch.setattr("advisor.cli.estimates.kept", lambda *_: None)
    monkeypatch.setattr(FakeLaunch, "script", WHOLE)
    monkeypatch.setattr(FakeLaunch, "started", [])
    monkeypatch.setattr(FakeLaunch, "asked", 0)
    return FakeLaunch.started


@pytest.mark.usefixtures("launches")
def test_the_estimate_comes_first_then_epochs_then_the_files(ask: Ask) -> None:
    told = ask(*WORDS)
    assert told.code is ExitCode.DONE
    talk = told.err.splitlines()
    assert talk[0].startswith("SECD nano on synthetic data: 2 epochs of 20 pairs in batches of 10, 4 steps on cpu")
    assert [line.partition(":")[0] for line in talk[1:4]] == ["Memory", "Time", "Files"]
    assert "prior)" in talk[1]
    assert [line for line in talk if line.startswith("epoch")] == [
        "epoch 1/2, step 2: loss 3.5, 5 pairs/s, 4.0 s left",
        "epoch 2/2, step 4: loss 3.5, 5 pairs/s, 0.0 s left",
    ]
    assert "each batch is trained in 2 parts" in talk
    assert told.out.splitlines()[:2] == [
        "SECD nano on synthetic data: 2 epochs, loss 3.5, 1 min 00 s of training",
        "out/released.ckpt",
    ]


def test_what_is_asked_is_planned_and_written_where_it_is_trained(ask: Ask, launches: Any) -> None:  # noqa: ANN401  of the fixture
    told = ask(*WORDS, "--learning-rate", "2e-4", "--seed", "1", "--micro-batches", "2", "--limit-steps", "3", "--json")
    ((plan, folder, how),) = launches
    assert (plan.epochs, plan.batch_pairs, plan.learning_rate, plan.seed, plan.micro_batches) == (2, 10, 2e-4, 1, 2)
    assert (plan.precision, plan.devices, plan.warmup_epochs) == ("fp32", ("cpu",), 10)
    assert (str(folder), how) == ("secd-nano", {"limit_steps": 3, "export_only": False})
    assert read_plan(folder) == plan
    document = json.loads(told.out)
    assert (document["command"], document["status"]) == ("train", "done")
    assert document["data"]["finished"] is True
    assert document["data"]["files"] == ["out/released.ckpt"]


def test_a_dry_run_trains_decodes_and_writes_nothing(ask: Ask, launches: Any, tmp_path: Path) -> None:  # noqa: ANN401  of the fixture
    told = ask(*WORDS, "--dry-run")
    assert (told.code, launches, [*tmp_path.iterdir()]) == (ExitCode.DONE, [], [])
    assert "Memory: " in told.out
    estimate = json.loads(ask(*WORDS, "--dry-run", "--json").out)["data"]["estimate"]
    assert estimate["training"]["steps"] == 4


def test_going_on_takes_what_is_trained_from_the_folder(ask: Ask, launches: Any, tmp_path: Path) -> None:  # noqa: ANN401  of the fixture
    ask(*WORDS, "--out", "mine")
    told = ask(*WORDS, "--out", "mine")
    assert told.code is ExitCode.USAGE
    assert "csmae-bench train --resume --out mine" in told.err
    assert ask("train", "--resume", "--out", "mine", "--micro-batches", "5").code is ExitCode.DONE
    assert ask("train", "--export", "--out", "mine").code is ExitCode.DONE
    plans = [plan for plan, _, _ in launches]
    assert [plan.micro_batches for plan in plans] == [1, 5, 5]
    assert len({plan.key for plan in plans}) == 1
    assert [how["export_only"] for _, _, how in launches] == [False, False, True]
    assert (tmp_path / "mine" / "plan.json").exists()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)]
)
@pytest.mark.usefixtures("launches")
def test_a_signal_asks_for_the_end_and_the_line_that_goes_on_is_told(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, number: int, code: ExitCode
) -> None:
    script = (*WHOLE[:2], int(number), lap(3, 2), Saved(step=3), FullEnded())
    monkeypatch.setattr(FakeLaunch, "script", script)
    told = ask(*WORDS, "--out", "my dir")
    assert (told.code, told.out, FakeLaunch.asked) == (code, "", 1)
    assert told.err.splitlines()[-2:] == [
        "Stopped at step 3 of 4; the last checkpoint is kept.",
        "Go on with it: csmae-bench train --resume --out 'my dir'",
    ]


@pytest.mark.usefixtures("launches")
def test_an_export_says_which_step_it_is_of(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(*WORDS, "--out", "mine")
    script = (Began(pid=1, step=3, steps=4), Exported(path="mine/released.ckpt"), FullEnded(finished=True))
    monkeypatch.setattr(FakeLaunch, "script", script)
    told = ask("train", "--export", "--out", "mine")
    assert told.out.startswith("SECD nano on synthetic data: step 3 of 4\nmine/released.ckpt\n")


@pytest.mark.usefixtures("launches")
def test_a_second_signal_does_not_wait(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeLaunch, "script", (*WHOLE[:2], int(signal.SIGINT), int(signal.SIGINT), FullEnded()))
    told = ask(*WORDS)
    assert (told.code, FakeLaunch.asked) == (ExitCode.INTERRUPTED, 1)
    assert "no checkpoint was written yet" in told.err


@pytest.mark.parametrize(
    ("end", "code", "goes_on"),
    [
        (FullEnded(problem="memory ran out", code=ExitCode.UNFIT), ExitCode.UNFIT, True),
        (FullEnded(problem="the loss was nan", code=ExitCode.FAILED, resumable=False), ExitCode.FAILED, False),
        (BenchError("the training ended: killed"), ExitCode.FAILED, True),
    ],
)
@pytest.mark.usefixtures("launches")
def test_what_goes_wrong_is_one_line_with_its_code(
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    end: FullEnded | BenchError,
    code: ExitCode,
    *,
    goes_on: bool,
) -> None:
    monkeypatch.setattr(FakeLaunch, "script", (*WHOLE[:3], end))
    told = ask(*WORDS)
    (line,) = [line for line in told.err.splitlines() if "error" in line]
    assert told.code is code
    assert ("Go on with it: csmae-bench train --resume" in line) is goes_on


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train",), "--data PATH --variant NAME"),
        (("train", "--resume"), "--out FOLDER"),
        (("train", "--resume", "--export", "--out", "x"), "leave one out"),
        (("train", "--resume", "--out", "x", "--epochs", "3", "--seed", "1"), "--epochs, --seed"),
        (("train", "--resume", "--out", "x"), "no full training"),
        (("train", "--data", SOURCE, "--variant", "mae"), "no variant 'mae'"),
        ((*WORDS[:-1], "64"), "batch_pairs=64"),
        ((*WORDS, "--devices", "0"), "no such GPU"),
        (("train", "--data", "nowhere", "--variant", "secd"), "does not exist"),
    ],
)
@pytest.mark.usefixtures("launches")
def test_what_cannot_be_meant_is_refused(ask: Ask, words: tuple[str, ...], said: str) -> None:
    told = ask(*words)
    assert told.code is ExitCode.USAGE
    assert said in told.err
    assert told.err.count("\n") == 1


def test_a_training_starts_in_its_process_and_leaves_weights(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    told = ask(
        *WORDS, "--epochs", "1", "--devices", "cpu", "--out", str(tmp_path / "out"), "--db", str(tmp_path / "db")
    )
    assert told.code is ExitCode.DONE, told.err
    assert (tmp_path / "out" / "released.ckpt").exists()
    assert (tmp_path / "out" / "log.txt").read_text() == ""
