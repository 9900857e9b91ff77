"""What every mode's screen has: the bar at the top, the place for errors, the footer, and a state to show."""

from abc import abstractmethod
from typing import ClassVar

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer, Static

from advisor.tui.messages import StateChanged
from advisor.tui.state import State, Task
from advisor.tui.widgets.mode_bar import ModeBar
from advisor.tui.widgets.plain import plain


class ModeScreen(Screen[None]):
    """One of the app's modes. It is told a state and shows it; what is asked of it, it asks of the app."""

    MODE: ClassVar[Task]
    """Its name, and whose errors it shows."""
    PURPOSE: ClassVar[str]
    """What it is for, in a sentence or two."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-normal"), (116, "-wide")]  # noqa: RUF012  typed so by Textual

    _busy: frozenset[Task] = frozenset()

    def compose(self) -> ComposeResult:
        """Bar, error, body, footer."""
        yield ModeBar(tuple(self.app.MODES), self.MODE)
        yield Static(id="problem", markup=False)
        yield from self.compose_body()
        yield Footer()

    @abstractmethod
    def compose_body(self) -> ComposeResult:
        """What is this mode's own."""

    @abstractmethod
    def show(self, state: State) -> None:
        """Show what this mode shows of the state."""

    def on_state_changed(self, message: StateChanged) -> None:
        """Show the state, and in its place what went wrong."""
        state = message.state
        self.query_one(ModeBar).data = state.profile.dataset.name if state.profile else state.request.data
        problem = self.query_one("#problem", Static)
        words = state.problems.get(self.MODE, "")
        problem.display = bool(words)
        problem.update(plain(words))
        self.set_class(self.MODE in state.busy, "-busy")
        self.show(state)
        if self._busy != state.busy:  # what may be started or stopped; the footer is made anew, which takes time
            self._busy = state.busy
            self.refresh_bindings()
