"""How often each class occurs, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from advisor.tui.widgets.plain import plain

if TYPE_CHECKING:
    from bench.profile.dataset import DatasetProfile

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_ROOMY: Final = 50
"""Cells from which on a line also tells the count."""


def bar(share: float, width: int) -> str:
    """A bar of this share of the width, to an eighth of a cell; a share above zero is never invisible."""
    eighths = round(share * width * 8)
    if share > 0:
        eighths = max(eighths, 1)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


class ClassBars(Widget):
    """One line a class: name, bar, share of all pairs, count. The longest bar is the most frequent class."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"class-bars--bar", "class-bars--count"}

    dataset: reactive[DatasetProfile | None] = reactive(None, layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002  Textual's call
        """A line a class, at least one."""
        return max(1, len(self.dataset.classes) if self.dataset else 1)

    def render(self) -> Content:
        """Every class, in the order of the data set."""
        if self.dataset is None:
            return Content("")
        if not self.dataset.classes:
            return Content("The data carry no labels.")
        counts = [sum(of_split) for of_split in zip(*self.dataset.class_pairs.values(), strict=True)]
        pairs = max(1, sum(self.dataset.pairs.values()))
        names = [plain(name) for name in self.dataset.classes]
        numbers = [f" {count / pairs:6.1%}" for count in counts]
        if self.size.width >= _ROOMY:
            numbers = [f"{share} {count:>7,}" for share, count in zip(numbers, counts, strict=True)]
        room = self.size.width - max(map(len, numbers)) - 1
        names_width = min(max(map(cell_len, names)), room * 3 // 5)
        bars_width = max(1, room - names_width)
        most = max(1, *counts)
        painted = self.get_visual_style("class-bars--bar")
        quiet = self.get_visual_style("class-bars--count")
        return Content("\n").join(
            Content.assemble(
                set_cell_size(name, names_width),
                " ",
                Content.styled(bar(count / most, bars_width), painted),
                Content.styled(number, quiet),
            )
            for name, count, number in zip(names, counts, numbers, strict=True)
        )
