import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

import fakes
from bench.errors import StoreError
from bench.store import file
from bench.store.results import Results

TESTS = Path(__file__).parents[1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.duckdb"


@contextmanager
def another_process(code: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """One that runs the code with `path` set, after it has printed a line; killed at the end."""
    start = f"import sys\nfrom pathlib import Path\nsys.path.insert(0, {str(TESTS)!r})\npath = Path(sys.argv[1])\n"
    with subprocess.Popen(
        [sys.executable, "-c", start + code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


HOLD = "import duckdb\nc = duckdb.connect(path)\nprint('open', flush=True)\ninput()\nc.close()"


def test_who_waits_gets_the_file_when_it_is_free(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Results(path).add_trial(fakes.trial_result())
    pauses = []
    with another_process(HOLD, path) as holder:

        def wait(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 5:
                holder.communicate("\n")

        monkeypatch.setattr(file, "sleep", wait)
        assert Results(path).trials() == (fakes.trial_result(),)
    assert len(pauses) == 5
    assert max(pauses) <= 0.25


@pytest.mark.parametrize("act", ["check", "trials", "query"])
def test_whoever_holds_the_file_for_too_long_is_named(path: Path, act: str) -> None:
    store = Results(path, patience_seconds=0.05)
    store.check()
    with another_process(HOLD, path) as holder, pytest.raises(StoreError) as error:
        store.query("SELECT 1", max_rows=1) if act == "query" else getattr(store, act)()
    assert f"{path} is in use by process {holder.pid} ({sys.executable}" in str(error.value)
    assert "gave up after 0.05 s" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_connection_of_our_own_process_is_named(path: Path) -> None:
    Results(path).check()
    with duckdb.connect(path, read_only=True), pytest.raises(StoreError, match="in use by this process"):
        Results(path, patience_seconds=0).trials()
    with file.opened(path, patience_seconds=0), pytest.raises(StoreError, match="in use by this process"):
        Results(path, patience_seconds=0).trials()


WRITE = """
import fakes
from bench.store.results import Results
store = Results(path)
print('ready', flush=True)
first = int(input())
for seed in range(first, first + 4):
    store.add_trial(fakes.trial_result(seed=seed))
"""


def test_two_processes_make_and_fill_one_store(path: Path) -> None:
    with another_process(WRITE, path) as one, another_process(WRITE, path) as two:
        for process, first in ((one, "0"), (two, "4")):
            assert process.stdin
            process.stdin.write(f"{first}\n")
            process.stdin.flush()
        assert [process.communicate()[1] for process in (one, two)] == ["", ""]
    assert [trial.seed for trial in Results(path).trials()] == list(range(8))
    assert list(path.parent.iterdir()) == [path]


IN_THE_MIDDLE = """
import fakes
from bench.store import results, trials
insert = trials.insert

def stop(connection, table, rows):
    insert(connection, table, rows)
    if table == "scores":
        print("in the middle", flush=True)
        input()

results.Results(path).add_trial(fakes.trial_result(seed=0))
trials.insert = stop
results.Results(path).add_trial(fakes.trial_result(seed=1))
"""

AFTER_THE_COMMIT = """
import fakes
from contextlib import contextmanager
from bench.store import file
from bench.store.results import Results

@contextmanager
def stop(connection):
    yield connection
    print("before the end", flush=True)
    input()

Results(path).check()
file.closing = stop
Results(path).add_trial(fakes.trial_result(seed=0))
"""


@pytest.mark.parametrize("code", [IN_THE_MIDDLE, AFTER_THE_COMMIT], ids=["in the middle", "after the commit"])
def test_a_killed_process_loses_no_finished_trial(path: Path, code: str) -> None:
    with another_process(code, path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        store = Results(path)
        assert store.query("SELECT seed FROM trials", max_rows=9).rows == ((0,),)
        assert [trial.seed for trial in store.trials()] == [0]
        store.add_trial(fakes.trial_result(seed=1))
        assert store.trials() == tuple(fakes.trial_result(seed=seed) for seed in (0, 1))


WITHOUT_SPACE = """
import resource
from bench.store.results import Results
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
print("ready", flush=True)
input()
try:
    Results(path).check()
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_full_disk_is_noticed_and_loses_nothing_finished(path: Path) -> None:
    Results(path).add_trial(fakes.trial_result())
    with another_process(WITHOUT_SPACE, path) as process:
        out, _ = process.communicate("\n")
    assert "StoreError" in out
    assert "File too large" in out
    assert Results(path).trials() == (fakes.trial_result(),)


BEGIN = """
import fakes
from bench.store.results import Results
store = Results(path)
plan = fakes.run_plan(*(fakes.trial_result(seed=seed) for seed in range(3)))
store.add_run(
    "run", started_at="2026-01-02T03:04:05+00:00", command="csmae-bench run", hardware=fakes.HARDWARE,
    dataset=fakes.DATASET, plan=plan,
)
store.begin_trial(plan.trials[0], number=1, provenance=fakes.PROVENANCE)
store.add_trial(fakes.trial_result(seed=0))
store.begin_trial(plan.trials[1], number=2, provenance=fakes.PROVENANCE)
print("in hand", flush=True)
input()
"""


def test_a_killed_run_is_swept_and_a_slow_one_is_not(path: Path) -> None:
    store = Results(path)
    with another_process(BEGIN, path) as process:
        with duckdb.connect(path) as connection:
            connection.execute("UPDATE runs SET heartbeat_at = '2020-01-01'")
        assert store.sweep() == ()
        process.send_signal(signal.SIGKILL)  # its parent, this process, does not ask yet how it ended
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        (found,) = store.sweep()
    assert (found.run_id, found.finished, found.planned, found.heard_at) == ("run", 1, 3, "2020-01-01T00:00:00+00:00")
    assert [(cut.candidate.title, cut.seed) for cut in found.cut] == [("CECD nano", 1)]
    assert [(trial.seed, trial.outcome) for trial in store.trials()] == [(0, "completed"), (1, "interrupted")]
    assert f"process {process.pid} ended without a word" in store.trials()[1].cause
    assert store.sweep() == ()


SWEEP = """
from bench.store.results import Results
print("ready", flush=True)
input()
print(len(Results(path).sweep()))
"""


def test_of_two_that_sweep_at_once_one_finds_something(path: Path) -> None:
    with another_process(BEGIN, path) as process:
        process.kill()
    with another_process(SWEEP, path) as one, another_process(SWEEP, path) as two:
        for process in (one, two):
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        told = [process.communicate() for process in (one, two)]
    assert sorted(told) == [("0\n", ""), ("1\n", "")]
    assert [trial.outcome for trial in Results(path).trials()] == ["completed", "interrupted"]


LOCKED_OUT = """
import fakes
from bench.errors import StoreError
from bench.store.results import Results
store = Results(path, patience_seconds=0.05)
print("ready", flush=True)
input()
try:
    store.add_trial(fakes.trial_result())
except StoreError:
    print(store.spill(fakes.trial_result()).name)
"""


def test_a_trial_that_a_locked_store_did_not_take_comes_with_the_next_start(path: Path) -> None:
    store = Results(path)
    store.check()
    with another_process(LOCKED_OUT, path) as process, file.opened(path, patience_seconds=5):
        assert process.communicate("\n") == ("run-cecd-nano-0.json\n", "")
    assert store.trials() == ()
    store.check()
    assert store.trials() == (fakes.trial_result(),)
    assert store.sweep() == ()
    assert store.trials() == (fakes.trial_result(),)
