"""csmae-bench edge: the largest batch that really trains here."""

from pathlib import Path

import rich_click as click

from advisor.cli import options
from bench.errors import ExitCode


@click.command(
    "edge",
    epilog=options.examples(
        "csmae-bench edge --variants secd",
        "csmae-bench edge --data my-pairs --sizes tiny,small --memory-limit 8G",
        "csmae-bench edge --device cuda --precision bf16 --max-batch 4096 --time-budget 20m",
        'csmae-bench sql "from batch_edge"',
    ),
)
@click.option(
    "--data",
    metavar="PATH",
    default="synthetic:train=1024",
    show_default=True,
    help="The pairs: a folder of a known layout, or synthetic. No batch is larger than the training pairs.",
)
@options.variants
@options.sizes
@click.option("--device", metavar="NAME", default="auto", show_default=True, help="Where: auto, cpu, cuda or cuda:1.")
@options.precision("fp32", "Arithmetic of the training, on which memory depends: fp32, bf16 or fp16.")
@click.option(
    "--memory-limit",
    metavar="SIZE",
    callback=options.size,
    help="Memory that a training may hold: 4G, 16GiB. Left out: what is free here, less a reserve.",
)
@click.option(
    "--max-batch",
    metavar="COUNT",
    type=click.IntRange(min=2),
    default=1024,
    show_default=True,
    help="No larger batch is tried.",
)
@click.option(
    "--time-budget",
    metavar="TIME",
    callback=options.seconds,
    default="5m",
    show_default=True,
    help="How long the whole search may take, for all candidates.",
)
@options.database
@options.as_json
@click.option("-q", "--quiet", is_flag=True, help="No progress and no talk; errors are still told.")
def command(
    *,
    data: str,
    variants: tuple[str, ...],
    sizes: tuple[str, ...],
    device: str,
    precision: str,
    memory_limit: int | None,
    max_batch: int,
    time_budget: float,
    database: Path,
    as_json: bool,
    quiet: bool,
) -> ExitCode:
    """Find the largest batch of each candidate that really trains.

    Every size is tried with real steps on real pairs in a fresh process: augmented batches, the optimiser's state,
    then an embedding. The size that is told was itself run twice. What fits and what does not is kept in the store.
    """
    from advisor.cli.edges import find  # noqa: PLC0415  --help does without DuckDB, NumPy and psutil
    from bench.run.survey import SurveyRequest  # noqa: PLC0415  the same

    request = SurveyRequest(
        data=data,
        variants=variants,
        sizes=sizes,
        device=device,
        precision=options.PRECISIONS[precision] or "fp32",
        memory_limit_bytes=memory_limit,
        max_batch=max_batch,
        seconds=time_budget,
    )
    return find(request, database=database, as_json=as_json, quiet=quiet)
