"""csmae-bench verify: whether a receipt holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from advisor.cli import options
from advisor.cli.blocks import items, number_table
from advisor.cli.streams import envelope, stderr, stdout
from bench.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from advisor.cli.receipts import Made
    from advisor.receipt_form import Receipt
    from advisor.verification import Check, Kind
    from bench.store.runs import Run

KINDS: "Final[dict[Kind, str]]" = {
    "trial": "trials, as hashed",
    "SQL answer": "numbers, by SQL",
    "number": "numbers, worked out again",
    "statement": "what else the receipt says",
    "training": "trials, trained again",
}
"""What the checks of each kind are over."""


@click.command(
    "verify",
    epilog=options.examples(
        "csmae-bench verify receipt.json",
        "csmae-bench verify receipt.json --db colleague.duckdb --rerun 1",
        "csmae-bench verify receipt.json --rerun 3 --time-budget 10m --data my-pairs --json",
    ),
)
@click.argument("receipt", metavar="RECEIPT", type=click.Path(path_type=Path))
@click.option(
    "--rerun",
    metavar="COUNT",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Train so many of its trials again, the cheapest first, into a store that goes away.",
)
@click.option(
    "--time-budget",
    metavar="TIME",
    callback=options.seconds,
    help="How long training again may take: 90s, 40m, 2h. A trial that was not trained does not hold.",
)
@click.option("--data", metavar="PATH", help="Where the pairs are now, if they are no longer where the run found them.")
@options.database
@options.as_json
def command(
    *, receipt: Path, rerun: int, time_budget: float | None, data: str | None, database: Path, as_json: bool
) -> ExitCode:
    """Check a receipt against the store, and on request by training again.

    RECEIPT is the JSON that csmae-bench receipt wrote, or its folder. Looked at are the hashes of its trials, what its
    SQL gives, and the advice worked out again from the same trials. A trial that is trained again must score the same:
    bit for bit on the same machine, device, threads and versions, elsewhere within three deviations between seeds.

    Exit codes: 0 all holds; 1 something does not; 2 no receipt, or nothing here to check it with.
    """
    from advisor.cli.receipts import asker, receipt_again  # noqa: PLC0415  --help does without NumPy and SciPy
    from advisor.verification import compare  # noqa: PLC0415  the same
    from bench.store.results import Results  # noqa: PLC0415  --help does without DuckDB

    if not rerun and (data or time_budget):
        raise UsageError("--data and --time-budget are for training again: give --rerun COUNT with them")
    told = _read(receipt)
    store = Results(database)
    if told.run_id not in {run.run_id for run in store.runs()}:
        raise UsageError(f"{database} does not hold run {told.run_id} of the receipt: --db names the store that does")
    run = store.run(told.run_id)
    made = receipt_again(store, run, told)
    checks = [*compare(told, made.receipt, asker(store))]
    if rerun:
        checks += _trained(told, run, made, rerun, data=data, time_budget=time_budget)
    code = ExitCode.DONE if all(check.held for check in checks) else ExitCode.FAILED
    if as_json:
        document = {"receipt": str(receipt), "store": str(database), "holds": code == ExitCode.DONE, "checks": checks}
        envelope("verify", code, document, warnings=_age(told, made.receipt))
    else:
        _show(stdout(), told, checks)
        for warning in _age(told, made.receipt):
            stdout().print(f"\n{warning}", soft_wrap=True)
    return code


def _read(path: Path) -> "Receipt":
    """The receipt in a file or a folder."""
    from advisor.receipt_form import read  # noqa: PLC0415  --help does without NumPy and SciPy

    file = path / "receipt.json" if path.is_dir() else path
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from error
    return read(content, name=str(file))


def _trained(
    told: "Receipt", run: "Run", made: "Made", count: int, *, data: str | None, time_budget: float | None
) -> "list[Check]":
    """Some of its trials trained again, and what each shows."""
    from advisor.cli.again import cheapest, train_again  # noqa: PLC0415  --help does without NumPy and SciPy
    from advisor.verification import judge  # noqa: PLC0415  the same

    chosen = cheapest(made.compared, count)
    assert made.evidence is not None  # noqa: S101  trials that are compared make it
    found = train_again(run, chosen, data=data, time_budget=time_budget, goal=made.evidence.goal, console=stderr())
    entries = {entry.trial_id: entry for entry in told.trials}
    return [judge(entries[trial.trial_id], found.get(trial.trial_id), told, made.evidence) for trial in chosen]


def _age(told: "Receipt", again: "Receipt") -> tuple[str, ...]:
    if told.made_by == again.made_by:
        return ()
    return (
        f"The receipt was written by csmae-advisor {told.made_by}, this is {again.made_by}: words may differ where no "
        "number does.",
    )


def _show(console: "Console", told: "Receipt", checks: "Sequence[Check]") -> None:
    console.print(f"Run {told.run_id}: {told.advice.headline}\n", style="bold")
    table = number_table("Looked at", "Hold")
    for kind, over in KINDS.items():
        own = [check for check in checks if check.kind == kind]
        if own:
            held = sum(check.held for check in own)
            table.add_row(over, f"{held} of {len(own)}", style="" if held == len(own) else "bold red")
    console.print(table)
    told_in_words = [check for check in checks if check.words]
    if told_in_words:
        console.print()
        console.print(items(*((" " if check.held else "✗", f"{check.name}: {check.words}") for check in told_in_words)))
    failed = sum(not check.held for check in checks)
    console.print(f"\n{'All holds.' if not failed else f'{failed} of {len(checks)} checks do not hold.'}")
