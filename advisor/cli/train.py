"""csmae-bench train: the full training of one candidate."""

from pathlib import Path
from typing import Final

import rich_click as click
from click.core import ParameterSource

from advisor.cli import options
from bench.errors import ExitCode, UsageError
from bench.plan.plan import CONTENDERS
from bench.result import Candidate
from models.config import SIZES

MEANS: Final = frozenset(
    {"resume", "export_only", "out", "devices", "micro_batches", "limit_steps", "database", "as_json", "quiet"}
)
"""Options that may be given with --resume or --export: what is trained is in the folder."""


@click.command(
    "train",
    epilog=options.examples(
        "csmae-bench train --data my-pairs --variant secd",
        "csmae-bench train --data my-pairs --variant secd --size small --devices 0,1 --precision fp16",
        "csmae-bench train --data my-pairs --variant cecd --dry-run",
        "csmae-bench train --resume --out secd-base",
        "csmae-bench train --export --out secd-base",
    ),
)
@click.option("--data", metavar="PATH", help='The pairs: a folder, or "synthetic".')
@click.option(
    "--variant",
    metavar="NAME",
    callback=options.none_or_one_of("variant", CONTENDERS),
    help=f"What to train: {', '.join(CONTENDERS)}; csmae-bench recommend says which.",
)
@options.full_size(f"At which size: {', '.join(SIZES)}.")
@options.full_epochs
@options.full_batch_pairs
@click.option(
    "--learning-rate",
    metavar="RATE",
    type=click.FloatRange(min=0, max=1, min_open=True, max_open=True),
    default=1e-4,
    show_default=True,
    help="At its highest: it rises over the first epochs, then falls to zero as half a cosine.",
)
@click.option(
    "--warmup-epochs",
    metavar="COUNT",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Epochs over which the rate rises.",
)
@click.option(
    "--seed",
    metavar="NUMBER",
    type=click.IntRange(min=0),
    default=42,
    show_default=True,
    help="Of first weights, order, flips and masks.",
)
@options.precision(
    "auto", "Arithmetic: fp32, bf16, fp16 (as published), or auto: bf16 on a GPU that has units for it, else fp32."
)
@click.option(
    "--devices",
    metavar="NAMES",
    default="auto",
    show_default=True,
    help="auto: every GPU like the first, or the CPU; cpu; or GPUs by number, as 0,1.",
)
@click.option(
    "--micro-batches",
    metavar="COUNT",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Parts to train each device's share of a batch in, the losses being those of the whole. One device alone "
    "takes more parts by itself when memory runs out.",
)
@click.option(
    "--save-every",
    metavar="EPOCHS",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Epochs between checkpoints; the last two are kept.",
)
@click.option(
    "-o",
    "--out",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where everything goes. Left out: variant and size, as secd-base.",
)
@click.option("--resume", is_flag=True, help="Go on with the training in --out from its last checkpoint.")
@click.option("--export", "export_only", is_flag=True, help="Train nothing: export the last checkpoint in --out.")
@click.option(
    "--limit-steps",
    metavar="COUNT",
    type=click.IntRange(min=1),
    help="Save and end after so many steps; --resume goes on.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Say what it would take, and train nothing.")
@options.database
@options.as_json
@click.option("-q", "--quiet", is_flag=True, help="No progress and no talk; errors are still told.")
@click.pass_context
def command(
    context: click.Context,
    *,
    data: str | None,
    variant: str | None,
    size: str,
    epochs: int,
    batch_pairs: int,
    learning_rate: float,
    warmup_epochs: int,
    seed: int,
    precision: str,
    devices: str,
    micro_batches: int,
    save_every: int,
    out: Path | None,
    resume: bool,
    export_only: bool,
    limit_steps: int | None,
    dry_run: bool,
    database: Path,
    as_json: bool,
    quiet: bool,
) -> ExitCode:
    """Train one candidate in full, by the published schedule, and export it.

    First said is what csmae-bench estimate says of it. Ctrl-C and SIGTERM save before they end, and the line that goes
    on is printed. In the end there are the weights, the same in the released format, and descriptors of every pair.
    """
    _check_words(context, data=data, variant=variant, out=out, resume=resume, export_only=export_only)
    from advisor.cli import trained  # noqa: PLC0415  --help does without NumPy, DuckDB and psutil
    from bench.full.prepare import Wanted  # noqa: PLC0415  the same

    manner = trained.Manner(
        folder=out or Path(f"{variant}-{size}"),
        devices=devices,
        micro_batches=micro_batches,
        limit_steps=limit_steps,
        export_only=export_only,
        dry_run=dry_run,
        database=database,
        as_json=as_json,
        quiet=quiet,
    )
    if resume or export_only:
        return trained.carry_on(manner)
    wanted = Wanted(
        source=data or "",
        candidate=Candidate(variant=variant or "", size=size),
        precision=options.PRECISIONS[precision],
        epochs=epochs,
        batch_pairs=batch_pairs,
        learning_rate=learning_rate,
        warmup_epochs=warmup_epochs,
        seed=seed,
        save_every=save_every,
    )
    return trained.begin(wanted, manner)


def _check_words(
    context: click.Context,
    *,
    data: str | None,
    variant: str | None,
    out: Path | None,
    resume: bool,
    export_only: bool,
) -> None:
    """Refuse options that say nothing together."""
    if not (resume or export_only):
        if data is None or variant is None:
            raise UsageError("say what to train: --data PATH --variant NAME, or --resume --out FOLDER to go on")
        return
    if out is None:
        raise UsageError("say which training: --out FOLDER")
    if resume and export_only:
        raise UsageError("--resume exports when it has trained to the end; --export trains nothing: leave one out")
    clash = [
        parameter.opts[-1]
        for parameter in context.command.params
        if parameter.name not in MEANS
        and context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
    ]
    if clash:
        raise UsageError(f"{', '.join(clash)}: what is trained is in {out}; leave it out, or train into another folder")
