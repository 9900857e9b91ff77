"""How much is done, as a line."""

from __future__ import annotations

from typing import ClassVar

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

# Textual's own bar rounds to its width when it is told a value, not when it draws, and so is wrong after a resize


class ShareBar(Widget):
    """A line as wide as the widget, drawn as far as the share, and the percentage behind it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"share-bar--done", "share-bar--rest"}

    share: reactive[float | None] = reactive(None)
    """Between 0 and 1; None draws nothing."""

    def render(self) -> Content:
        """The line, to half a cell."""
        if self.share is None:
            return Content("")
        percent = f" {self.share:4.0%}"
        width = max(0, self.size.width - len(percent))
        halves = int(self.share * width * 2)
        done, rest = "━" * (halves // 2) + "╸" * (halves % 2), "─" * (width - (halves + 1) // 2)
        return Content.assemble(
            Content.styled(done, self.get_visual_style("share-bar--done")),
            Content.styled(rest, self.get_visual_style("share-bar--rest")),
            percent,
        )
