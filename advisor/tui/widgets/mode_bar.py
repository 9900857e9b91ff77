"""The line at the top: which modes there are, and which one this is."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Click
from textual.reactive import reactive
from textual.widgets import Label, Static

from advisor.tui.messages import ModeChosen
from advisor.tui.widgets.plain import plain


class ModeTab(Static):
    """One mode by its key and name; a click chooses it."""

    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, key: int, mode: str, *, current: bool) -> None:
        self._mode = mode
        super().__init__(f"{key} {mode.capitalize()}", classes="-current" if current else "", markup=False)

    def on_click(self, event: Click) -> None:
        """Choose this mode."""
        event.stop()
        self.post_message(ModeChosen(self._mode))


class ModeBar(Horizontal):
    """All modes in the order of the work, and the name of the data."""

    data: reactive[str] = reactive("", init=False)

    def __init__(self, modes: tuple[str, ...], current: str) -> None:
        self._modes = modes
        self._current = current
        super().__init__()

    def compose(self) -> ComposeResult:
        """A tab a mode."""
        for key, mode in enumerate(self._modes, start=1):
            yield ModeTab(key, mode, current=mode == self._current)
        yield Label(id="data", markup=False)

    def watch_data(self, data: str) -> None:
        """Show the name."""
        self.query_one("#data", Label).update(plain(data))
