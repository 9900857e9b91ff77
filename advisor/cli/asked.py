"""What to run, as asked on the command line: the options that `run` and `plan` share, and the request they make."""

import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any, Final, TypedDict, TypeVar

import rich_click as click
from click.core import ParameterSource

from advisor.cli import options
from bench.errors import UsageError
from bench.plan.plan import DEFAULT_STEPS, DEFAULTS, Request

BESIDE_A_PLAN: Final = ("--time-budget", "--device")
"""Options that say again what a plan file says; the others cannot be given with one."""

F = TypeVar("F", bound=Callable[..., Any])


class Asked(TypedDict):
    """The values of the options, by the names that a command receives them under."""

    plan: Path | None
    data: str
    variants: tuple[str, ...]
    sizes: tuple[str, ...]
    seeds: int
    time_budget: float | None
    steps: int | None
    batch_pairs: int
    learning_rate: float
    k: int
    baselines: bool
    device: str
    precision: str


_OPTIONS: Final = (
    click.option(
        "--plan",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Take the trials from a file that csmae-bench plan made, in its order. "
        f"Of the options that say what to run, only {' and '.join(BESIDE_A_PLAN)} may be given with it.",
    ),
    click.option(
        "--data",
        metavar="PATH",
        default=DEFAULTS.data,
        show_default=True,
        help="The pairs: a folder of a known layout, or synthetic, also with options: synthetic:train=1024,level=hard.",
    ),
    options.variants,
    options.sizes,
    click.option(
        "--seeds",
        metavar="COUNT",
        type=click.IntRange(min=1),
        default=DEFAULTS.seeds,
        show_default=True,
        help="Trainings of each candidate. With one, no difference can be told from noise.",
    ),
    click.option(
        "--time-budget",
        metavar="TIME",
        callback=options.seconds,
        help="How long the whole run may take: 90s, 40m, 2h. Steps, then seeds, are fitted to it.",
    ),
    click.option(
        "--steps",
        metavar="COUNT",
        type=click.IntRange(min=1),
        help=f"Training steps of each trial. Left out: {DEFAULT_STEPS}, or what the time budget holds.",
    ),
    click.option(
        "--batch-pairs",
        metavar="COUNT",
        type=click.IntRange(min=2),
        default=DEFAULTS.batch_pairs,
        show_default=True,
        help="Pairs in a training step. Small batches and many steps learn fastest in short trials.",
    ),
    click.option(
        "--learning-rate",
        metavar="RATE",
        type=click.FloatRange(min=0, max=1, min_open=True, max_open=True),
        default=DEFAULTS.learning_rate,
        show_default=True,
        help="Highest learning rate of AdamW: reached after a warm-up, falling to zero at the end.",
    ),
    click.option(
        "--k",
        metavar="COUNT",
        type=click.IntRange(min=1),
        default=DEFAULTS.k,
        show_default=True,
        help="How many nearest neighbours count in the scores.",
    ),
    click.option(
        "--baselines/--no-baselines",
        default=True,
        show_default=True,
        help="Also train, once a size, an autoencoder of each sensor alone, if time allows: what the others must beat.",
    ),
    click.option(
        "--device",
        metavar="NAME",
        default=DEFAULTS.device,
        show_default=True,
        help="Where to train: auto, cpu, cuda or cuda:1.",
    ),
    options.precision(
        "auto", "Arithmetic of the training: fp32, bf16, fp16, or auto, the fastest that is measured here."
    ),
)


def run_options(command: F) -> F:
    """Give the command the options that say what to run."""
    return reduce(lambda inner, option: option(inner), reversed(_OPTIONS), command)


def as_request(context: click.Context, asked: Asked) -> Request:
    """The request that the options make, or the one of the plan file that they name.

    Args:
        context: of the command; its object is the words that were typed.
    Raises: UsageError: the plan file cannot be used, or an option says what only the file may say.
    """
    command = shlex.join(["csmae-bench", *context.obj])
    if asked["plan"]:
        return replace(_of_file(context, asked, asked["plan"]), command=command)
    return Request(
        data=asked["data"],
        variants=asked["variants"],
        sizes=asked["sizes"],
        seeds=asked["seeds"],
        steps=asked["steps"],
        time_budget_seconds=asked["time_budget"],
        device=asked["device"],
        precision=options.PRECISIONS[asked["precision"]],
        batch_pairs=asked["batch_pairs"],
        learning_rate=asked["learning_rate"],
        k=asked["k"],
        baselines=DEFAULTS.baselines if asked["baselines"] else (),
        command=command,
    )


def given_options(context: click.Context) -> set[str]:
    """Which of the options that say what to run were given, by their names on the command line."""
    return {
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name in Asked.__annotations__
        and context.get_parameter_source(parameter.name) is not ParameterSource.DEFAULT
    }


def _of_file(context: click.Context, asked: Asked, path: Path) -> Request:
    from bench.plan.file import read  # noqa: PLC0415  without a plan file nothing needs tomlkit

    given = given_options(context)
    clash = sorted(given - {"--plan", *BESIDE_A_PLAN})
    if clash:
        names = ", ".join(clash)
        raise UsageError(f"{names} cannot be given with --plan: {path} says what to run; edit it, or leave one out")
    request = read(path)
    if "--time-budget" in given:
        request = replace(request, time_budget_seconds=asked["time_budget"])
    if "--device" in given:
        request = replace(request, device=asked["device"])
    return request
