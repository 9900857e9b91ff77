"""The progress of a full training on standard error: a bar where someone watches it, a line an epoch elsewhere."""

from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from bench.full.plan import FullPlan
from bench.full.wire import Began, Exported, FullEvent, Lap, Noted
from bench.units import duration

BAR_WIDTH: Final = 16


class Pacing:
    """Shows what a training tells."""

    def __init__(self, console: Console, plan: FullPlan) -> None:
        self._console, self._plan = console, plan
        self._watched = console.file.isatty() and not console.is_dumb_terminal and not console.quiet
        words = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
        self._bar = Progress(words, BarColumn(BAR_WIDTH), console=console, transient=True)
        self._task = self._bar.add_task("starting", total=plan.training.steps)

    def __enter__(self) -> Self:
        if self._watched:
            self._bar.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Wipe the bar."""
        if self._watched:
            self._bar.stop()

    def show(self, event: FullEvent) -> None:
        """Take in the next event."""
        match event:
            case Began() if event.step:
                self._bar.update(self._task, completed=event.step)
                self.say(f"Going on from step {event.step} of {event.steps}")
            case Lap():
                self._bar.update(self._task, completed=event.step, description=self._line(event))
                if not self._watched and event.step % self._plan.epoch_steps == 0:
                    self.say(self._line(event))
            case Noted():
                self.say(event.note)
            case Exported():
                self._bar.update(self._task, description="exporting")

    def say(self, sentence: str) -> None:
        """Print a sentence that lasts."""
        self._console.print(sentence, soft_wrap=True)

    def _line(self, lap: Lap) -> str:
        left = (self._plan.training.steps - lap.step) * self._plan.batch_pairs / lap.pairs_per_second
        return (
            f"epoch {lap.epoch}/{self._plan.epochs}, step {lap.step}: loss {lap.total:.4g}, "
            f"{lap.pairs_per_second:.0f} pairs/s, {duration(left)} left"
        )
