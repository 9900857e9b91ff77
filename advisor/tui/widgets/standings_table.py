"""The candidates side by side: score, noise, cost, and which of them the trials cannot tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import DataTable

from bench.score import METRICS
from bench.units import gib, millions, percent
from models.config import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from advisor.evidence import Standing
    from advisor.recommend import Recommendation

_COLUMNS: Final = ("Candidate", "Standing", "{metric}", "Trials", "Pairs/s", "Param.", "Memory")


class StandingsTable(DataTable[Text]):
    """A row a candidate, highest mean first. The cursor chooses whose retrieval matrix is shown."""

    BORDER_TITLE = "Candidates"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]

    recommendation: reactive[Recommendation | None] = reactive(None, init=False)

    class Chosen(Message):
        """The cursor is on this candidate."""

        def __init__(self, title: str) -> None:
            self.title = title
            super().__init__()

    def on_mount(self) -> None:
        """Choose by rows."""
        self.cursor_type = "row"

    def watch_recommendation(self, recommendation: Recommendation | None) -> None:
        """Write the table, the cursor on what is advised."""
        self.clear(columns=True)
        evidence = recommendation.evidence if recommendation else None
        if recommendation is None or evidence is None:
            return
        metric = f"{METRICS[evidence.metric].title}@{evidence.k}"
        self.add_columns(*(column.format(metric=metric) for column in _COLUMNS))
        for standing in evidence.standings:
            self.add_row(*map(Text, _cells(standing, recommendation)), key=standing.candidate.title)
        order = [standing.candidate for standing in evidence.standings]
        if recommendation.candidate in order:
            self.move_cursor(row=order.index(recommendation.candidate))
        noise = "unknown" if evidence.noise is None else f"± {percent(evidence.noise.deviation)}"
        self.border_subtitle = f"{evidence.goal.name} mean in percent, noise of seeds {noise}"

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Tell whose row it is."""
        event.stop()
        if event.row_key.value is not None:
            self.post_message(self.Chosen(event.row_key.value))


def _cells(standing: Standing, recommendation: Recommendation) -> tuple[str, ...]:
    return (
        standing.candidate.title,
        _place(standing, recommendation),
        _said(standing.score, percent) + _said(standing.seed_deviation, lambda share: f" ± {percent(share)}"),
        f"{standing.completed}/{standing.completed + len(standing.other)}",
        _said(standing.pairs_per_second, "{:.0f}".format),
        _said(standing.parameters, millions),
        _said(standing.peak_memory_bytes, gib),
    )


def _place(standing: Standing, recommendation: Recommendation) -> str:
    """Where the trials put it, in words: colour alone would not tell."""
    open_ = recommendation.verdict == "undecided"
    tied = standing.candidate in recommendation.tied and len(recommendation.tied) > 1
    if standing.candidate == recommendation.candidate:
        return "→ for now" if open_ else "→ advised, tied" if tied else "→ advised"
    if VARIANTS[standing.candidate.variant].baseline:
        return "baseline"
    if standing.score is None:
        return "no score"
    return "? open" if open_ else "= tied" if tied else "↓ lower"


def _said(value: float | None, words: Callable[[float], str]) -> str:
    return "" if value is None else words(value)
