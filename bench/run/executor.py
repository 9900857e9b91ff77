"""Where trials run: here, one at a time, each in a process of its own. The seam for other places."""

import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, Final, Protocol

from bench.errors import BenchError
from bench.plan.plan import TrialPlan
from bench.result import Outcome
from bench.run import deaths
from bench.run.events import Ended, Probed, TrialEvent
from bench.run.wire import Exited, Forked, Job, Ready, decode, encode

log = logging.getLogger(__name__)

START_SECONDS: Final = 180.0
"""Patience with the import of torch: a cold network disk takes a minute."""

JobEvent = Forked | Probed | TrialEvent


class Executor(Protocol):
    """Runs jobs and tells what they tell."""

    def run(self, job: Job, *, timeout_seconds: float) -> Generator[JobEvent]:
        """Events of the job; for a trial the last is always one `Ended`. Closing the iterator kills the job."""

    def close(self) -> None:
        """End everything that runs."""


class LocalExecutor:
    """Forks jobs from one warmed process (`bench.run.child`) on this machine."""

    def __init__(self, log_file: Path) -> None:
        """Start warming up at once, in the background.

        Args:
            log_file: where output of libraries and tracebacks go; its folder is made.
        """
        self.log_file = log_file
        log_file.parent.mkdir(parents=True, exist_ok=True)
        self._buffer = b""
        self._ready = False
        self._process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._ready = False
        self._buffer = b""
        # one thread until a job asks for more: threads that a library starts early do not survive the fork
        quiet = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        # threads that spin while they wait make a step ten times slower as soon as anything else wants a core
        quiet["OMP_WAIT_POLICY"] = os.environ.get("OMP_WAIT_POLICY", "PASSIVE")
        with self.log_file.open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "bench.run.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **quiet},
                start_new_session=True,  # Ctrl-C is the parent's to handle
            )

    def run(self, job: Job, *, timeout_seconds: float) -> Generator[JobEvent]:
        """Events of the job; for a trial the last is always one `Ended`.

        Raises: BenchError: the process that jobs are forked from does not start.
        """
        self._await_ready()
        deadline = monotonic() + timeout_seconds
        oom_before = deaths.oom_kills()
        ended, alive, pid = False, False, None
        try:
            self._stdin.write(encode(job))
            self._stdin.flush()
            alive = True
            while True:
                message = self._receive(deadline)
                match message:
                    case Forked():
                        pid = message.pid
                        yield message
                    case Exited():
                        alive = False
                        if not ended and isinstance(job, TrialPlan):
                            death = deaths.explain(message.status, kernel_killed=deaths.oom_kills() > oom_before)
                            yield Ended(trial_id=job.trial_id, outcome=death.outcome, cause=death.cause)
                        return
                    case Ended():
                        ended = True
                        yield message
                    case _:
                        yield message
        except TimeoutError:
            yield Ended(
                trial_id=job.trial_id if isinstance(job, TrialPlan) else "",
                outcome=Outcome.TIMED_OUT,
                cause=f"stopped after {timeout_seconds:.0f} s, the time it was given",
            )
        except (EOFError, BrokenPipeError):
            alive = False
            status = self._process.wait()
            self.close()
            self._process = self._spawn()
            yield Ended(
                trial_id=job.trial_id if isinstance(job, TrialPlan) else "",
                outcome=Outcome.FAILED,
                cause=f"the process that trials are forked from ended ({_exit_words(status)}); it was started again",
            )
        finally:
            if alive:
                self._kill(pid)

    @property
    def pid(self) -> int:
        """Of the warmed process."""
        return self._process.pid

    def close(self) -> None:
        """End the warmed process and what it forked."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()

    @property
    def _stdin(self) -> BinaryIO:
        assert self._process.stdin is not None  # noqa: S101  opened as a pipe above
        return self._process.stdin  # type: ignore[return-value]  # IO[bytes] is what Popen promises

    def _await_ready(self) -> None:
        if self._ready:
            return
        try:
            message = self._receive(monotonic() + START_SECONDS)
        except (EOFError, TimeoutError) as error:
            raise BenchError(f"the process that trains does not start; its output is in {self.log_file}") from error
        self._ready = isinstance(message, Ready)

    def _kill(self, pid: int | None) -> None:
        """Kill the job's process and read on until it is gone, so that the next job starts on a clean line.

        Args:
            pid: None when the fork has not been told of yet.
        """
        with suppress(EOFError, TimeoutError):
            while True:
                if pid is not None:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                message = self._receive(monotonic() + 10.0)
                if isinstance(message, Exited):
                    return
                if isinstance(message, Forked):
                    pid = message.pid

    def _receive(self, deadline: float) -> Any:  # noqa: ANN401  a message; callers match on it
        """The next whole message; torn lines of killed processes are skipped."""
        assert self._process.stdout is not None  # noqa: S101  opened as a pipe above
        descriptor = self._process.stdout.fileno()
        while True:
            line, newline, rest = self._buffer.partition(b"\n")
            if newline:
                self._buffer = rest
                try:
                    return decode(line)
                except ValueError:
                    if line:
                        log.warning("a torn line of a trial's process was skipped: %r", line[:80])
                    continue
            readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - monotonic()))
            if not readable:
                raise TimeoutError
            chunk = os.read(descriptor, 1 << 16)
            if not chunk:
                raise EOFError
            self._buffer += chunk


def _exit_words(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}, {signal.Signals(-code).name}"
