"""csmae-advisor: machine, data, run and advice in a terminal."""

import os
import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource

from bench.errors import ExitCode, UsageError
from bench.plan.plan import DEFAULTS, Request
from bench.units import parse_duration
from models.config import SIZES, VARIANTS

DATABASE: Final = "results.duckdb"


def _among(table: Iterable[str]) -> Callable[[click.Context, click.Parameter, str], tuple[str, ...]]:
    """A callback that splits at commas and refuses what the table does not have."""

    def names(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[str, ...]:
        asked = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",")))
        unknown = [repr(name) for name in asked if name not in table]
        if unknown:
            raise click.BadParameter(f"{', '.join(unknown)} is not among {', '.join(table)}")
        return asked

    return names


def _seconds(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    try:
        return None if text is None else parse_duration(text)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error


def headless(context: click.Context) -> str:
    """The command line that runs the same without a terminal: what was typed, for `csmae-bench run`."""
    words = ["csmae-bench", "run"]
    for name, value in context.params.items():
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            words += [f"--{name.replace('_', '-')}", _typed(value)]
    return shlex.join(words)


def _typed(value: object) -> str:
    """An option's value as it is written on a command line."""
    match value:
        case tuple():
            return ",".join(value)
        case float():
            return f"{value:.10g}s"
        case _:
            return str(value)


def has_terminal() -> bool:
    """Whether there is a terminal to draw on and to read keys from."""
    return os.environ.get("TERM") != "dumb" and all(s.isatty() for s in (sys.stdin, sys.stdout, sys.stderr))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data", metavar="PATH", help=f"The pairs: a path, or {DEFAULTS.data}:OPTIONS. [default: {DEFAULTS.data}]"
)
@click.option(
    "--db", metavar="FILE", default=DATABASE, envvar="CSMAE_DB", show_default=True, help="The store of results."
)
@click.option(
    "--variants",
    callback=_among(VARIANTS),
    default=",".join(DEFAULTS.variants),
    show_default=True,
    help="What to train.",
)
@click.option(
    "--sizes", callback=_among(SIZES), default=",".join(DEFAULTS.sizes), show_default=True, help="At which sizes."
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=DEFAULTS.seeds,
    show_default=True,
    help="Trainings of each candidate.",
)
@click.option("--time-budget", metavar="TIME", callback=_seconds, help="How long a run may take: 90s, 40m, 2h.")
@click.version_option(package_name="csmae-advisor")
@click.pass_context
def main(
    context: click.Context,
    *,
    data: str | None,
    db: str,
    variants: tuple[str, ...],
    sizes: tuple[str, ...],
    seeds: int,
    time_budget: float | None,
) -> None:
    """Which cross-sensor masked autoencoder should I train? Profile, run and advice in one terminal."""
    if not has_terminal():
        click.echo("csmae-advisor needs a terminal. Without one, csmae-bench run does the same.", err=True)
        context.exit(ExitCode.USAGE)
    from advisor.tui.app import AdvisorApp  # noqa: PLC0415  --help and a refusal load no Textual
    from advisor.tui.engine import BenchEngine  # noqa: PLC0415  the same

    request = Request(
        data=data or DEFAULTS.data,
        variants=variants,
        sizes=sizes,
        seeds=seeds,
        time_budget_seconds=time_budget,
        command=headless(context),
    )
    store = Path(db)
    AdvisorApp(BenchEngine(request, store), opening="advice" if data is None and store.exists() else "profile").run()
