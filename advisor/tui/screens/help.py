"""The keys of a screen, over it."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Grid
from textual.screen import ModalScreen
from textual.widgets import Footer, Label, Static

from advisor.tui.widgets.page import Page


class HelpScreen(ModalScreen[None]):
    """What the screen beneath is for, and each of its keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,f1,q", "dismiss", "Back")]

    def __init__(self, purpose: str, keys: Iterable[ActiveBinding]) -> None:
        """Explain.

        Args:
            purpose: of the screen beneath.
            keys: those that work there.
        """
        self._purpose = purpose
        self._keys = tuple(keys)
        super().__init__()

    def compose(self) -> ComposeResult:
        """The purpose over the keys: ours first, they have ids; then how to move about."""
        shown: set[str] = set()
        with Page(id="dialog"):
            yield Static(self._purpose, id="purpose", markup=False)
            with Grid(id="keys"):
                for _, binding, _, _ in sorted(self._keys, key=lambda key: not key.binding.id):
                    if binding.description and not binding.system and binding.action not in shown:
                        shown.add(binding.action)
                        yield Label(self.app.get_key_display(binding), classes="key", markup=False)
                        yield Static(binding.description, markup=False)
        yield Footer()
