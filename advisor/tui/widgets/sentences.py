"""A list of sentences under a title: causes, cautions, next steps."""

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from advisor.tui.widgets.plain import plain


class Sentences(Static):
    """Each sentence on lines of its own; without any, the list takes no room."""

    sentences: reactive[tuple[str, ...]] = reactive(())

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002  Textual's own name for it
        super().__init__(id=id, markup=False)
        self.border_title = title

    def watch_sentences(self, sentences: tuple[str, ...]) -> None:
        """Show them."""
        self.set_class(not sentences, "-empty")
        self.update(Content("\n").join(Content(f"• {plain(sentence)}") for sentence in sentences))
