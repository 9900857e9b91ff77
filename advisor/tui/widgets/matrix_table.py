"""The retrieval matrix of one candidate beside what no training and what chance give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.reactive import reactive
from textual.widgets import DataTable

from bench.score import METRICS
from bench.units import percent

if TYPE_CHECKING:
    from advisor.evidence import Evidence
    from bench.score.goal import MatrixRow


class MatrixTable(DataTable[Text], can_focus=False):
    """A row a direction: query sensor to archive sensor."""

    BORDER_TITLE = "Retrieval"

    evidence: reactive[Evidence | None] = reactive(None, init=False)
    candidate: reactive[str] = reactive("", init=False)
    """Title of the candidate that is shown."""

    def on_mount(self) -> None:
        """Lay out the columns."""
        self.cursor_type = "none"
        self.add_columns("Search", "Trained", "Untrained", "Bands", "Thumbs", "Chance")

    def watch_evidence(self) -> None:
        """Show the same candidate of other evidence."""
        self.watch_candidate(self.candidate)

    def watch_candidate(self, candidate: str) -> None:
        """Show the matrix of this candidate."""
        self.clear()
        if self.evidence is None:
            return
        self.border_title = f"Retrieval of {candidate}" if candidate else self.BORDER_TITLE
        self.border_subtitle = f"{METRICS[self.evidence.metric].title}@{self.evidence.k} in percent"
        for row in self.evidence.matrices.get(candidate, ()):
            self.add_row(*map(Text, _cells(row)))


def _cells(row: MatrixRow) -> tuple[str, ...]:
    query, archive = row.direction
    searched = archive if archive == "both" else archive.upper()
    spread = "" if row.seed_deviation is None else f" ± {percent(row.seed_deviation)}"
    numbers = (row.untrained, row.band_statistics, row.thumbnail, row.chance)
    return (
        f"{query.upper()} → {searched}",
        f"{percent(row.trained)}{spread}",
        *("" if number is None else percent(number) for number in numbers),
    )
