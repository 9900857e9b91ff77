"""What the process that measures indexes is asked and tells, as lines of JSON. Imports no faiss."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from bench.errors import ExitCode
from bench.index.records import IndexPlan
from bench.plan.index import IndexMeasurement


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexProgress:
    """What is done from now on."""

    what: str
    """As "HNSW over 16,384 real descriptors"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSkipped:
    """What is not measured, with its one reason."""

    what: str
    reason: str

    @property
    def words(self) -> str:
        """In a sentence."""
        return f"{self.what} was not measured: {self.reason}."


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEnded:
    """The last line: all is done, or nothing more can be."""

    problem: str = ""
    """For users; empty when all is done."""
    code: ExitCode = ExitCode.DONE


IndexEvent = IndexProgress | IndexSkipped | IndexMeasurement | IndexEnded

_TYPES: Final[dict[str, type]] = {
    kind.__name__: kind for kind in (IndexPlan, IndexProgress, IndexSkipped, IndexMeasurement, IndexEnded)
}
_envelope: Final = msgspec.json.Decoder(tuple[str, msgspec.Raw])


def encode(event: IndexPlan | IndexEvent) -> bytes:
    """One line, newline included."""
    return msgspec.json.encode((type(event).__name__, event)) + b"\n"


def decode(line: bytes) -> Any:  # noqa: ANN401  the type is in the line; callers match on it
    """The plan or event in a line.

    Raises: ValueError: the line is torn, as a killed writer leaves it.
    """
    try:
        name, body = _envelope.decode(line)
        return msgspec.json.decode(body, type=_TYPES[name])
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"not an event: {line[:80]!r}") from error
