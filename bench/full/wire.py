"""What the process of a full training tells, as lines of JSON. Imports no torch."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from bench.errors import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """The training is about to take its next step."""

    pid: int
    """Of the process that SIGTERM asks to save and end."""
    step: int
    """Steps that were made before."""
    steps: int
    """In all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """A stretch of steps, at most one epoch: a line of the metrics file."""

    epoch: int
    """From 1."""
    step: int
    """Steps made so far."""
    total: float
    """The loss, as its parts the mean over the stretch."""
    umr: float | None = None
    cmr: float | None = None
    mim: float | None = None
    mde: float | None = None
    learning_rate: float
    """Of the last step."""
    seconds: float
    """Of training so far, that before an interruption counted, writing files not."""
    pairs_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A checkpoint is on the disk."""

    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What its user should know, in a sentence."""

    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A file for use is on the disk."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FullEnded:
    """The last line."""

    finished: bool = False
    """Whether the last step was made and everything was exported."""
    problem: str = ""
    """For users; empty when nothing went wrong."""
    code: ExitCode = ExitCode.DONE
    resumable: bool = True
    """Whether going on from the last checkpoint may end otherwise."""


FullEvent = Began | Lap | Saved | Noted | Exported | FullEnded

_TYPES: Final[dict[str, type]] = {kind.__name__: kind for kind in (Began, Lap, Saved, Noted, Exported, FullEnded)}
_envelope: Final = msgspec.json.Decoder(tuple[str, msgspec.Raw])


def encode(event: FullEvent) -> bytes:
    """One line, newline included."""
    return msgspec.json.encode((type(event).__name__, event)) + b"\n"


def decode(line: bytes) -> Any:  # noqa: ANN401  the type is in the line; callers match on it
    """The event in a line.

    Raises: ValueError: the line is torn, as a killed writer leaves it.
    """
    try:
        name, body = _envelope.decode(line)
        return msgspec.json.decode(body, type=_TYPES[name])
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"not an event: {line[:80]!r}") from error
