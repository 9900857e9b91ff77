"""csmae-bench guideline: the guideline rule by rule, and what it says for an archive and a machine."""

import rich_click as click

from advisor.cli import options
from advisor.cli.blocks import items
from advisor.cli.streams import envelope, stdout
from bench.errors import ExitCode


@click.command(
    "guideline",
    epilog=options.examples(
        "csmae-bench guideline",
        "csmae-bench guideline --pairs 7761",
        "csmae-bench guideline --pairs 480038 --memory 24G",
    ),
)
@click.option("--pairs", metavar="COUNT", type=click.IntRange(min=1), help="Training pairs of the archive in question.")
@click.option("--memory", metavar="SIZE", callback=options.size, help="Memory that a full training may use, as 24G.")
@options.as_json
def command(*, pairs: int | None, memory: int | None, as_json: bool) -> ExitCode:
    """Show every rule with its source and how sure we are of it; with --pairs, what they say for such an archive.

    The paper promises a guideline whose own wording could not be read: these rules are what the released material
    supports. Each says how it is known, and what of it is ours.
    """
    from advisor.guideline import GRADES, RULES, opinions  # noqa: PLC0415  --help does without NumPy
    from advisor.recommend import PAPER_BANDS  # noqa: PLC0415  the same

    held = opinions(train_pairs=pairs, memory_bytes=memory, bands=PAPER_BANDS) if pairs else ()
    if as_json:
        envelope("guideline", ExitCode.DONE, {"rules": RULES, "opinions": held})
        return ExitCode.DONE
    console = stdout()
    for rule in RULES:
        console.print(f"{rule.question}: {rule.answer}", style="bold")
        console.print(
            items(
                ("", rule.wording),
                ("", f"Applies: {rule.applies}."),
                ("", f"Known: {GRADES[rule.certainty]}{'; threshold or wording ours' if rule.ours else ''}."),
                ("", f"Source: {rule.source}."),
            )
        )
        console.print()
    for opinion in held:
        console.print(f"{opinion.question}: {opinion.answer or 'no opinion'}, since {opinion.why}")
    if not held:
        console.print("What it says for an archive: csmae-bench guideline --pairs COUNT")
    return ExitCode.DONE
