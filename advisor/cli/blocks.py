"""The blocks that printed answers are made of."""

from rich import box
from rich.console import RenderableType
from rich.table import Table


def count(number: int, thing: str) -> str:
    """As "1 trial" or "12 trials"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def number_table(name: str, *numbers: str) -> Table:
    """A table with a column of names and columns of numbers, set to the right."""
    table = Table(name, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for head in numbers:
        table.add_column(head, justify="right")
    return table


def items(*rows: tuple[RenderableType, str]) -> Table:
    """Marks and sentences, the sentences hanging beside their marks."""
    grid = Table.grid(padding=(0, 2))
    for mark, sentence in rows:
        grid.add_row(mark, sentence)
    return grid
