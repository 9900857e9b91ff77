"""Names and values, a line each."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget


class Facts(Widget):
    """A card of facts; a long value wraps within its own column. One widget for all: it is drawn at the first paint."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"facts--name"}

    facts: reactive[dict[str, str]] = reactive(dict, layout=True)
    """Values by name, in the order of the lines."""

    def render(self) -> Table:
        """Every fact."""
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style=self.get_component_rich_style("facts--name"), no_wrap=True)
        table.add_column()
        for name, value in self.facts.items():
            table.add_row(name, Text(value))
        return table
