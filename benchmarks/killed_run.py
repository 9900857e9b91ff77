"""One real run on tiny synthetic pairs, and a SIGKILL for it at a chosen moment."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from os import environ
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import IO, Final

import psutil

DATA: Final = "synthetic:train=32,query=12,archive=20"

OPTIONS: Final = "--variants cecd,sesd --seeds 2 --steps 30 --batch-pairs 8 --precision fp32 --k 5"
"""Four trials of a few seconds."""

STORE: Final = "results.duckdb"

BUG: Final = "this is a bug in csmae-bench"

VICTIMS: Final = ("parent", "child", "both")

LONGEST_SECONDS: Final = 300.0
"""For a run to end by itself; an undisturbed one takes about 20 s."""

ORPHAN_SECONDS: Final = 10.0
"""For the processes of a killed run to follow it."""

POLL_SECONDS: Final = 0.0005
"""Between two looks at the store's files: a write takes some milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill to come."""

    victim: str
    """One of `VICTIMS`."""
    moment: float
    """From the start of the run, as a share of the time that runs take."""
    while_writing: bool
    """Whether the next write to the store is waited for from then on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended."""

    told: str
    """Its standard error."""
    seconds: float
    killed: bool
    """Whether its own process was."""
    faults: tuple[str, ...]
    """What was wrong with the ending itself."""


def kills(count: int, *, seed: int) -> Iterator[Kill]:
    """Kills at moments spread evenly over the length of a run, in random order, of each victim in turn."""
    random = Random(seed)
    moments = [(number + random.random()) / count for number in range(count)]
    random.shuffle(moments)
    for number, moment in enumerate(moments):
        writing = number // len(VICTIMS) % 3 == 0
        yield Kill(victim=VICTIMS[number % len(VICTIMS)], moment=moment, while_writing=writing)


def end(folder: Path, kill: Kill | None, *, options: str, usual_seconds: float) -> Ending:
    """One run from its start to its end, and that of its processes.

    Args:
        folder: for everything that it writes; its store is `STORE` in there.
        kill: None: it ends by itself.
        options: of `csmae-bench run`.
        usual_seconds: that runs take.
    """
    path = folder / "stderr.txt"
    began = monotonic()
    faults = []
    with path.open("wb") as stderr, _start(folder, options, stderr) as process:
        others = _strike(process, kill, usual_seconds, folder) if kill else []
        try:
            process.wait(LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            faults.append(f"it hangs: after {LONGEST_SECONDS:.0f} s it was stopped")
            process.kill()
    seconds = monotonic() - began
    _, orphans = psutil.wait_procs(others, timeout=ORPHAN_SECONDS)
    for orphan in orphans:
        faults.append(f"process {orphan.pid} outlives its run")
        orphan.kill()
    told = path.read_text(encoding="utf-8", errors="replace")
    if BUG in told:
        faults.append(told[told.index(BUG) :].partition("\n")[0])
    return Ending(told=told, seconds=seconds, killed=process.returncode == -signal.SIGKILL, faults=tuple(faults))


def _start(folder: Path, options: str, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    folders = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CACHE", "CONFIG", "DATA", "STATE")}
    program = Path(sys.executable).with_name("csmae-bench")
    return subprocess.Popen(  # noqa: S603  our own command, no words of others
        [program, "run", "--data", DATA, *options.split(), "--db", folder / STORE],
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        env={**environ, **folders, "COLUMNS": "1000"},
    )


def _strike(process: subprocess.Popen[bytes], kill: Kill, usual_seconds: float, folder: Path) -> list[psutil.Process]:
    """Kill when the time has come; the other processes that the run had then."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(kill.moment * usual_seconds)
    before = _files(folder)
    while kill.while_writing and process.poll() is None and _files(folder) == before:
        sleep(POLL_SECONDS)
    if process.poll() is not None:
        return []
    others = psutil.Process(process.pid).children(recursive=True)
    if kill.victim != "parent":
        for trial in others[-1:]:  # below the process that it was forked from
            with suppress(psutil.NoSuchProcess):
                trial.kill()
    if kill.victim != "child":
        process.kill()
    return others


def _files(folder: Path) -> list[tuple[str, int, int]]:
    """The store and its log of changes, as they are now."""
    found = []
    for path in sorted(folder.glob(f"{STORE}*")):
        with suppress(FileNotFoundError):
            status = path.stat()
            found.append((path.name, status.st_size, status.st_mtime_ns))
    return found
