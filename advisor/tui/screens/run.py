"""Mode 2: the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from advisor.tui.screens.mode import ModeScreen
from advisor.tui.state import State
from advisor.tui.widgets.loss_curves import LossCurves
from advisor.tui.widgets.run_bar import RunBar
from advisor.tui.widgets.sentences import Sentences
from advisor.tui.widgets.trial_table import TrialTable
from bench.result import Outcome

if TYPE_CHECKING:
    from advisor.tui.story import Story


class RunScreen(ModeScreen):
    """Button and progress over the table of trials and the curves of the running one."""

    MODE = "run"
    PURPOSE = (
        "Trains and scores every candidate in short trials, one after the other. What finishes is kept in the store, "
        "also when you stop."
    )
    AUTO_FOCUS = "TrialTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "app.start_run", "Start", id="run.start"),
        Binding("x", "app.stop_run", "Stop", id="run.stop"),
    ]

    def compose_body(self) -> ComposeResult:
        """The run from its head to its details."""
        yield RunBar()
        yield Sentences("Not as planned", id="failures", can_focus=True)
        with Container(id="body"):
            yield TrialTable()
            yield LossCurves()
        yield Sentences("Plan", id="notes")

    def show(self, state: State) -> None:
        """Show the run."""
        story = state.story
        self.query_one(RunBar).state = state
        self.query_one("#failures", Sentences).sentences = _failures(story) if story else ()
        self.query_one("#notes", Sentences).sentences = story.plan.notes if story and story.plan else ()
        self.query_one(TrialTable).trials = story.trials if story else ()
        self.query_one(LossCurves).trial = story.current if story else None


def _failures(story: Story) -> tuple[str, ...]:
    """What did not run as planned, newest first, with its cause."""
    refusals = story.plan.refusals if story.plan else ()
    ended = [trial for trial in story.trials if trial.outcome not in (None, Outcome.COMPLETED)]
    return (
        *(f"{t.plan.candidate.title}, seed {t.plan.seed}: {t.status}: {t.cause}" for t in reversed(ended)),
        *(f"{refusal.candidate.title} is left out: {refusal.reason}" for refusal in refusals),
    )
