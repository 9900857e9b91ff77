"""Everything that a screen can show, in one record: the app makes a new one at each change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from advisor.tui.engine import Profile, Report
    from advisor.tui.story import Story
    from bench.plan.plan import Request


Task = Literal["profile", "advice", "run"]
"""The slow things that go on in threads; also the mode that shows what comes of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known at one moment."""

    request: Request
    now_seconds: float
    """On the app's clock."""
    profile: Profile | None = None
    report: Report | None = None
    story: Story | None = None
    """The run of this session; None before one was started."""
    busy: frozenset[Task] = frozenset()
    """What goes on now."""
    problems: dict[Task, str] = field(default_factory=dict)
    """Why the last of each did not work, in words for users."""

    @property
    def running(self) -> bool:
        """Whether a run goes on."""
        return "run" in self.busy
