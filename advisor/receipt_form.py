"""The form of a receipt, and how one is read."""

from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from advisor.reasons import Reason
from advisor.recommend import Verdict
from bench.errors import UsageError
from bench.result import DataUse, Outcome, Precision
from bench.score.goal import GOALS

SCHEMA_VERSION: Final = 1
"""Goes up when a field changes its meaning or goes away, or when trials are hashed in another way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The advice."""

    verdict: Verdict
    candidate: str
    """What to train, as "CECD nano"; empty where nothing can be said."""
    tied: tuple[str, ...]
    headline: str
    reasons: tuple[Reason, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where trials ran: equal environments give equal scores, bit for bit."""

    tool_version: str
    commit: str | None
    """Git commit of the tool, with "+" when the tree was changed; None outside a checkout."""
    protocol: int
    machine: str
    versions: dict[str, str]
    """Of Python and the packages that can change a number."""
    device: str
    precision: Precision
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An environment and its trials."""

    environment: Environment
    trial_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One trial of the run."""

    trial_id: str
    candidate: str
    """As "CECD nano"."""
    seed: int
    steps: int
    train_pairs: int
    outcome: Outcome
    counted: bool
    """Whether the advice compares it; the others are of other data or settings, or a seed again."""
    score: float | None
    """The goal's metric, mean over the goal's directions; None without one."""
    command: str
    """What was run to make it."""
    sha256: str
    """Of its content in the store, times and the machine's costs left out."""
    scores_sha256: str
    """Of what training it again gives again: its scores, of classes and single queries too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number that the advice shows."""

    name: str
    value: float
    """Scores as shares: 0.01 is a point."""
    trial_ids: tuple[str, ...]
    seeds: tuple[int, ...]
    sql: str
    """Gives the value from the store; empty where no SQL can."""
    answer: float | None
    """What the SQL gave when the receipt was made."""
    verified: bool
    """Whether that was the value; false where there is no SQL."""
    function: str
    """What gives the value where SQL cannot; else empty."""
    bootstrap_seed: int | None
    """Of the resampling or drawing behind it; None where nothing is left to chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a reviewer needs to check an advice."""

    kind: Literal["csmae-bench receipt"] = "csmae-bench receipt"
    schema_version: int = SCHEMA_VERSION
    made_by: str
    """Version of the tool that wrote it."""
    run_id: str
    goal: str
    """A key of `bench.score.goal.GOALS`, as asked."""
    metric: str
    """A key of `bench.score.METRICS`; empty without trials."""
    k: int | None
    command: str
    """What was run."""
    advice: Said
    data: DataUse
    planned_seeds: dict[str, tuple[int, ...]]
    """By candidate, as the run's plan has them."""
    places: tuple[Place, ...]
    trials: tuple[Entry, ...]
    """All of the run, by name."""
    numbers: tuple[Number, ...]
    indexes_until: str
    """When the newest measurement of an index that the advice knew of was made, UTC; empty without one."""
    tolerance: float | None
    """How far the score of a trial that is trained again elsewhere may be off; None where noise is not known."""

    def __post_init__(self) -> None:
        """Refuse a goal that there is not."""
        if self.goal not in GOALS:
            raise ValueError(f"goal={self.goal!r} is none of {', '.join(GOALS)}")

    @property
    def unverified(self) -> tuple[Number, ...]:
        """Numbers that the store's SQL contradicts."""
        return tuple(number for number in self.numbers if number.sql and not number.verified)


def read(content: bytes, *, name: str) -> Receipt:
    """The receipt in a file.

    Args:
        name: of the file, for errors.
    Raises: UsageError: it is none, or of a form that this tool does not know.
    """
    try:
        head = msgspec.json.decode(content, type=_Head)
    except msgspec.DecodeError as error:
        raise UsageError(f"{name} is no receipt: csmae-bench receipt --out FILE.json makes one") from error
    if head.schema_version != SCHEMA_VERSION:
        age = "a newer" if head.schema_version > SCHEMA_VERSION else "an older"
        raise UsageError(
            f"{name} is of {age} form (schema version {head.schema_version}, here {SCHEMA_VERSION}): verify it with "
            "the version of csmae-advisor that made it"
        )
    try:
        return msgspec.json.decode(content, type=Receipt)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name} is a damaged receipt: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What is read first, to know whether the rest can be."""

    kind: Literal["csmae-bench receipt"]
    schema_version: int
