"""csmae-bench run: train and score candidates, then say what to train."""

import shlex
from pathlib import Path

import rich_click as click

from advisor.cli import options
from bench.errors import ExitCode
from bench.plan.plan import DEFAULTS, Request
from bench.plan.schedule import DEFAULT_STEPS
from bench.result import Precision
from models.config import SIZES, VARIANTS

PRECISIONS: dict[str, Precision | None] = {"auto": None, "fp32": "fp32", "bf16": "bf16", "fp16": "fp16"}


@click.command(
    "run",
    epilog=options.examples(
        "csmae-bench run",
        "csmae-bench run --data my-pairs --time-budget 40m",
        "csmae-bench run --data my-pairs --variants secd,sesd --sizes tiny,small",
        "csmae-bench run --dry-run --time-budget 10m",
        "csmae-bench run --json > advice.json",
    ),
)
@click.option(
    "--data",
    metavar="PATH",
    default=DEFAULTS.data,
    show_default=True,
    help="The pairs: a folder of a known layout, or synthetic, also with options: synthetic:train=1024,level=hard.",
)
@click.option(
    "--variants",
    metavar="NAMES",
    callback=options.several_of("variant", VARIANTS),
    default=",".join(DEFAULTS.variants),
    show_default=True,
    help=f"What to train, with commas between: {', '.join(VARIANTS)}.",
)
@click.option(
    "--sizes",
    metavar="NAMES",
    callback=options.several_of("size", SIZES),
    default=",".join(DEFAULTS.sizes),
    show_default=True,
    help=f"At which sizes, with commas between: {', '.join(SIZES)}.",
)
@click.option(
    "--seeds",
    metavar="COUNT",
    type=click.IntRange(min=1),
    default=DEFAULTS.seeds,
    show_default=True,
    help="Trainings of each candidate. With one, no difference can be told from noise.",
)
@click.option(
    "--time-budget",
    metavar="TIME",
    callback=options.seconds,
    help="How long the whole run may take: 90s, 40m, 2h. Steps, then seeds, are fitted to it.",
)
@click.option(
    "--steps",
    metavar="COUNT",
    type=click.IntRange(min=1),
    help=f"Training steps of each trial. Left out: {DEFAULT_STEPS}, or what the time budget holds.",
)
@click.option(
    "--batch-pairs",
    metavar="COUNT",
    type=click.IntRange(min=2),
    default=DEFAULTS.batch_pairs,
    show_default=True,
    help="Pairs in a training step. Small batches and many steps learn fastest in short trials.",
)
@click.option(
    "--learning-rate",
    metavar="RATE",
    type=click.FloatRange(min=0, max=1, min_open=True, max_open=True),
    default=DEFAULTS.learning_rate,
    show_default=True,
    help="Highest learning rate of AdamW: reached after a warm-up, falling to zero at the end.",
)
@click.option(
    "--k",
    metavar="COUNT",
    type=click.IntRange(min=1),
    default=DEFAULTS.k,
    show_default=True,
    help="How many nearest neighbours count in the scores.",
)
@click.option(
    "--device",
    metavar="NAME",
    default=DEFAULTS.device,
    show_default=True,
    help="Where to train: auto, cpu, cuda or cuda:1.",
)
@click.option(
    "--precision",
    metavar="NAME",
    callback=options.one_of("precision", PRECISIONS),
    default="auto",
    show_default=True,
    help="Arithmetic of the training: fp32, bf16, fp16, or auto, the fastest that is measured here.",
)
@options.goal
@options.database
@click.option("-n", "--dry-run", is_flag=True, help="Profile, measure and plan, but train and store nothing.")
@options.as_json
@click.option("-q", "--quiet", is_flag=True, help="No progress and no talk; errors are still told.")
@click.pass_obj
def command(
    typed: tuple[str, ...],
    *,
    data: str,
    variants: tuple[str, ...],
    sizes: tuple[str, ...],
    seeds: int,
    time_budget: float | None,
    steps: int | None,
    batch_pairs: int,
    learning_rate: float,
    k: int,
    device: str,
    precision: str,
    goal: str,
    database: Path,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> ExitCode:
    """Train and score candidates in short trials, then say what to train and why.

    A candidate is a variant at a size. Every trial runs in a process of its own, and its outcome is in the store before
    the next one starts: Ctrl-C loses nothing that is finished. The advice goes to standard output, progress to
    standard error.
    """
    from advisor.cli.conduct import conduct, preview  # noqa: PLC0415  --help does without DuckDB, NumPy and SciPy

    request = Request(
        data=data,
        variants=variants,
        sizes=sizes,
        seeds=seeds,
        steps=steps,
        time_budget_seconds=time_budget,
        device=device,
        precision=PRECISIONS[precision],
        batch_pairs=batch_pairs,
        learning_rate=learning_rate,
        k=k,
        command=shlex.join(["csmae-bench", *typed]),
    )
    if dry_run:
        return preview(request, as_json=as_json, quiet=quiet)
    return conduct(request, database=database, goal=goal, as_json=as_json, quiet=quiet)
