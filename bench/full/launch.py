"""Starts the process of a full training, or one a GPU, and hands on what is told. Imports no torch."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bench.errors import BenchError
from bench.full.plan import FullPlan
from bench.full.wire import Began, FullEnded, FullEvent, decode
from bench.run import deaths

LOG_FILE: Final = "log.txt"
"""Output of libraries and tracebacks, in the training's folder."""

LEAVING_SECONDS: Final = 30.0
"""Patience with processes that have told their end."""

KILL_SECONDS: Final = 5.0
"""From the wish that they end at once to their death."""


def command_line(plan: FullPlan, folder: Path, *, limit_steps: int | None, export_only: bool) -> list[str]:
    """What trains; several devices meet through torchrun on this machine."""
    several = len(plan.devices) > 1 and not export_only
    meet = ["torch.distributed.run", "--standalone", f"--nproc-per-node={len(plan.devices)}", "-m"] if several else []
    limit = [] if limit_steps is None else ["--limit-steps", str(limit_steps)]
    only = ["--export"] if export_only else []
    return [sys.executable, "-m", *meet, "bench.full.process", str(folder), *limit, *only]


class Launch:
    """A training that runs; leaving the context ends it at once."""

    def __init__(self, plan: FullPlan, folder: Path, *, limit_steps: int | None, export_only: bool) -> None:
        """Start it.

        Args:
            folder: holds the plan.
            limit_steps: steps to make at most.
            export_only: train nothing.
        """
        # threads that spin while they wait slow down whatever else wants a core
        environment = {**os.environ, "OMP_NUM_THREADS": str(plan.threads), "OMP_WAIT_POLICY": "PASSIVE"}
        gpus = [device.partition(":")[2] for device in plan.devices if device != "cpu"]
        if len(gpus) > 1 and not export_only:
            # each process takes the GPU of its number among those that it sees
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(_seen(gpus))
        self._log, self._cache = folder / LOG_FILE, plan.cache
        with self._log.open("ab") as log:
            self._log_bytes, self._scene = log.tell(), deaths.look([plan.cache])
            self._process = subprocess.Popen(  # noqa: S603  this interpreter, and our own module
                command_line(plan, folder, limit_steps=limit_steps, export_only=export_only),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C is the parent's to handle
            )
        self._leader = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        """End what still runs; processes under torchrun go with it."""
        self._process.terminate()
        try:
            self._process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def stop(self) -> None:
        """Ask the training to save and end; safe in a signal's handler."""
        with suppress(ProcessLookupError):
            os.kill(self._leader, signal.SIGTERM)

    def events(self) -> Iterator[FullEvent]:
        """What is told, to the end.

        Raises: BenchError: the process died without a word.
        """
        for line in self._process.stdout or ():
            try:
                event = decode(line)
            except ValueError:
                continue  # torn by the death that is told below
            if isinstance(event, Began):
                self._leader = event.pid
            yield event
            if isinstance(event, FullEnded):
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(LEAVING_SECONDS)
                return
        code = self._process.wait()
        death = deaths.explain(
            code << 8 if code >= 0 else -code,
            before=self._scene,
            after=deaths.look([self._cache]),
            words=deaths.last_words(self._log, self._log_bytes),
        )
        raise BenchError(f"the training ended: {death.cause}; its output is in {self._log}")


def _seen(gpus: list[str]) -> list[str]:
    """Their names in CUDA_VISIBLE_DEVICES, where that is set already."""
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return [visible[int(gpu)] if visible else gpu for gpu in gpus]
