"""What travels between threads, app, screens and widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from advisor.tui.engine import Profile, Report
    from advisor.tui.state import State
    from bench.run.events import Event


class BenchEvent(Message):
    """From the thread of a run: something happened in it."""

    def __init__(self, event: Event) -> None:
        self.event = event
        super().__init__()


class ProfileRead(Message):
    """From the thread that looks at machine and data: this is what they are."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        super().__init__()


class ReportRead(Message):
    """From the thread that reads the store: the last advice, or that there is none."""

    def __init__(self, report: Report | None) -> None:
        self.report = report
        super().__init__()


class StateChanged(Message, bubble=False):
    """To the screen: show this. Of several that wait, only the newest is painted."""

    def __init__(self, state: State) -> None:
        self.state = state
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        """Whether the message that waits behind this one makes it needless."""
        return isinstance(message, StateChanged)


class ModeChosen(Message):
    """From the bar of modes: show this one."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        super().__init__()


class RunToggled(Message):
    """From the run's button: start what stands, or stop what runs."""
