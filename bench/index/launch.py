"""Starts the process that measures indexes and hands on what it tells. Imports no faiss."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

from bench.errors import BenchError, DataError, ExitCode, UnfitError
from bench.index.records import IndexPlan
from bench.index.wire import IndexEnded, IndexProgress, IndexSkipped, decode, encode
from bench.plan.index import IndexMeasurement

START_SECONDS: Final = 60.0
"""Patience with the import of NumPy and faiss; the time limit counts from then on."""

_ERRORS: Final[dict[ExitCode, type[BenchError]]] = {ExitCode.USAGE: DataError, ExitCode.UNFIT: UnfitError}

Told = IndexProgress | IndexSkipped | IndexMeasurement


def launch(plan: IndexPlan, *, log_file: Path) -> Generator[Told]:
    """Measure in a process of its own; closing the iterator ends it.

    A time limit that ends in the middle of a measurement drops that one only: an `IndexSkipped` says which.

    Args:
        log_file: where output of libraries and tracebacks go; its folder is made.
    Raises: BenchError: the descriptors cannot be used, or the process died; what was told before stays true.
    """
    log_file.parent.mkdir(parents=True, exist_ok=True)
    # threads that spin while they wait slow down whatever else wants a core, and the search with it
    environment = {**os.environ, "OMP_NUM_THREADS": str(plan.threads), "OMP_WAIT_POLICY": "PASSIVE"}
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.index.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            start_new_session=True,  # Ctrl-C is the parent's to handle
        )
    channel = _Channel(process)
    try:
        yield from _told(process, channel, plan, log_file)
    finally:
        process.kill()
        process.wait()
        channel.close()


def _told(process: subprocess.Popen[bytes], channel: "_Channel", plan: IndexPlan, log_file: Path) -> Generator[Told]:
    deadline, doing = monotonic() + START_SECONDS, ""
    try:
        channel.send(encode(plan))
        while True:
            event = decode(channel.line(deadline))
            if not doing:
                deadline = monotonic() + plan.time_limit_seconds
            match event:
                case IndexEnded(problem=""):
                    return
                case IndexEnded():
                    raise _ERRORS.get(event.code, BenchError)(event.problem)
                case IndexProgress():
                    doing = event.what
            yield event
    except TimeoutError:
        if not doing:
            raise BenchError(f"the process that measures indexes does not start; its output is in {log_file}") from None
        yield IndexSkipped(what=doing, reason="the time limit ended it")
    except (EOFError, BrokenPipeError, ValueError):
        raise BenchError(
            f"the process that measures indexes ended ({_exit_words(process.wait())}) "
            f"{f'during {doing}' if doing else 'before it began'}; its output is in {log_file}"
        ) from None


class _Channel:
    """Lines to and from a process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None  # noqa: S101  opened as a pipe in `launch`
        assert process.stdout is not None  # noqa: S101  the same
        self._to, self._from = process.stdin, process.stdout
        self._buffer = b""

    def send(self, line: bytes) -> None:
        self._to.write(line)
        self._to.flush()

    def line(self, deadline: float) -> bytes:
        """The next line.

        Raises: TimeoutError, EOFError: none came in time, or none will.
        """
        while b"\n" not in self._buffer:
            readable, _, _ = select.select([self._from], [], [], max(0.0, deadline - monotonic()))
            if not readable:
                raise TimeoutError
            part = os.read(self._from.fileno(), 1 << 16)
            if not part:
                raise EOFError
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def close(self) -> None:
        self._from.close()
        with suppress(BrokenPipeError):
            self._to.close()


def _exit_words(code: int) -> str:
    if code == -signal.SIGKILL:
        return "killed by SIGKILL: most likely memory ran out"
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
