"""A question over the screen, with the key of each answer."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class AskScreen(ModalScreen[str]):
    """Dismissed with the id of the answer; escape gives the last one, which changes nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer_last", "Back"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, answers: dict[str, str]) -> None:
        """Ask.

        Args:
            question: the whole of it, with what each answer means.
            answers: button texts by id. Their first letters are their keys; the last one has the focus.
        """
        self._question = question
        self._answers = answers
        super().__init__()

    def compose(self) -> ComposeResult:
        """The question over the buttons."""
        with Vertical(id="dialog"):
            yield Static(self._question, id="question", markup=False)
            with Horizontal(id="answers"):
                for answer, text in self._answers.items():
                    yield Button(text, id=answer)

    def on_mount(self) -> None:
        """The answer that changes nothing has the focus."""
        self.query_one(f"#{list(self._answers)[-1]}").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer by its button."""
        self.dismiss(event.button.id or "")

    def on_key(self, event: Key) -> None:
        """Answer by its first letter."""
        for answer, text in self._answers.items():
            if event.key == text[0].lower():
                event.stop()
                self.dismiss(answer)

    def action_answer_last(self) -> None:
        """Answer that nothing is to change."""
        self.dismiss(list(self._answers)[-1])
