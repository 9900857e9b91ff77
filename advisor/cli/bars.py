"""The moving part of a run's talk: a bar for the run, one for the trial that is running, and the time left."""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from advisor.cli.streams import printable
from advisor.cli.talk import Lines
from bench.plan.plan import TrialPlan
from bench.result import Losses, Outcome, TrialResult
from bench.run.events import Event, PhaseEntered, Planned, Preparing, StepMeasured, TrialFinished, TrialStarted
from bench.score.goal import Goal
from bench.units import duration

NOTE_WIDTH: Final = 44
"""Columns of what stands behind a bar: fixed, so that the bars keep their length."""

SPARE_WIDTH: Final = 4
"""Columns kept free at the right: a terminal writes ^C there, and a line that it breaks cannot be wiped."""


def talk(console: Console, goal: Goal) -> Lines:
    """What suits the console: bars where someone watches them move, lines elsewhere."""
    watched = console.file.isatty() and not console.is_dumb_terminal and not console.quiet
    return Bars(console, goal) if watched else Lines(console, goal)


class TimeLeft:
    """Predicted seconds to the end of the run: the plan's, scaled by what finished trials really took."""

    def __init__(self, trials: Sequence[TrialPlan], now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._open = {trial.trial_id: trial.predicted_seconds for trial in trials}
        self._predicted = self._measured = self._current = self._began = 0.0

    def start(self, trial: TrialPlan) -> None:
        """A trial begins."""
        self._open.setdefault(trial.trial_id, trial.predicted_seconds)
        self._current, self._began = trial.predicted_seconds, self._now()

    def finish(self, result: TrialResult) -> None:
        """A trial is over; those that did not complete say nothing about the pace."""
        predicted = self._open.pop(result.trial_id)
        self._current = 0.0
        if result.outcome is Outcome.COMPLETED and result.costs.total_seconds is not None:
            self._predicted += predicted
            self._measured += result.costs.total_seconds

    def seconds(self) -> float:
        """From now."""
        pace = self._measured / self._predicted if self._predicted else 1.0
        gone = min(self._now() - self._began, pace * self._current)
        return pace * sum(self._open.values()) - gone


class Note(ProgressColumn):
    """The words behind a bar, asked for at each repainting, so that a time in them runs."""

    def render(self, task: Task) -> Text:
        """The task's note, padded to a fixed width."""
        note: Callable[[], str] = task.fields["note"]
        return Text(printable(note()).ljust(NOTE_WIDTH))


class Bars(Lines):
    """Lines for what lasts, above bars for the moment, which go away in the end."""

    def __init__(self, console: Console, goal: Goal) -> None:
        super().__init__(console, goal)
        self._bar = BarColumn()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            self._bar,
            Note(table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=console,
            transient=True,
            refresh_per_second=4,  # the trial needs the cores
            redirect_stdout=False,  # standard output is data, wherever it goes
        )
        self._fit("preparing")
        self._run = self._progress.add_task("preparing", total=None, note=str)
        self._trial = self._progress.add_task("", visible=False, note=str)
        self._left = TimeLeft(())
        self._plan: TrialPlan | None = None
        self._lap: Losses | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
        if self.finished:
            self.console.print()  # what follows is the advice

    def show(self, event: Event) -> None:
        """Take in the next event of the run."""
        super().show(event)
        match event:
            case Preparing():
                count = f"  {event.done}/{event.total}" if event.total else ""
                self._set(self._run, f"{event.what}{count}", completed=event.done, total=event.total or None)
            case Planned():
                self._left = TimeLeft(event.plan.trials)
                self._fit(*(_title(trial) for trial in event.plan.trials))
                self._count_trials(0)
            case TrialStarted():
                self._plan, self._lap = event.plan, None
                self._left.start(event.plan)
                title, total = _title(event.plan), event.plan.training.steps
                self._set(self._trial, "starting", description=title, completed=0, total=total, visible=True)
            case PhaseEntered():
                self._set(self._trial, event.phase)
            case StepMeasured() if self._plan:
                self._step(self._plan, event.losses)
            case TrialFinished():
                self._left.finish(event.result)
                self._count_trials(0)
                self._set(self._trial, "", visible=False)

    def _step(self, plan: TrialPlan, losses: Losses) -> None:
        note = f"training {losses.step}/{plan.training.steps}  loss {losses.total:.3f}"
        if self._lap and losses.seconds > self._lap.seconds:
            pairs = plan.training.batch_pairs * (losses.step - self._lap.step)
            note += f"  {pairs / (losses.seconds - self._lap.seconds):.0f} pairs/s"
        self._lap = losses
        self._set(self._trial, note, completed=losses.step)
        self._count_trials(losses.step / plan.training.steps)

    def _count_trials(self, share: float) -> None:
        """Bring the run's bar to the finished trials and this share of the running one."""
        self._progress.update(
            self._run,
            description=f"{self.finished}/{self.planned} trials",
            completed=self.finished + share,
            total=self.planned,
            note=lambda: f"about {duration(self._left.seconds())} left",
        )

    def _fit(self, *titles: str) -> None:
        """Give the bars what these titles, notes and spaces leave of the line."""
        taken = max(len(title) for title in titles) + NOTE_WIDTH + SPARE_WIDTH + 2
        self._bar.bar_width = max(4, self.console.width - taken)

    def _set(self, bar: TaskID, note: str, **changes: Any) -> None:  # noqa: ANN401  any field of rich's task
        self._progress.update(bar, note=lambda: note, **changes)


def _title(trial: TrialPlan) -> str:
    return f"{trial.candidate.title} seed {trial.seed}"
