"""What the process that trials are forked from does. Importing this loads torch and timm.

It reads one job a line from standard input, forks, and the fork runs the job and writes events to what was standard
output; this process only waits and tells how the fork ended. Before any fork it starts no thread and touches no
accelerator, since neither survives a fork.
"""

import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from bench.plan.attempt import EdgePlan
from bench.plan.plan import ProbePlan, TrialPlan
from bench.run import attempt, memory, probe, trial
from bench.run.causes import explain_exception
from bench.run.events import Ended, Probed
from bench.run.tether import die_with_parent
from bench.run.wire import Exited, Forked, Job, Message, Ready, decode, encode


def serve() -> None:
    """Serve jobs until standard input ends."""
    channel = os.dup(1)
    os.dup2(2, 1)  # what a library prints goes to the log, not among the events

    def send(message: Message) -> None:
        line = encode(message)
        while line:
            line = line[os.write(channel, line) :]

    send(Ready())
    for line in sys.stdin.buffer:
        job = decode(line)
        me = os.getpid()
        pid = os.fork()
        if pid == 0:
            die_with_parent(me)
            send(Forked(pid=os.getpid()))
            _work(job, send)
        _, status = os.waitpid(pid, 0)
        os.write(channel, b"\n")  # ends a line that a killed fork left torn
        send(Exited(status=status))


def _work(job: Job, send: Callable[[Message], None]) -> NoReturn:
    """Do the job and end this fork without running the parent's clean-up."""
    code = 1
    try:
        match job:
            case TrialPlan():
                memory.confine(job.memory_limit_bytes, threads=job.threads, maps=job.cache)
                trial.run(job, send)
            case ProbePlan():
                send(Probed(probe=probe.probe(job)))
            case EdgePlan():
                attempt.run(job, send)
        code = 0
    except BaseException as error:  # noqa: BLE001  the last frame of the process: whatever it is, it is told
        traceback.print_exc()
        trial_id = job.trial_id if isinstance(job, TrialPlan) else ""
        with contextlib.suppress(OSError):  # the reader is gone: nobody is left to tell
            outcome, cause = explain_exception(error)
            send(Ended(trial_id=trial_id, outcome=outcome, cause=cause))
    finally:
        sys.stderr.flush()
        os._exit(code)
