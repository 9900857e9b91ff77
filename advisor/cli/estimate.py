"""csmae-bench estimate: what a full training of each candidate would take, and how good such estimates were here."""

from pathlib import Path
from typing import Final

import rich_click as click

from advisor.cli import options
from bench.errors import ExitCode, UsageError

PAPER_PAIRS: Final = 7761
"""Training pairs of BEN-14K."""


def _bands(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[int, int] | None:
    """A callback that reads the channels of each sensor."""
    if text is None:
        return None
    words = text.split(",")
    if len(words) != 2 or not all(word.strip().isdecimal() and int(word) for word in words):
        raise click.BadParameter(f"{text!r}: write the channels of S1 and of S2, as 2,10")
    return int(words[0]), int(words[1])


@click.command(
    "estimate",
    epilog=options.examples(
        "csmae-bench estimate",
        "csmae-bench estimate --variants cecd,sesd --sizes small,base --gpu-memory 24G --precision bf16",
        "csmae-bench estimate --data my-pairs --batch-pairs 64 --epochs 100",
        "csmae-bench estimate --audit",
    ),
)
@options.variants
@options.sizes
@options.full_batch_pairs
@options.full_epochs
@click.option("--data", metavar="PATH", help="Take number, size and bands of the pairs from this data set.")
@click.option(
    "--pairs", metavar="COUNT", type=click.IntRange(min=2), help=f"Training pairs. Left out: {PAPER_PAIRS}, as BEN-14K."
)
@click.option(
    "--image-pixels",
    metavar="COUNT",
    type=click.IntRange(min=8),
    help="Height and width of the images. Left out: 120.",
)
@click.option("--bands", metavar="S1,S2", callback=_bands, help="Channels of each sensor. Left out: 2,10.")
@options.precision(
    "auto", "Arithmetic: fp32, bf16, fp16, or auto: bf16 on a GPU that has units for it, fp32 elsewhere."
)
@options.simulate
@options.gpu_memory
@click.option("--audit", is_flag=True, help="Show how far the predictions of stored trials were from their outcome.")
@options.database
@options.as_json
def command(
    *,
    variants: tuple[str, ...],
    sizes: tuple[str, ...],
    batch_pairs: int,
    epochs: int,
    data: str | None,
    pairs: int | None,
    image_pixels: int | None,
    bands: tuple[int, int] | None,
    precision: str,
    recording: Path | None,
    gpu_memory_bytes: int | None,
    audit: bool,
    database: Path,
    as_json: bool,
) -> ExitCode:
    """Say what a full training of each candidate would take: memory by component, time, files.

    Formulas, corrected by the trials in the store that ran on this machine; every number says on what it rests.
    Nothing is trained or stored. With --audit, predictions made before trials are held against what they measured.
    """
    from advisor.cli import audits, estimated, estimates  # noqa: PLC0415  --help does without NumPy, DuckDB, psutil

    if audit:
        return audits.show(database, as_json=as_json)
    if data is not None and (pairs, image_pixels, bands) != (None, None, None):
        raise UsageError("--data tells the pairs: leave out --pairs, --image-pixels and --bands, or --data")
    question = estimates.Question(
        variants=variants,
        sizes=sizes,
        batch_pairs=batch_pairs,
        epochs=epochs,
        precision=options.PRECISIONS[precision],
        images=estimates.images_of(data)
        if data is not None
        else estimates.Images(
            name="BEN-14K's shapes" if (pairs, image_pixels, bands) == (None, None, None) else "pairs as asked",
            train_pairs=pairs or PAPER_PAIRS,
            image_pixels=image_pixels or 120,
            bands=bands or (2, 10),
        ),
    )
    machine = estimates.machine_of(recording, gpu_memory_bytes, database, question)
    return estimated.show(question, machine, as_json=as_json)
