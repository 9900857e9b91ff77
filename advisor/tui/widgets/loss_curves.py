"""The losses of a trial over its steps, as curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

if TYPE_CHECKING:
    from advisor.tui.story import TrialStory


_PARTS: Final = ("total", "umr", "cmr", "mim", "mde")
"""Fields of `Losses`, in the order of the legend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line of the plot."""

    part: str
    steps: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def title(self) -> str:
        """As the legend names it."""
        return self.part if self.part == "total" else self.part.upper()


class LossCurves(Vertical):
    """Total loss and its parts, with a legend that also tells the newest values."""

    BORDER_TITLE = "Loss"

    trial: reactive[TrialStory | None] = reactive(None, init=False)

    def compose(self) -> ComposeResult:
        """The legend over the plot."""
        yield Static("The curves of the running trial are drawn here.", id="legend", markup=False)
        yield Plotted(id="plot")

    def watch_trial(self, trial: TrialStory | None) -> None:
        """Draw the curves so far."""
        if trial is None:
            return
        self.border_title = f"Loss of {trial.plan.candidate.title}, seed {trial.plan.seed}"
        plot = self.query_one(Plotted)
        plot.last_step = trial.plan.training.steps
        plot.curves = _curves(trial)
        self.query_one("#legend", Static).update(plot.legend())


def _curves(trial: TrialStory) -> tuple[Curve, ...]:
    curves = []
    for part in _PARTS:
        points = [(losses.step, value) for losses in trial.losses if (value := getattr(losses, part)) is not None]
        if points:
            steps, values = zip(*points, strict=True)
            curves.append(Curve(part=part, steps=steps, values=values))
    return tuple(curves)


class Plotted(Widget):
    """The adapter to plotext: it draws, the theme colours."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"plotted--{part}" for part in _PARTS} | {"plotted--axes"}

    curves: reactive[tuple[Curve, ...]] = reactive(())
    last_step: reactive[int] = reactive(1)
    """Where the axis of steps ends."""

    def render(self) -> Text:
        """The plot at the size that the layout gives."""
        from textual_plotext.plot import Plot  # noqa: PLC0415  slow, and needless for the first paint

        plot = Plot()
        plot.plotsize(self.size.width, self.size.height)
        plot._set_size(self.size.width, self.size.height)  # noqa: SLF001  plotsize alone does not follow a resize
        plot.canvas_color("default")
        plot.axes_color("default")  # their ground
        plot.ticks_color(self._colour("axes"))
        plot.xaxes(lower=True, upper=False)
        plot.yaxes(left=True, right=False)
        plot.xlim(0, self.last_step)
        ticks = (0, self.last_step // 2, self.last_step)
        plot.xticks([*map(float, ticks)], [*map(str, ticks)])
        for curve in reversed(self.curves):  # the total comes last, over its parts
            colour = self._colour(curve.part)
            plot.plot(curve.steps, curve.values, marker="braille", color=colour)
            plot.text(curve.title, curve.steps[-1], curve.values[-1], color=colour, alignment="right")
        return Text.from_ansi(plot.build())

    def legend(self) -> Content:
        """Each curve's name and newest value, in its colour."""
        if not self.curves:
            return Content("No step is measured yet.")
        return Content("  ").join(
            Content.styled(f"{curve.title} {curve.values[-1]:.3f}", self.get_visual_style(f"plotted--{curve.part}"))
            for curve in self.curves
        )

    def _colour(self, name: str) -> tuple[int, int, int] | int | str:
        """The theme's colour as plotext takes it: the terminal's own by number, any other by red, green and blue."""
        colour = self.get_component_rich_style(f"plotted--{name}").color
        if colour is None or colour.is_default:
            return "default"
        if colour.triplet is None and colour.number is not None:
            return colour.number
        red, green, blue = colour.get_truecolor()
        return red, green, blue
