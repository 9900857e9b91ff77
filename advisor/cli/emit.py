"""csmae-bench emit: the configuration with which the public CSMAE code trains what was advised."""

import shlex
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from advisor.cli import options
from advisor.cli.streams import stderr, stdout
from bench.errors import ExitCode, UsageError
from bench.plan.plan import CONTENDERS
from bench.result import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE: Final = "/path/to"
"""Stands where no data set is named."""

READABLE: Final = "ben-v1-lmdb"
"""The layout that the public code reads, a key of `bench.data.pairs.LAYOUTS`."""

PUBLIC_LMDB: Final = "BigEarthNetEncoded.lmdb"
"""The folder's name that it looks for."""


@click.command(
    "emit",
    epilog=options.examples(
        "csmae-bench emit > csmae.yaml",
        "csmae-bench emit --variant secd --data my-pairs --out csmae_secd.yaml",
        "csmae-bench emit --run 3fa9c1d2 --goal uni",
    ),
)
@click.option(
    "--variant",
    metavar="NAME",
    callback=options.none_or_one_of("variant", CONTENDERS),
    help=f"For which: {', '.join(CONTENDERS)}. Left out: the one that a stored run's trials advise.",
)
@options.full_size("At which size; the public code has tiny, small, base and large.")
@click.option(
    "--pairs",
    metavar="COUNT",
    type=click.IntRange(min=2),
    help="Pairs to take, the first by name: all that the public code can do. Left out: all.",
)
@click.option("--data", metavar="PATH", help="A BigEarthNet v1 LMDB with its csv files, the one layout that it reads.")
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to. Left out: standard output.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--run", "run_id", metavar="ID", help="Whose trials advise. Left out: the latest run in the store.")
@options.goal
@options.database
def command(
    *,
    variant: str | None,
    size: str,
    pairs: int | None,
    data: str | None,
    out: Path | None,
    force: bool,
    run_id: str | None,
    goal: str,
    database: Path,
) -> ExitCode:
    """Write the configuration with which the public CSMAE code trains a variant.

    Each value says whose it is: the authors', ours, or yours to fill in. Told beside it is the line with which
    csmae-bench train does the same.
    """
    from bench.full.public import public_config  # noqa: PLC0415  --help does without it

    if out is not None and out.exists() and not force:
        raise UsageError(f"{out} is there already: --force replaces it")
    candidate = Candidate(variant=variant or _advised(run_id, goal, database), size=size)
    root_dir, split_dir = _folders(data) if data else (f"{PLACE}/lmdb-parent", f"{PLACE}/csv-files")
    try:
        text = public_config(candidate, root_dir=root_dir, split_dir=split_dir, pairs=pairs)
    except ValueError as error:
        raise UsageError(str(error)) from error
    talk = stderr() if out is None else stdout()
    if out is None:
        click.echo(text, nl=False)
    else:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{out} cannot be written: {error.strerror or error}") from error
    for sentence in _said(candidate, out, data, advised=variant is None):
        talk.print(sentence, soft_wrap=True)
    return ExitCode.DONE


def _said(candidate: Candidate, out: Path | None, data: str | None, *, advised: bool) -> "Iterator[str]":
    if advised:
        yield f"{candidate.title}: the variant that the trials advise"
    if out is not None:
        yield f"Written: {out}"
    if data is None:
        yield f"Fill in data.root_dir and data.split_dir, which say {PLACE} now, or name --data"
    words = ["csmae-bench", "train", "--data", data or "PATH", "--variant", candidate.variant, "--size", candidate.size]
    yield f"The same here: {shlex.join([*words, '--precision', 'fp16'])}"


def _advised(run_id: str | None, goal: str, database: Path) -> str:
    """The variant that the trials of a run advise."""
    from advisor.cli.advice import advise  # noqa: PLC0415  --help does without NumPy and SciPy
    from bench.store.results import Results  # noqa: PLC0415  --help does without DuckDB

    store = Results(database)
    run_id = run_id or store.latest_run_id()
    if run_id is None:
        raise UsageError(f"{database} holds no run that could advise: name --variant, or csmae-bench run makes one")
    run = store.run(run_id)
    counsel = advise(
        store.trials(run_id=run_id),
        hardware=run.hardware,
        dataset=run.dataset,
        goal=goal,
        queries=store.queries(run.dataset.fingerprint),
    )
    candidate = counsel.recommendation.candidate
    if candidate is None:
        raise UsageError(f"the trials of run {run_id} advise nothing: name --variant")
    return candidate.variant


def _folders(data: str) -> tuple[str, str]:
    """Where the LMDB and the csv files of a data set are, as the public code wants them named."""
    from bench.data.ben_v1_lmdb import SPLIT_FILES  # noqa: PLC0415  --help does without NumPy and lmdb
    from bench.data.lmdb_file import DATA_FILE, find_lmdb  # noqa: PLC0415  the same
    from bench.data.pairs import LAYOUTS, open_pairs  # noqa: PLC0415  the same

    with closing(open_pairs(data)) as pairs:
        layout = pairs.layout
    if layout != READABLE:
        title = LAYOUTS[layout].title if layout in LAYOUTS else f"{layout} data"
        raise UsageError(f"{data} is {title}; the public code reads nothing but {LAYOUTS[READABLE].holds}")
    folder = Path(data).expanduser()
    database = find_lmdb(folder.parent if folder.name == DATA_FILE else folder)
    splits = database.beside(SPLIT_FILES["train"]) if database else None
    if database is None or splits is None:
        raise UsageError(f"{data} changed while it was looked at")
    if database.folder.name != PUBLIC_LMDB:
        raise UsageError(f"{database.folder}: the public code looks for a folder {PUBLIC_LMDB}; rename or link it")
    return str(database.folder.absolute().parent), str(splits.absolute().parent)
