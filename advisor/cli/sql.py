"""csmae-bench sql: read the store with SQL."""

import csv
import io
import os
import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import rich_click as click
from rich import box
from rich.measure import Measurement
from rich.table import Table

from advisor.cli import options
from advisor.cli.streams import envelope, stderr, stdout
from bench.errors import ExitCode

if TYPE_CHECKING:
    from bench.store.sql import Table as Answer

FORMATS: Final = ("table", "csv", "json")

_NUMBERS: Final = re.compile(r"(U?[A-Z]*INT(EGER)?|DOUBLE|FLOAT|DECIMAL\(.*\))")
"""DuckDB's types of numbers."""

_WIDEST: Final = 100_000
"""Columns of a line in a file."""


@click.command(
    "sql",
    epilog=options.examples(
        'csmae-bench sql "from leaderboard"',
        'csmae-bench sql "show tables"',
        'csmae-bench sql "from retrieval_matrix" --format csv > matrix.csv',
        "csmae-bench sql - < question.sql",
    ),
)
@click.argument("statement")
@options.database
@click.option(
    "--format",
    "form",
    metavar="NAME",
    callback=options.one_of("format", FORMATS),
    default="table",
    show_default=True,
    help=f"How the rows are written: {', '.join(FORMATS)} (a list of objects).",
)
@click.option(
    "--max-rows",
    metavar="COUNT",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Rows at most. That there are more is said on standard error.",
)
@options.as_json
def command(*, statement: str, database: Path, form: str, max_rows: int, as_json: bool) -> ExitCode:
    """Answer a question about the stored trials; nothing can be changed by it.

    STATEMENT is one reading statement of DuckDB's SQL, or - to read it from standard input. It may be asked while a
    run goes on.
    """
    from bench.store.results import Results  # noqa: PLC0415  --help does without DuckDB

    if statement == "-":
        statement = sys.stdin.buffer.read().decode(errors="replace")
    answer = Results(database).query(statement, max_rows=max_rows)
    rows = [[_plain(value) for value in row] for row in answer.rows]
    more = f"only the first {max_rows} rows are shown; --max-rows gives more" if answer.truncated else ""
    if as_json:
        data = {"columns": answer.columns, "types": answer.types, "rows": rows, "truncated": answer.truncated}
        envelope("sql", ExitCode.DONE, data, warnings=[more] if more else [])
    elif form == "csv":
        click.echo(_csv(answer.columns, rows), nl=False)
    elif form == "json":
        click.echo(msgspec.json.encode([dict(zip(_unique(answer.columns), row, strict=True)) for row in rows]))
    else:
        _print_table(answer, rows)
    if more:
        stderr().print(f"csmae-bench: {more}", soft_wrap=True)
    return ExitCode.DONE


def _plain(value: object) -> Any:  # noqa: ANN401  any JSON value
    """The value as JSON has it; what JSON has no word for, as text."""
    match value:
        case None | bool() | float() | str():
            return value
        case int():
            return value if abs(value) < 2**63 else str(value)
        case Decimal():
            return float(value)
        case list() | tuple():
            return [_plain(part) for part in value]
        case dict():
            return {str(key): _plain(part) for key, part in value.items()}
    return str(value)


def _text(value: Any) -> str:  # noqa: ANN401  any JSON value
    """The value as a cell shows it."""
    match value:
        case None:
            return ""
        case str():
            return value
        case float():
            return f"{value:.6g}"
    return msgspec.json.encode(value).decode()


def _csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Comma-separated lines under a line of names; lists and structures as JSON, NULL as nothing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([repr(cell) if isinstance(cell, float) else _text(cell) for cell in row] for row in rows)
    return text.getvalue()


def _unique(columns: Sequence[str]) -> list[str]:
    """The names, with a number behind one that was there already: keys of an object must differ."""
    unique: list[str] = []
    for name in columns:
        unique.append(name if name not in unique else f"{name}_{len(unique) + 1}")
    return unique


def _print_table(answer: "Answer", rows: Sequence[Sequence[object]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, kind in zip(answer.columns, answer.types, strict=True):
        table.add_column(name, justify="right" if _NUMBERS.fullmatch(kind) else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_text(cell) for cell in row))
    console = stdout()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        # nobody looks at a file through a window: columns get the width that they need
        wide = console.options.update(max_width=_WIDEST)
        console.width = max(console.width, Measurement.get(console, wide, table).maximum)
    console.print(table)
