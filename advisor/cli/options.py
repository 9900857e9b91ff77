"""The options that commands share, and how their values are read."""

import difflib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final, TypeVar

import rich_click as click

from bench.errors import UsageError
from bench.plan.plan import DEFAULTS
from bench.result import Precision
from bench.units import parse_duration, parse_size
from models.config import SIZES, VARIANTS

F = TypeVar("F", bound=Callable[..., Any])

GOALS: Final = ("cross", "uni", "all")
"""Keys of `bench.score.goal.GOALS`, which loads SciPy; a test holds the two together."""


def unknown(kind: str, table: Collection[str], name: str) -> str:
    """What to say of a name that the table does not have: the nearest that it has, and all of them."""
    near = difflib.get_close_matches(name.lower(), table, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"there is no {kind} {name!r}{hint}; there are {', '.join(table)}"


def one_of(kind: str, table: Collection[str]) -> Callable[[click.Context, click.Parameter, str], str]:
    """A callback that reads one name of the table, in small or capital letters."""

    def read(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
        name = text.strip()
        if name.lower() not in table:
            raise click.BadParameter(unknown(kind, table, name))
        return name.lower()

    return read


def none_or_one_of(
    kind: str, table: Collection[str]
) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """The same for an option that may be left out."""
    read_one = one_of(kind, table)

    def read(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
        return None if text is None else read_one(context, parameter, text)

    return read


def several_of(kind: str, table: Collection[str]) -> Callable[[click.Context, click.Parameter, str], tuple[str, ...]]:
    """A callback that reads names of the table with commas between them; one named twice counts once."""
    read_one = one_of(kind, table)

    def read(context: click.Context, parameter: click.Parameter, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(read_one(context, parameter, part) for part in text.split(",")))

    return read


def seconds(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    """A callback that reads a duration."""
    try:
        return None if text is None else parse_duration(text)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error


def size(_context: click.Context, _parameter: click.Parameter, text: str | None) -> int | None:
    """A callback that reads an amount of memory."""
    try:
        return None if text is None else parse_size(text)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error


variants = click.option(
    "--variants",
    metavar="NAMES",
    callback=several_of("variant", VARIANTS),
    default=",".join(DEFAULTS.variants),
    show_default=True,
    help=f"Of which candidates, with commas between: {', '.join(VARIANTS)}.",
)

sizes = click.option(
    "--sizes",
    metavar="NAMES",
    callback=several_of("size", SIZES),
    default=",".join(DEFAULTS.sizes),
    show_default=True,
    help=f"At which sizes, with commas between: {', '.join(SIZES)}.",
)


def full_size(note: str) -> Callable[[F], F]:
    """The option of the size at which one candidate is trained in full."""
    return click.option(
        "--size", metavar="NAME", callback=one_of("size", SIZES), default="base", show_default=True, help=note
    )


full_batch_pairs = click.option(
    "--batch-pairs",
    metavar="COUNT",
    type=click.IntRange(min=2),
    default=128,
    show_default=True,
    help="Pairs in a training step, on all devices together.",
)

full_epochs = click.option(
    "--epochs",
    metavar="COUNT",
    type=click.IntRange(min=1),
    default=150,
    show_default=True,
    help="Times that every training pair is seen.",
)

PRECISIONS: Final[dict[str, Precision | None]] = {"auto": None, "fp32": "fp32", "bf16": "bf16", "fp16": "fp16"}


def precision(default: str, meaning: str) -> Callable[[F], F]:
    """The option of the arithmetic; the command receives a key of `PRECISIONS`.

    Args:
        default: "auto", or a name, and then "auto" is none of the choices.
        meaning: the help.
    """
    table = [name for name in PRECISIONS if name != "auto" or default == "auto"]
    return click.option(
        "--precision",
        metavar="NAME",
        callback=one_of("precision", table),
        default=default,
        show_default=True,
        help=meaning,
    )


database = click.option(
    "--db",
    "database",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    default="results.duckdb",
    envvar="CSMAE_DB",
    show_envvar=True,
    show_default=True,
    help="The store of results.",
)

goal = click.option(
    "--goal",
    metavar="NAME",
    callback=one_of("goal", GOALS),
    default="cross",
    show_default=True,
    help="What is searched for: cross (the other sensor's images), uni (the same sensor's) or all.",
)


def _weighted(context: click.Context, parameter: click.Parameter, text: str) -> str:
    """A callback that reads a preset or weights of directions, and gives them back in their one way of writing."""
    name = text.strip().lower()
    if name in GOALS or "=" not in name:
        return one_of("goal", (*GOALS, "s1-s2=3,s2-s1=1"))(context, parameter, text)
    from bench.score.goal import read_goal  # noqa: PLC0415  presets do without SciPy

    try:
        return read_goal(name).key
    except UsageError as error:
        raise click.BadParameter(str(error)) from error


weighted_goal = click.option(
    "--goal",
    metavar="GOAL",
    callback=_weighted,
    default="cross",
    show_default=True,
    help="What is searched for: cross (the other sensor's images), uni (the same sensor's) or all; or weights of "
    "s1-s1, s2-s2, s1-s2, s2-s1, s1-both and s2-both (an archive of both sensors), as s1-s2=3,s2-s1=1.",
)

simulate = click.option(
    "--simulate",
    "recording",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Take the machine recorded in FILE for this one; csmae-bench doctor -o FILE records one.",
)

gpu_memory = click.option(
    "--gpu-memory",
    "gpu_memory_bytes",
    metavar="SIZE",
    callback=size,
    help="Take the machine for one with a single GPU of this memory, as 24G or 24GiB.",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\n\n".join(("Examples:", *(f"$ {line}" for line in lines)))
