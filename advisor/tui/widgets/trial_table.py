"""The trials of the run, a row each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.widgets import DataTable

from bench.result import Outcome
from bench.units import percent

if TYPE_CHECKING:
    from advisor.tui.story import TrialStory

_COLUMNS: Final = {"Candidate": 12, "Seed": 4, "Status": 11, "Phase": 9, "Step": 9, "Loss": 6, "Score": 5}
"""With their widths, for 80 columns: fixed, since a table that measures anew draws some rows at the old widths."""

_MARKS: Final = {"waiting": "·", "not run": "·", "running": "▶", Outcome.COMPLETED: "✓"}
"""Before the word, so that a column can be skimmed; any other ending is a cross."""


class TrialTable(DataTable[Text]):
    """Status, phase, step, loss and cross-sensor score of each trial. The cursor follows them."""

    BORDER_TITLE = "Trials"
    BORDER_SUBTITLE = "score: mean of S1→S2 and S2→S1, in percent"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("g", "scroll_top", "Top", show=False),
        Binding("G", "scroll_bottom", "Bottom", show=False),
    ]

    trials: reactive[tuple[TrialStory, ...]] = reactive((), init=False)

    def on_mount(self) -> None:
        """Lay out the columns."""
        self.cursor_type = "row"
        for title, width in _COLUMNS.items():
            self.add_column(title, width=width, key=title)

    def watch_trials(self, old: tuple[TrialStory, ...], new: tuple[TrialStory, ...]) -> None:
        """Write the cells that differ; a new plan writes all."""
        if [trial.plan.trial_id for trial in old] != [trial.plan.trial_id for trial in new]:
            self.clear()
            for trial in new:
                self.add_row(*map(Text, _cells(trial)), key=trial.plan.trial_id)
        else:
            for before, after in zip(old, new, strict=True):
                if before is not after:
                    self._rewrite(before, after)
        if (row := _newest(new)) is not None and row != _newest(old):
            self.move_cursor(row=row)

    def _rewrite(self, before: TrialStory, after: TrialStory) -> None:
        for title, was, cell in zip(_COLUMNS, _cells(before), _cells(after), strict=True):
            if was != cell:
                self.update_cell(after.plan.trial_id, title, Text(cell))


def _newest(trials: tuple[TrialStory, ...]) -> int | None:
    """The row of the trial that began last."""
    return max((row for row, trial in enumerate(trials) if trial.started), default=None)


def _cells(trial: TrialStory) -> tuple[str, ...]:
    mark = _MARKS.get(trial.outcome or trial.status, "✗")
    return (
        trial.plan.candidate.title,
        str(trial.plan.seed),
        f"{mark} {trial.status}",
        (trial.phase or "starting") if trial.running else "",
        _progress(trial.step, trial.plan.training.steps) if trial.started else "",
        f"{trial.losses[-1].total:.3f}" if trial.losses else "",
        "" if trial.score is None else percent(trial.score),
    )


def _progress(step: int, steps: int) -> str:
    """As "50/100", or in percent where the column does not hold that."""
    whole = f"{step}/{steps}"
    return whole if len(whole) <= _COLUMNS["Step"] else f"{100 * step // steps} %"
