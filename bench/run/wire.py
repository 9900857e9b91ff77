"""Events as lines of JSON between a trial's process and the one that reads it."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from bench.plan.attempt import EdgePlan, EdgeTried
from bench.plan.plan import ProbePlan, TrialPlan
from bench.run.events import CostsMeasured, Ended, Noted, PhaseEntered, Probed, RungScored, StepMeasured, TrialEvent

Job = TrialPlan | ProbePlan | EdgePlan
"""What a process can be asked to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The process that forks the trials has loaded everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forked:
    """A job's process lives."""

    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """A job's process is gone."""

    status: int
    """As `os.waitpid` gives it."""


Message = Job | Ready | Forked | Exited | Probed | EdgeTried | TrialEvent
"""Everything that travels, in either direction."""

_TYPES: Final[dict[str, type]] = {
    kind.__name__: kind
    for kind in (
        TrialPlan,
        ProbePlan,
        EdgePlan,
        Ready,
        Forked,
        Exited,
        Probed,
        EdgeTried,
        PhaseEntered,
        StepMeasured,
        RungScored,
        CostsMeasured,
        Noted,
        Ended,
    )
}
_envelope: Final = msgspec.json.Decoder(tuple[str, msgspec.Raw])


def encode(message: Message) -> bytes:
    """One line, newline included."""
    return msgspec.json.encode((type(message).__name__, message)) + b"\n"


def decode(line: bytes) -> Any:  # noqa: ANN401  the type is in the line; callers match on it
    """The message in a line.

    Raises: ValueError: the line is torn or of another version, as a killed writer leaves it.
    """
    try:
        name, body = _envelope.decode(line)
        return msgspec.json.decode(body, type=_TYPES[name])
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"not a message: {line[:80]!r}") from error
