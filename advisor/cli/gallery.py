"""csmae-bench gallery: what a trial finds for single queries, as pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from advisor.cli import options
from advisor.cli.blocks import number_table
from advisor.cli.streams import envelope, stdout
from bench.errors import ExitCode, UsageError
from bench.result import DIRECTIONS, Direction
from bench.score import METRICS

if TYPE_CHECKING:
    from rich.console import Console

    from bench.gallery.gallery import Gallery, Painted

_DIRECTIONS: Final = {f"{query}-{archive}": (query, archive) for query, archive in DIRECTIONS}


def _directions(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[Direction, ...] | None:
    """A callback that reads directions with commas between them; None where none is named."""
    if text is None:
        return None
    names = [part.strip().lower() for part in text.split(",")]
    if names == ["all"]:
        return DIRECTIONS
    wrong = next((name for name in names if name not in _DIRECTIONS), None)
    if wrong is not None:
        raise click.BadParameter(options.unknown("direction", [*_DIRECTIONS, "all"], wrong))
    return tuple(dict.fromkeys(_DIRECTIONS[name] for name in names))


@click.command(
    "gallery",
    epilog=options.examples(
        "csmae-bench gallery",
        "csmae-bench gallery 3fa9c1d2-04 --queries divided --out divided.png",
        "csmae-bench gallery --queries S2A_MSIL2A_20170613T101031_87_48 --direction s1-s2,s2-s1",
    ),
)
@click.argument("trial", required=False)
@click.option(
    "--queries",
    metavar="WHICH",
    default="worst",
    show_default=True,
    help="worst, best, divided (the directions differ most), random, or names with commas between; the beginning of a "
    "name will do.",
)
@click.option(
    "--count",
    metavar="COUNT",
    type=click.IntRange(min=1, max=50),
    default=4,
    show_default=True,
    help="How many queries, where they are not named.",
)
@click.option(
    "--direction",
    "directions",
    metavar="NAMES",
    callback=_directions,
    help=f"Directions to show and to choose by, with commas between: {', '.join(_DIRECTIONS)}, or all. Left out: all "
    "are shown; the worst and the best are chosen by those between sensors.",
)
@click.option(
    "--metric",
    metavar="NAME",
    callback=options.none_or_one_of("metric", METRICS),
    help="Metric to choose by. Left out: nDCG, or for data without labels the rank of the query's own place.",
)
@click.option(
    "--results",
    metavar="COUNT",
    type=click.IntRange(min=1, max=50),
    default=5,
    show_default=True,
    help="Results of each direction.",
)
@click.option(
    "--seed",
    metavar="NUMBER",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of random queries: the same seed, the same queries.",
)
@click.option(
    "-o",
    "--out",
    metavar="PATH",
    type=click.Path(path_type=Path),
    default="gallery.html",
    show_default=True,
    help="Where to: a file that ends in .html or .png, or a folder for both.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--data", metavar="PATH", help="Where the pairs are now, if they are no longer where the run found them.")
@options.database
@options.as_json
def command(
    *,
    trial: str | None,
    queries: str,
    count: int,
    directions: tuple[Direction, ...] | None,
    metric: str | None,
    results: int,
    seed: int,
    out: Path,
    force: bool,
    data: str | None,
    database: Path,
    as_json: bool,
) -> ExitCode:
    """Show what a trial finds for single queries, as pictures.

    TRIAL is a trial's name or the beginning of one. Left out: the newest that was completed and whose descriptors are
    still there, one of a baseline only if there is no other. Only the chosen queries are searched with; nothing is
    trained.
    """
    from advisor.cli.kept import kept_trial  # noqa: PLC0415  --help does without DuckDB and NumPy
    from bench.data.descriptors import descriptor_root, load  # noqa: PLC0415  --help does without NumPy
    from bench.gallery.choose import RULES, choose  # noqa: PLC0415  the same
    from bench.gallery.gallery import build, painted  # noqa: PLC0415  the same
    from bench.gallery.scenes import scenes_of  # noqa: PLC0415  the same
    from bench.store.results import Results  # noqa: PLC0415  --help does without DuckDB

    files = _files(out, force=force)
    store = Results(database)
    kept = kept_trial(store, trial, root=descriptor_root())
    run = store.run(kept.run_id)
    result = next(one for one in store.trials(run_id=kept.run_id, protocol=None) if one.trial_id == kept.trial_id)
    descriptors = load(result.trial_id, root=descriptor_root())
    wanted = next((rule for rule in RULES if rule == queries), None) or [name.strip() for name in queries.split(",")]
    with scenes_of(run.dataset, recorded=run.plan.request.data, given=data) as scenes:
        ids = [place.pair_id for place in scenes.sides["query"].places]
        choice = choose(result, ids, wanted, count=count, seed=seed, metric=metric, directions=directions)
        gallery = build(result, descriptors, scenes, choice, directions=directions or DIRECTIONS, results=results)
        pictures = [painted(block, scenes) for block in gallery.blocks]
    _write(out, files, gallery, pictures)
    if as_json:
        written = [str(file) for file in files]
        envelope("gallery", ExitCode.DONE, {"store": str(database), "written": written, "gallery": gallery})
    else:
        _show(stdout(), gallery, files)
    return ExitCode.DONE


def _files(out: Path, *, force: bool) -> tuple[Path, ...]:
    """The files to write, before anything is searched."""
    if out.is_dir() or not out.suffix:
        files: tuple[Path, ...] = (out / "gallery.html", out / "gallery.png")
    elif out.suffix.lower() in _WRITERS:
        files = (out,)
    else:
        raise UsageError(f"--out {out}: name a file that ends in {' or '.join(_WRITERS)}, or a folder")
    there = next((file for file in files if file.exists()), None)
    if there and not force:
        raise UsageError(f"{there} is there already: --force replaces it")
    return files


def _write(out: Path, files: tuple[Path, ...], gallery: "Gallery", pictures: "list[Painted]") -> None:
    try:
        if out not in files:
            out.mkdir(parents=True, exist_ok=True)
        for file in files:
            _WRITERS[file.suffix.lower()](file, gallery, pictures)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}") from error


def _write_page(file: Path, gallery: "Gallery", pictures: "list[Painted]") -> None:
    from bench.gallery.page import page  # noqa: PLC0415  --help does without Pillow

    file.write_text(page(gallery, pictures), encoding="utf-8")


def _write_sheet(file: Path, gallery: "Gallery", pictures: "list[Painted]") -> None:
    from bench.gallery.draw import sheet  # noqa: PLC0415  --help does without Pillow

    sheet(gallery, pictures).save(file, "PNG")


_WRITERS: Final[dict[str, Callable[[Path, "Gallery", "list[Painted]"], None]]] = {
    ".html": _write_page,
    ".png": _write_sheet,
}
"""How a gallery is written, by the end of the file's name."""


def _show(console: "Console", gallery: "Gallery", files: tuple[Path, ...]) -> None:
    from bench.gallery import words  # noqa: PLC0415  --help does without NumPy

    console.print(f"{words.title(gallery)}\n", style="bold")
    table = number_table("Query", *filter(None, [gallery.judged]))
    for block in gallery.blocks:
        table.add_row(block.query.pair_id, *([] if block.value is None else [words.number(block.value)]))
    console.print(table)
    console.print()
    for sentence in words.caption(gallery)[:2]:
        console.print(sentence, soft_wrap=True)
    console.print(f"Written: {', '.join(map(str, files))}", soft_wrap=True)
