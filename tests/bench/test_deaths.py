import os
import signal

import pytest

from bench.result import Outcome
from bench.run import deaths


def status_of(action: str) -> int:
    """The wait status of a forked process that does this."""
    pid = os.fork()
    if pid == 0:
        if action == "exit":
            os._exit(3)
        os.kill(os.getpid(), getattr(signal, action))
    return os.waitpid(pid, 0)[1]


@pytest.mark.parametrize(
    ("action", "kernel_killed", "outcome", "words"),
    [
        ("exit", False, Outcome.FAILED, "exit code 3"),
        ("SIGKILL", False, Outcome.FAILED, "killed by signal 9 (SIGKILL)"),
        ("SIGKILL", True, Outcome.OUT_OF_MEMORY, "the kernel killed its process because memory ran out"),
        ("SIGTERM", True, Outcome.FAILED, "killed by signal 15 (SIGTERM)"),
    ],
)
def test_the_cause_of_a_death_is_named(action: str, kernel_killed: bool, outcome: Outcome, words: str) -> None:
    death = deaths.explain(status_of(action), kernel_killed=kernel_killed)
    assert death.outcome is outcome
    assert words in death.cause


def test_the_kernels_kills_are_counted() -> None:
    assert deaths.oom_kills() >= 0
