"""What may stand in a plan file: its keys, the rule of each value, and the words for what breaks a rule."""

import difflib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from bench.errors import UsageError
from bench.result import Precision
from models.config import SIZES, VARIANTS

VERSION: Final = 1
"""Goes up when a plan file of the version before would be understood otherwise."""

PRECISIONS: Final = ("auto", *get_args(Precision))

_LARGEST: Final = 10**9
"""Of any whole number: what counts more is a slip of the hand."""

_LONGEST_VALUE: Final = 40
"""Characters of a value that a message repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What may stand behind a key."""

    rule: str
    """As a message says it: "a whole number from 1"."""
    holds: Callable[[Any], bool]
    comment: str = ""
    """What the file says beside it."""
    names: Collection[str] = ()
    """The only values, where there are few."""
    required: bool = False


def _whole(least: int, comment: str = "", *, required: bool = False) -> Key:
    return Key(
        rule=f"a whole number from {least} to {_LARGEST}",
        holds=lambda value: type(value) is int and least <= value <= _LARGEST,
        comment=comment,
        required=required,
    )


def _text(comment: str) -> Key:
    return Key(rule="text in quotes", holds=lambda value: isinstance(value, str) and bool(value), comment=comment)


def _one_of(names: Collection[str], comment: str = "", *, required: bool = False) -> Key:
    return Key(
        rule=f"one of {', '.join(names)}",
        holds=lambda value: isinstance(value, str) and value in names,
        comment=comment,
        names=names,
        required=required,
    )


REQUEST: Final = {
    "data": _text('a folder of a known layout, or "synthetic", also with options'),
    "device": _text("auto, cpu, cuda or cuda:1"),
    "time_budget": _text("how long the whole run may take: 90s, 40m or 1h30m"),
    "precision": _one_of(PRECISIONS, "auto (the fastest that is measured), fp32, bf16 or fp16"),
    "batch_pairs": _whole(2, "pairs in a training step"),
    "learning_rate": Key(
        rule="a number above 0 and below 1",
        holds=lambda value: type(value) is float and 0 < value < 1,
        comment="the highest of each training",
    ),
    "k": _whole(1, "nearest neighbours that count in the scores"),
    "margin": Key(
        rule="a number from 0 to below 1",
        holds=lambda value: type(value) in (int, float) and 0 <= value < 1,
        comment="difference in score that does not matter: 0.01 is one point",
    ),
    "refine": Key(
        rule="true or false",
        holds=lambda value: isinstance(value, bool),
        comment="whether time that is left goes into trials that are not listed here",
    ),
}
"""The keys of [request]; each may be left out."""

TRIAL: Final = {
    "variant": _one_of(VARIANTS, required=True),
    "size": _one_of(SIZES, required=True),
    "seed": _whole(0, required=True),
    "steps": _whole(1, required=True),
    "rungs": Key(
        rule="a list of whole numbers, as [50, 100]",
        holds=lambda value: isinstance(value, list) and all(type(step) is int for step in value),
    ),
    "train_pairs": _whole(2),
}
"""The keys of a [[trial]]."""

TABLES: Final = ("version", "request", "trial", "refused", "notes")
"""What stands at the top."""

UNREAD: Final = ("about", "reason")
"""Words for people where a comment cannot stand, and what a refused candidate keeps when it becomes a trial."""


def values(table: object, keys: Mapping[str, Key], where: str) -> dict[str, Any]:
    """The table's values, each as its rule has it; keys left out stay out.

    Args:
        where: file and table, for messages.
    Raises: UsageError: a key is unknown or missing, or its value breaks the rule.
    """
    if not isinstance(table, dict):
        raise UsageError(f"{where} is no table of keys and values")
    check_names(table, keys, where)
    for name, key in keys.items():
        if name not in table and key.required:
            raise UsageError(f"{where}: {name} is missing: it is {key.rule}")
        if name in table and not key.holds(table[name]):
            hint = _hint(str(table[name]), key.names)
            raise UsageError(f"{where}: {name} = {_shown(table[name])} is not {key.rule}{hint}")
    return {name: table[name] for name in keys if name in table}


def check_names(table: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Refuse a key that is not known.

    Raises: UsageError: there is one; the message names the nearest that is known.
    """
    for name in table:
        if name not in known and name not in UNREAD:
            raise UsageError(f"{where}: there is no key {name!r}{_hint(name, known)}; there are {', '.join(known)}")


def _hint(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name.lower(), known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _shown(value: object) -> str:
    """A value as the file has it, in one short line."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
