"""The head of the run: its button, what it does, how far it is, how long it still takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.reactive import reactive
from textual.widgets import Button, Label, Static

from advisor.tui.messages import RunToggled
from advisor.tui.widgets.share_bar import ShareBar
from bench.units import duration
from models.config import VARIANTS

if TYPE_CHECKING:
    from advisor.tui.state import State
    from advisor.tui.story import Story
    from bench.plan.plan import Request, RunPlan


class RunBar(Vertical):
    """Start and stop, summary, progress and time left of the run."""

    state: reactive[State | None] = reactive(None, init=False)

    def compose(self) -> ComposeResult:
        """Button beside summary, progress beside times."""
        with Horizontal(id="what"):
            yield Button("Start", id="toggle", variant="success", compact=True)
            yield Static(id="summary", markup=False)
        with Horizontal(id="how-far"):
            yield ShareBar()
            yield Label(id="times", markup=False)

    def watch_state(self, state: State | None) -> None:
        """Show the run as it is now."""
        if state is None:
            return
        story = state.story
        button = self.query_one("#toggle", Button)
        button.label = "Stop" if state.running else "Start"
        button.variant = "error" if state.running else "success"
        button.disabled = story is not None and story.stopping
        self.query_one("#summary", Static).update(summary(state.request, story))
        self.query_one("#how-far").display = story is not None
        if story:
            self.query_one(ShareBar).share = story.share
            self.query_one("#times", Label).update(times(story, state.now_seconds))

    @on(Button.Pressed, "#toggle")
    def toggle(self, event: Button.Pressed) -> None:
        """Start what stands, stop what runs."""
        event.stop()
        self.post_message(RunToggled())


def summary(request: Request, story: Story | None) -> str:
    """What is asked, planned or going on, in a sentence."""
    if story is None:
        asked = f"{', '.join(VARIANTS[name].title for name in request.variants)} at {', '.join(request.sizes)}"
        budget = f" within {duration(request.time_budget_seconds)}" if request.time_budget_seconds else ""
        return f"{asked}, {_counted(request.seeds, 'seed')} each{budget}"
    if not story.going:
        return f"Over: {story.ending}"
    if story.stopping:
        return "Stopping; what has finished is kept"
    if story.plan is None:
        if story.preparing is None:
            return "Looking at machine and data"
        count = f" ({story.preparing.done} of {story.preparing.total})" if story.preparing.total else ""
        return f"Preparing: {story.preparing.what}{count}"
    return _planned(story.plan)


def times(story: Story, now_seconds: float) -> str:
    """How long it has taken, and what the rest should take."""
    end = now_seconds if story.ended_seconds is None else story.ended_seconds
    taken = f"{duration(end - story.begun_seconds)} so far"
    if not story.going:
        return f"took {duration(end - story.begun_seconds)}"
    return taken if story.seconds_left is None else f"{taken}, about {duration(story.seconds_left)} left"


def _planned(plan: RunPlan) -> str:
    seeds = _counted(len(dict.fromkeys(trial.seed for trial in plan.trials)), "seed")
    steps = _counted(plan.trials[0].training.steps if plan.trials else 0, "step")
    trained = f"{_counted(len(plan.contenders), 'candidate')} x {seeds}"
    what = f"{_counted(len(plan.trials), 'trial')}: {trained} x {steps}"
    if plan.baselines:
        what = f"{trained} + {_counted(len(plan.baselines), 'baseline')}, {steps}"
    return f"{what}, about {duration(plan.predicted_seconds)}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
