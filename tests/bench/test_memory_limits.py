"""Limits on memory, in processes of their own: what runs out is an exception, and nobody else is harmed."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fakes
from bench.profile.hardware import HardwareProfile
from bench.run.memory import CONFINES, confine, headroom, private_peak_bytes

MIB = 1024**2

linux = pytest.mark.skipif(not CONFINES, reason="this system cannot hold a process to a limit")


def in_a_fork(work: Callable[[], str]) -> str:
    """What the work returns, or the exception that ends it, in a forked process."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            answer = work()
        except BaseException as error:  # noqa: BLE001  told, whatever it is
            answer = f"{type(error).__name__}: {error}"
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        text = told.read()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return text


FILL = """
import sys
from pathlib import Path
import numpy as np
from bench.run.memory import confine

def held():
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon"))

more, folder = int(sys.argv[1]), sys.argv[2]
limit = held() + more
confine(limit, maps=folder)
images = [np.load(array, mmap_mode="c") for array in Path(folder).glob("*.npy")]
blocks = []
try:
    while len(blocks) < 1000:
        blocks.append(np.ones(2**22, np.uint8))
except MemoryError:
    print((held() - limit) / more)
"""
"""Holds more and more until an allocation fails, then tells how far from its limit that was, as a share of the growth.

In a new interpreter, as trials are: what an old one has freed, and holds no more, counts in its address space.
"""


def beyond_the_limit(more_bytes: int, folder: Path) -> float:
    words = [sys.executable, "-c", FILL, str(more_bytes), str(folder)]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


@linux
@pytest.mark.parametrize("more", [100 * MIB, 400 * MIB])
def test_memory_runs_out_as_an_exception_near_the_limit(more: int, tmp_path: Path) -> None:
    assert abs(beyond_the_limit(more, tmp_path)) * more < 25 * MIB  # a block, a thread's stack and what Python holds


@linux
def test_arrays_that_are_mapped_copy_on_write_do_not_count(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros(200 * MIB, np.uint8))
    assert abs(beyond_the_limit(100 * MIB, tmp_path)) * 100 < 25


@linux
def test_a_limit_below_what_is_held_is_said_at_once() -> None:
    def work() -> str:
        confine(MIB)
        return "nothing stopped it"

    told = in_a_fork(work)
    assert told.startswith("MemoryError: ")
    assert told.endswith("are held before the first step, and the limit is 1 MiB")


@linux
def test_a_limit_of_the_user_is_never_raised() -> None:
    def work() -> str:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        before = 800 * MIB
        resource.setrlimit(resource.RLIMIT_DATA, (before, hard))
        confine(10**12)
        return str(resource.getrlimit(resource.RLIMIT_DATA)[0] == before)

    assert in_a_fork(work) == "True"


@linux
@pytest.mark.parametrize("limit", [None, 10**12])
def test_the_kernel_would_kill_the_trial_first(limit: int | None) -> None:
    def work() -> str:
        confine(limit)
        return Path("/proc/self/oom_score_adj").read_text().strip()

    before = Path("/proc/self/oom_score_adj").read_text()
    assert in_a_fork(work) == "1000"
    assert Path("/proc/self/oom_score_adj").read_text() == before


@linux
def test_the_peak_of_private_memory_outlives_what_was_given_back() -> None:
    def work() -> str:
        before = private_peak_bytes() or 0
        np.ones(200 * MIB, np.uint8).sum()
        return str(((private_peak_bytes() or 0) - before) / MIB)

    assert float(in_a_fork(work)) == pytest.approx(200, abs=60)


def test_a_system_that_cannot_limit_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bench.run.memory.CONFINES", False)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    confine(None)
    assert caplog.messages == []
    confine(MIB)
    assert caplog.messages == ["this system cannot hold a process to 1 MiB of memory"]
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert private_peak_bytes() is None


def machine(limit_mib: int, free_mib: int) -> HardwareProfile:
    return replace(fakes.HARDWARE, memory_limit_bytes=limit_mib * MIB, memory_available_bytes=free_mib * MIB)


@pytest.mark.parametrize(
    ("limit_mib", "free_mib", "trial_mib"),
    [
        (1000, 900, 900 - 256),  # a small limit: at least 256 MiB are kept back
        (20_000, 18_000, 18_000 - 1000),  # a large one: a twentieth
        (4000, 9000, 4000 - 256),  # free beyond the limit is not ours
        (1000, 100, 0),
    ],
)
def test_headroom_is_what_is_free_less_a_reserve(limit_mib: int, free_mib: int, trial_mib: int) -> None:
    assert headroom(machine(limit_mib, free_mib)) == trial_mib * MIB


STORY = """
import sys
from contextlib import closing
from pathlib import Path
from bench.data import cache
from bench.data.pairs import open_pairs
from bench.plan.attempt import EdgePlan
from bench.result import Candidate
from bench.run.events import Ended
from bench.run.executor import LocalExecutor
from models.config import configure

with closing(open_pairs("synthetic:train=512,query=12,archive=20")) as pairs:
    folder = cache.prepare(pairs, root=Path(sys.argv[1]) / "cache").folder
with closing(LocalExecutor(Path(sys.argv[1]) / "log")) as executor:
    for batch in (512, 4):
        plan = EdgePlan(
            candidate=Candidate(variant="cecd", size="nano"),
            model=configure("cecd", "nano", bands={"s1": 2, "s2": 10}, image_pixels=64),
            batch_pairs=batch, steps=2, cache=str(folder), device="cpu", precision="fp32", threads=1,
            memory_limit_bytes=None,
        )
        with closing(executor.run(plan, timeout_seconds=60)) as events:
            print(*[f"{event.outcome}: {event.cause}" for event in events if isinstance(event, Ended)])
"""
"""Two tries under the limit that the process was started with: the first needs 2 GB, the second next to nothing."""


@linux
def test_a_trial_that_a_ulimit_stops_is_named_and_the_next_one_runs(tmp_path: Path) -> None:
    limit = 1500 * MIB
    done = subprocess.run(
        [sys.executable, "-c", STORY, str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stdout.splitlines()
    assert first.startswith("out_of_memory: memory ran out")
    assert second == "completed: "
