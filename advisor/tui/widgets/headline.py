"""The advice in one sentence, large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import reactive
from textual.widgets import Static

from advisor.tui.widgets.plain import plain

if TYPE_CHECKING:
    from advisor.tui.engine import Report


class Headline(Vertical):
    """What to train, and from which run, data and machine that is known."""

    report: reactive[Report | None] = reactive(None, init=False)

    def compose(self) -> ComposeResult:
        """The sentence, and where it comes from."""
        yield Static("No advice yet.", id="sentence", markup=False)
        yield Static("Open Run in the bar above, then press s to start the trials.", id="origin", markup=False)

    def watch_report(self, report: Report | None) -> None:
        """Show the advice."""
        if report is None:
            return
        self.query_one("#sentence", Static).update(plain(report.advice.headline))
        self.query_one("#origin", Static).update(_origin(report))
        self.set_class(report.recommendation.verdict == "better", "-decided")


def _origin(report: Report) -> str:
    hardware, dataset = report.profile.hardware, report.profile.dataset
    machine = plain(hardware.gpus[0].name if hardware.gpus else hardware.cpu_name or "a machine of unknown make")
    mark = " (SYNTHETIC images)" if dataset.synthetic else ""
    when = report.started_at[:16].replace("T", " ")
    return f"Run {report.run_id} of {when} UTC on {plain(dataset.name)}{mark}, {machine}"
