"""Mode 3: what to train, and why."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import Static

from advisor.tui.screens.mode import ModeScreen
from advisor.tui.state import State
from advisor.tui.widgets.headline import Headline
from advisor.tui.widgets.matrix_table import MatrixTable
from advisor.tui.widgets.page import Page
from advisor.tui.widgets.reasons import Reasons
from advisor.tui.widgets.sentences import Sentences
from advisor.tui.widgets.standings_table import StandingsTable


class AdviceScreen(ModeScreen):
    """The headline over measurements at the left and words at the right."""

    MODE = "advice"
    PURPOSE = (
        "What to train, from the last run in the store. Candidates that the trials cannot tell apart are marked as "
        "tied; move through them to see the retrieval matrix of each."
    )
    AUTO_FOCUS = "#page"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "app.read_report", "Read again", id="advice.read")]

    def compose_body(self) -> ComposeResult:
        """Headline, measurements, words."""
        yield Static("Reading the store", id="reading")
        with Page(id="page"):
            yield Headline()
            with Container(id="columns"):
                with Vertical(id="measured"):
                    yield StandingsTable()
                    yield MatrixTable()
                with Vertical(id="words"):
                    yield Reasons()
                    yield Sentences("Cautions", id="cautions")
                    yield Sentences("Next", id="next-steps")

    def show(self, state: State) -> None:
        """Show the last advice, or what to do to get one."""
        report = state.report
        self.query_one("#reading").display = "advice" in state.busy and report is None
        self.query_one("#columns").display = report is not None
        self.query_one(Headline).report = report
        if report:
            self.query_one(StandingsTable).recommendation = report.recommendation
            self.query_one(MatrixTable).evidence = report.recommendation.evidence
            self.query_one(Reasons).reasons = report.advice.reasons
            self.query_one("#cautions", Sentences).sentences = report.advice.cautions
            self.query_one("#next-steps", Sentences).sentences = report.advice.next_steps

    def on_standings_table_chosen(self, message: StandingsTable.Chosen) -> None:
        """Show the matrix of the candidate under the cursor."""
        self.query_one(MatrixTable).candidate = message.title
