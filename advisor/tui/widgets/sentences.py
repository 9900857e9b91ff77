"""A list of sentences under a title: causes, cautions, next steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from advisor.tui.widgets.page import Page
from advisor.tui.widgets.plain import plain

if TYPE_CHECKING:
    from textual.app import ComposeResult


class Sentences(Page):
    """Each sentence on lines of its own; without any, the list takes no room."""

    sentences: reactive[tuple[str, ...]] = reactive((), init=False)

    def __init__(self, title: str, *, id: str, can_focus: bool = False) -> None:  # noqa: A002  Textual's own name
        """An empty list.

        Args:
            can_focus: whether the keys can get there, to scroll a list that may be cut.
        """
        super().__init__(id=id, classes="-empty", can_focus=can_focus)
        self.border_title = title

    def compose(self) -> ComposeResult:
        """Room for the sentences."""
        yield Static(markup=False)

    def watch_sentences(self, sentences: tuple[str, ...]) -> None:
        """Show them."""
        self.set_class(not sentences, "-empty")
        self.query_one(Static).update(Content("\n").join(Content(f"• {plain(sentence)}") for sentence in sentences))
