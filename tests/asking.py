"""What tests of the command line share."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from advisor.cli import bench
from advisor.cli.boundary import answer
from bench.errors import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command left behind."""

    code: ExitCode
    out: str
    err: str


@pytest.fixture
def ask(capfd: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Ask csmae-bench, in this process, with its streams read from their file descriptors."""

    def asked(*words: str) -> Answer:
        code = answer(bench, words)
        captured = capfd.readouterr()
        return Answer(code=code, out=captured.out, err=captured.err)

    return asked
