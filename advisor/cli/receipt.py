"""csmae-bench receipt: what a reviewer needs to check an advice."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import rich_click as click

from advisor.cli import options
from advisor.cli.blocks import items
from advisor.cli.streams import envelope, stdout
from bench.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from advisor.receipt_form import Receipt

ENDINGS: Final = (".json", ".md")


@click.command(
    "receipt",
    epilog=options.examples(
        "csmae-bench receipt",
        "csmae-bench receipt --run 3fa9c1d2 --goal uni --out uni.json",
        "csmae-bench receipt --out for-review && csmae-bench verify for-review",
    ),
)
@click.option("--run", "run_id", metavar="ID", help="Which run. Left out: the latest in the store.")
@options.goal
@click.option(
    "-o",
    "--out",
    metavar="PATH",
    type=click.Path(path_type=Path),
    default=".",
    show_default=True,
    help="Where to: a file that ends in .json or .md, or a folder for receipt.json and receipt.md.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@options.database
@options.as_json
def command(*, run_id: str | None, goal: str, out: Path, force: bool, database: Path, as_json: bool) -> ExitCode:
    """Write down what an advice rests on, so that others can check it.

    Environment, data, trials with their hashes, and for each number the trials, the seeds and the SQL that gives it.
    The SQL is put to the store first: a number that it does not give is marked, and the exit code is then 1. JSON is
    what csmae-bench verify reads, Markdown is for people.
    """
    from advisor.cli.receipts import receipt_of  # noqa: PLC0415  --help does without NumPy and SciPy
    from bench.store.results import Results  # noqa: PLC0415  --help does without DuckDB

    files = _files(out, force=force)
    store = Results(database)
    run_id = run_id or store.latest_run_id()
    if run_id is None:
        raise UsageError(f"{database} holds no run yet: csmae-bench run makes one")
    receipt = receipt_of(store, store.run(run_id), goal=goal).receipt
    _write(receipt, out, files)
    code = ExitCode.FAILED if receipt.unverified else ExitCode.DONE
    if as_json:
        written = [str(file) for file in files]
        envelope("receipt", code, {"store": str(database), "written": written, "receipt": receipt})
    else:
        _show(stdout(), receipt, files)
    return code


def _files(out: Path, *, force: bool) -> tuple[Path, ...]:
    """The files to write, before anything is worked out."""
    if out.is_dir() or not out.suffix:
        files: tuple[Path, ...] = tuple(out / f"receipt{ending}" for ending in ENDINGS)
    elif out.suffix.lower() in ENDINGS:
        files = (out,)
    else:
        raise UsageError(f"--out {out}: name a file that ends in {' or '.join(ENDINGS)}, or a folder")
    there = next((file for file in files if file.exists()), None)
    if there and not force:
        raise UsageError(f"{there} is there already: --force replaces it")
    return files


def _write(receipt: "Receipt", out: Path, files: tuple[Path, ...]) -> None:
    from advisor.receipt_text import markdown  # noqa: PLC0415  --help does without NumPy and SciPy

    try:
        if out not in files:
            out.mkdir(parents=True, exist_ok=True)
        for file in files:
            if file.suffix.lower() == ".json":
                file.write_bytes(msgspec.json.format(msgspec.json.encode(receipt), indent=2) + b"\n")
            else:
                file.write_text(markdown(receipt), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}") from error


def _show(console: "Console", receipt: "Receipt", files: tuple[Path, ...]) -> None:
    console.print(receipt.advice.headline, style="bold")
    by_sql = [number for number in receipt.numbers if number.sql]
    functions = len(receipt.numbers) - len(by_sql)
    console.print(
        f"\n{len(receipt.trials)} trials hashed; SQL gives {len(by_sql) - len(receipt.unverified)} of {len(by_sql)} "
        f"numbers again; {functions} that no SQL can give name their function",
        soft_wrap=True,
    )
    if receipt.unverified:
        contradicted = [
            ("!", f"{number.name}: the SQL gives {number.answer}, the advice says {number.value}")
            for number in receipt.unverified
        ]
        console.print(items(*contradicted))
    console.print(f"Written: {', '.join(map(str, files))}", soft_wrap=True)
