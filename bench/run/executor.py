"""Where trials run: here, one at a time, each in a process of its own. The seam for other places and other devices."""

import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, Final, Protocol

from bench.errors import BenchError
from bench.plan.attempt import EdgeTried
from bench.plan.plan import TrialPlan
from bench.result import Outcome
from bench.run import deaths
from bench.run.events import Ended, Probed, TrialEvent
from bench.run.wire import Exited, Forked, Job, Ready, decode, encode

log = logging.getLogger(__name__)

START_SECONDS: Final = 180.0
"""Patience with the import of torch: a cold network disk takes a minute."""

STOPPED_BY_USER: Final = "stopped by the user"

GRACE_SECONDS: Final = 10.0
"""For a job that was asked to stop: a lap and a checkpoint."""

JobEvent = Forked | Probed | EdgeTried | TrialEvent


class Executor(Protocol):
    """Runs jobs, one after another, and tells what they tell. Several of them make trials run side by side."""

    def run(self, job: Job, *, timeout_seconds: float) -> Generator[JobEvent]:
        """Events of the job; for a trial the last is always one `Ended`. Closing the iterator kills the job."""

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Ask the job that runs, if any, to end itself, and end it after the grace.

        May be called from any thread and from a signal's handler. The job's last event is then a cancelled `Ended`.
        """

    def close(self) -> None:
        """End everything; nothing may run then."""


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
        self._busy = False
        self._job_pid: int | None = None
        self._stop_by = inf
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        self._process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._ready = False
        self._buffer = b""
        # one thread until a job asks for more: threads that a library starts early do not survive the fork
        quiet = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        quiet["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # as the driver counts them, not the fastest first
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
        deadline = monotonic() + timeout_seconds
        before, log_bytes = deaths.look([job.cache]), self.log_file.stat().st_size
        ended, alive = False, False
        self._busy = True
        try:
            self._await_ready(deadline)
            self._stdin.write(encode(job))
            self._stdin.flush()
            alive = True
            while True:
                message = self._receive(deadline)
                match message:
                    case Forked():
                        self._job_pid = message.pid
                        if self._stopping:
                            self._ask(message.pid)
                        yield message
                    case Exited():
                        alive = False
                        if not ended:
                            yield self._death(job, message.status, before, log_bytes)
                        return
                    case Ended() | Probed():
                        ended = True
                        yield message
                    case _:
                        yield message
        except TimeoutError:
            yield Ended(
                trial_id=job.trial_id if isinstance(job, TrialPlan) else "",
                outcome=Outcome.CANCELLED if self._stopping else Outcome.TIMED_OUT,
                cause=STOPPED_BY_USER
                if self._stopping
                else f"stopped after {timeout_seconds:.0f} s, the time it was given",
            )
        except (EOFError, BrokenPipeError):
            alive = False
            status = self._process.wait()
            self._end()
            self._process = self._spawn()
            yield Ended(
                trial_id=job.trial_id if isinstance(job, TrialPlan) else "",
                outcome=Outcome.FAILED,
                cause=f"the process that trials are forked from ended ({_exit_words(status)}); it was started again",
            )
        finally:
            if alive:
                self._kill(self._job_pid)
            self._busy, self._job_pid, self._stop_by = False, None, inf

    def _death(self, job: Job, status: int, before: deaths.Scene, log_bytes: int) -> Ended:
        trial_id = job.trial_id if isinstance(job, TrialPlan) else ""
        if self._stopping:  # it was asked before it could listen
            return Ended(trial_id=trial_id, outcome=Outcome.CANCELLED, cause=STOPPED_BY_USER)
        words = deaths.last_words(self.log_file, log_bytes)
        death = deaths.explain(status, before=before, after=deaths.look([job.cache]), words=words)
        return Ended(trial_id=trial_id, outcome=death.outcome, cause=death.cause)

    @property
    def _stopping(self) -> bool:
        return self._stop_by < inf

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Ask the job that runs, if any, to end itself; it is killed when that takes longer."""
        if not self._busy:
            return
        self._stop_by = monotonic() + grace_seconds
        self._ask(self._job_pid)
        os.write(self._wake, b"!")  # whoever waits for a message looks at the clock again

    def _ask(self, pid: int | None) -> None:
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    @property
    def pid(self) -> int:
        """Of the warmed process."""
        return self._process.pid

    def close(self) -> None:
        """End the warmed process and what it forked."""
        self._end()
        for end in (self._woken, self._wake):
            with suppress(OSError):  # closed before
                os.close(end)

    def _end(self) -> None:
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

    def _await_ready(self, deadline: float) -> None:
        if self._ready:
            return
        try:
            message = self._receive(min(deadline, monotonic() + START_SECONDS))
        except (EOFError, TimeoutError) as error:
            if isinstance(error, TimeoutError) and (self._stopping or monotonic() >= deadline):
                raise
            ending = "" if isinstance(error, TimeoutError) else _exit_words(self._process.wait())
            words = ": ".join(part for part in (ending, deaths.last_words(self.log_file, 0)) if part)
            said = f" ({words})" if words else ""
            raise BenchError(
                f"the process that trains does not start{said}; its output is in {self.log_file}"
            ) from error
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
                self._stop_by = inf  # it is being killed: no other limit counts
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
            left = min(deadline, self._stop_by) - monotonic()
            readable, _, _ = select.select([descriptor, self._woken], [], [], max(0.0, left))
            if not readable:
                raise TimeoutError
            if self._woken in readable:
                os.read(self._woken, 64)
                continue
            chunk = os.read(descriptor, 1 << 16)
            if not chunk:
                raise EOFError
            self._buffer += chunk


def _exit_words(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}, {signal.Signals(-code).name}"
