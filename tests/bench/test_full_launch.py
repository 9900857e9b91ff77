"""The process of a training: how it is started, heard, asked to end, and what is said of its death."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError, ExitCode
from bench.full import launch
from bench.full.launch import Launch, command_line
from bench.full.plan import FullPlan
from bench.full.wire import Began, Exported, FullEnded, Lap, Noted, Saved, decode, encode
from full_fakes import toy_full


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> FullPlan:
    return toy_full(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Another program instead of the one that trains."""

    def set_up(code: str) -> None:
        head = "import os, signal, sys, time\nfrom bench.full.wire import *\n"
        head += "def tell(event): os.write(1, encode(event))\n"
        monkeypatch.setattr(launch, "command_line", lambda *_, **__: [sys.executable, "-c", head + code])

    return set_up


def start(plan: FullPlan, folder: Path) -> Launch:
    return Launch(plan, folder, limit_steps=None, export_only=False)


@pytest.mark.parametrize(
    "event",
    [
        Began(pid=1, step=2, steps=3),
        Lap(epoch=1, step=2, total=1.5, mim=0.5, learning_rate=1e-4, seconds=1.0, pairs_per_second=9.0),
        Saved(step=1),
        Noted(note="ü"),
        Exported(path="a b"),
        FullEnded(problem="why", code=ExitCode.UNFIT, resumable=False),
    ],
)
def test_events_travel_as_they_are(event: Any) -> None:  # noqa: ANN401  one of the events
    line = encode(event)
    assert line.count(b"\n") == 1
    assert decode(line) == event
    with pytest.raises(ValueError, match="not an event"):
        decode(line[:-3])


def test_several_devices_meet_through_torchrun_and_an_export_needs_one(plan: FullPlan) -> None:
    alone = [sys.executable, "-m", "bench.full.process", "out"]
    assert command_line(plan, Path("out"), limit_steps=None, export_only=False) == alone
    assert command_line(plan, Path("out"), limit_steps=7, export_only=False) == [*alone, "--limit-steps", "7"]
    several = replace(plan, devices=("cuda:1", "cuda:3"))
    words = command_line(several, Path("out"), limit_steps=None, export_only=False)
    assert words[1:4] == ["-m", "torch.distributed.run", "--standalone"]
    assert "--nproc-per-node=2" in words
    assert command_line(several, Path("out"), limit_steps=None, export_only=True) == [*alone, "--export"]


def test_several_gpus_are_named_to_their_processes_within_those_that_are_seen(
    plan: FullPlan, tmp_path: Path, stand_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("tell(Noted(note=os.environ['CUDA_VISIBLE_DEVICES'])); tell(FullEnded())")
    several = replace(plan, devices=("cuda:0", "cuda:2"))
    for seen, expected in (("", "0,2"), ("4,5,GPU-7", "4,GPU-7")):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
        with start(several, tmp_path) as running:
            assert next(iter(running.events())) == Noted(note=expected)


def test_torn_lines_are_passed_over_and_nothing_is_read_after_the_end(
    plan: FullPlan, tmp_path: Path, stand_in: Callable[[str], None]
) -> None:
    stand_in("os.write(1, b'[\"Lap\", {\\n'); tell(Saved(step=1)); tell(FullEnded(finished=True)); tell(Saved(step=2))")
    with start(plan, tmp_path) as running:
        assert [*running.events()] == [Saved(step=1), FullEnded(finished=True)]


@pytest.mark.parametrize(
    ("code", "word"),
    [("sys.exit(3)", "exit code 3"), ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL")],
)
def test_a_death_without_a_word_is_explained(
    plan: FullPlan, tmp_path: Path, stand_in: Callable[[str], None], code: str, word: str
) -> None:
    stand_in(code)
    with start(plan, tmp_path) as running, pytest.raises(BenchError, match=word) as raised:
        [*running.events()]
    assert str(tmp_path / "log.txt") in str(raised.value)


def test_the_wish_to_end_reaches_the_process_that_leads(
    plan: FullPlan, tmp_path: Path, stand_in: Callable[[str], None]
) -> None:
    stand_in(
        "if os.fork():\n    os.wait(); sys.exit()\n"
        "signal.signal(signal.SIGTERM, lambda *_: (tell(Saved(step=9)), tell(FullEnded()), os._exit(0)))\n"
        "tell(Began(pid=os.getpid(), step=0, steps=9))\nwhile True: signal.pause()"
    )
    with start(plan, tmp_path) as running:
        events = running.events()
        began = next(events)
        assert isinstance(began, Began)
        assert began.pid != os.getpid()
        running.stop()
        assert [*events] == [Saved(step=9), FullEnded()]
        running.stop()


def test_leaving_early_leaves_no_process(
    plan: FullPlan, tmp_path: Path, stand_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "KILL_SECONDS", 0.2)
    stand_in(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "tell(Began(pid=os.getpid(), step=0, steps=9))\nwhile True: signal.pause()"
    )
    with start(plan, tmp_path) as running:
        began = next(iter(running.events()))
    assert isinstance(began, Began)
    with pytest.raises(ProcessLookupError):
        os.kill(began.pid, 0)


def test_the_process_tells_what_is_wrong_with_its_folder(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "bench.full.process", str(tmp_path)], capture_output=True, check=False)
    (event,) = [decode(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert event.code is ExitCode.USAGE
    assert "no full training" in event.problem


def test_planning_and_launching_load_no_torch() -> None:
    code = "import sys, bench.full.launch, bench.full.prepare, bench.full.public\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "timm", "faiss", "textual"} & set(done.stdout.split())
