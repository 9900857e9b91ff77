"""Why this is advised, each reason with the ground it stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from advisor.tui.widgets.plain import plain

if TYPE_CHECKING:
    from advisor.reasons import Reason

_BASES: Final = ("measured", "calibrated", "prior")


class Reasons(Static):
    """Sentences, each with the word of its basis before it and its source behind it."""

    BORDER_TITLE = "Why"
    BORDER_SUBTITLE = "measured: trials here · prior: guideline or formula"
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"reasons--{basis}" for basis in _BASES} | {"reasons--source"}

    reasons: reactive[tuple[Reason, ...]] = reactive((), layout=True)

    def render(self) -> Content:
        """Every reason on lines of its own."""
        if not self.reasons:
            return Content("The reasons stand here once trials have run.")
        from advisor.reasons import sources_once  # noqa: PLC0415  loads SciPy, and has been loaded by now

        style = self.get_visual_style("reasons--source")
        return Content("\n").join(
            Content.assemble(
                Content.styled(f"[{reason.basis}]", self.get_visual_style(f"reasons--{reason.basis}")),
                f" {plain(reason.text)}",
                Content.styled(f" ({plain(source)})" if source else "", style),
            )
            for reason, source in sources_once(self.reasons)
        )
