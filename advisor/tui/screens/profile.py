"""Mode 1: what the machine and the data are."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from advisor.tui.engine import Profile
from advisor.tui.screens.mode import ModeScreen
from advisor.tui.state import State
from advisor.tui.widgets.class_bars import ClassBars
from advisor.tui.widgets.dataset_card import DatasetCard
from advisor.tui.widgets.hardware_card import HardwareCard
from advisor.tui.widgets.page import Page


class ProfileScreen(ModeScreen):
    """Machine and data set side by side with the classes."""

    MODE = "profile"
    PURPOSE = "What this machine may use, and what the data set holds. Nothing is trained here."
    AUTO_FOCUS = "#facts"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "app.read_profile", "Look again", id="profile.read")]

    def compose_body(self) -> ComposeResult:
        """Cards at the left, class bars at the right."""
        with Horizontal(id="body"):
            with Page(id="facts"):
                yield Static(id="source", markup=False)
                yield HardwareCard()
                yield DatasetCard()
            with Page(id="classes"):
                yield ClassBars()

    def on_mount(self) -> None:
        """Name the frame of the bars."""
        self.query_one("#classes").border_title = "Classes, share of all pairs"

    def show(self, state: State) -> None:
        """Show machine and data."""
        self.query_one("#source", Static).update(_source(state.profile, busy="profile" in state.busy))
        for part in (HardwareCard, DatasetCard, "#classes"):
            self.query_one(part).display = state.profile is not None
        if state.profile:
            self.query_one(HardwareCard).hardware = state.profile.hardware
            self.query_one(DatasetCard).dataset = state.profile.dataset
            self.query_one(ClassBars).dataset = state.profile.dataset


def _source(profile: Profile | None, *, busy: bool) -> str:
    """Where the profile is from, or what is missing."""
    if busy:
        return "Looking at machine and data"
    if profile is None:
        return "Nothing is known yet: press r to look."
    return f"As run {profile.run_id} recorded them" if profile.run_id else "As they are now"
