"""The app: it routes. Screens show states, threads ask the engine, messages travel between them."""

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePath
from threading import Event as Flag
from time import monotonic
from typing import Any, ClassVar, Final

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from advisor.tui.engine import Engine, Profile
from advisor.tui.messages import BenchEvent, ModeChosen, ProfileRead, ReportRead, StateChanged
from advisor.tui.palette import PALETTE
from advisor.tui.screens.advice import AdviceScreen
from advisor.tui.screens.ask import AskScreen
from advisor.tui.screens.help import HelpScreen
from advisor.tui.screens.mode import ModeScreen
from advisor.tui.screens.profile import ProfileScreen
from advisor.tui.screens.run import RunScreen
from advisor.tui.state import State, Task
from bench.errors import BenchError
from bench.plan.plan import Dropped
from bench.run.control import Control

_SCREENS: Final[tuple[type[ModeScreen], ...]] = (ProfileScreen, RunScreen, AdviceScreen)
"""In the order of the work; the keys 1, 2, 3 choose them."""


class AdvisorApp(App[None]):
    """Which cross-sensor masked autoencoder should I train?"""

    TITLE = "csmae-advisor"
    # all of them at the start: a style sheet that comes with its screen makes Textual parse and apply everything again
    CSS_PATH: ClassVar[list[str | PurePath] | None] = [
        "app.tcss",
        *sorted(Path(__file__).parent.glob("screens/*.tcss")),
    ]
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {screen.MODE: screen for screen in _SCREENS}
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(key), f"show_mode('{mode}')", f"Show {mode}", id=f"mode.{mode}", show=False)
            for key, mode in enumerate((screen.MODE for screen in _SCREENS), start=1)
        ),
        Binding("y", "copy_command", "Copy command", id="command.copy"),
        Binding("question_mark,f1", "show_help_panel", "Help", id="help", key_display="?"),
        Binding("q", "quit", "Quit", id="quit"),
    ]

    def __init__(self, engine: Engine, *, opening: Task = "profile", clock: Callable[[], float] = monotonic) -> None:
        """Open on a mode; the last advice is read in any case, machine and data only when they are shown first.

        Args:
            clock: seconds, for the time that a run has taken.
        """
        super().__init__()
        self._engine = engine
        self._opening = opening
        self._clock = clock
        self._control = Control()
        self._kill = Flag()
        self._leaving = False
        self._work: dict[Task, Callable[[], None]] = {
            "profile": self._read_profile,
            "advice": self._read_report,
            "run": self._bench,
        }
        self.state = State(request=engine.request, now_seconds=clock())

    def on_mount(self) -> None:
        """Show the first mode, and begin to read once it is drawn: threads that import would slow the drawing down."""
        self.mode_change_signal.subscribe(self, lambda _mode: self._change())
        self.switch_mode(self._opening)
        self.screen.call_after_refresh(self._begin_reading)
        self.set_interval(1.0, self._tick)

    def _begin_reading(self) -> None:
        self._begin("advice")
        if self._opening == "profile":
            self._begin("profile")

    def on_unmount(self) -> None:
        """However the app ends, a run ends with it."""
        self._kill.set()

    def _read_profile(self) -> None:
        self.post_message(ProfileRead(self._engine.profile()))

    def _read_report(self) -> None:
        self.post_message(ReportRead(self._engine.last_report()))

    def _bench(self) -> None:
        # a flag, not the worker's cancellation: a cancelled worker counts as over while its trial is still being ended
        with closing(self._engine.run(self._control)) as events:
            for event in takewhile(lambda _: not self._kill.is_set(), events):
                self.post_message(BenchEvent(event))

    def _begin(self, task: Task) -> None:
        if task in self.state.busy:
            return
        problems = {key: words for key, words in self.state.problems.items() if key != task}
        self._change(busy=self.state.busy | {task}, problems=problems)
        self.run_worker(self._work[task], name=task, group=task, thread=True, exit_on_error=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """What ends is no longer busy; what failed says why, on its own screen."""
        task = next((task for task in self._work if task == event.worker.group), None)
        # the state that is told, not the worker's: that may be further by now
        if task is None or event.state in {WorkerState.PENDING, WorkerState.RUNNING}:
            return
        failed = event.state is WorkerState.ERROR
        problems = self.state.problems | ({task: _words(event.worker.error)} if failed else {})
        self._change(busy=self.state.busy - {task}, problems=problems)
        if task == "run":
            self._run_ended(failed=failed)
        if task == "advice" and self.state.profile is None:
            self._begin("profile")

    def _run_ended(self, *, failed: bool) -> None:
        if self.state.story:
            self._change(story=self.state.story.ended(self._clock(), failed=failed))
        if self._leaving:
            self.exit()
        else:
            self._begin("advice")

    def _tick(self) -> None:
        if self.state.running:
            self._change()

    def _change(self, **changes: Any) -> None:  # noqa: ANN401  fields of the state
        """Have the mode's screen show the state with these changes."""
        self.state = replace(self.state, now_seconds=self._clock(), **changes)
        for screen in self.screen_stack[:1]:  # beneath any dialog; none is left while the app closes
            screen.post_message(StateChanged(self.state))

    def on_profile_read(self, message: ProfileRead) -> None:
        """Machine and data are known."""
        self._change(profile=message.profile)

    def on_report_read(self, message: ReportRead) -> None:
        """The store has answered; where no data were asked for, the profile of its last run is shown too."""
        report, before = message.report, self.state
        if report and before.story and before.report != report and self.current_mode != AdviceScreen.MODE:
            self.notify(f"The advice is ready: press {_SCREENS.index(AdviceScreen) + 1}.", markup=False)
        stored = report.profile if report and self._opening == AdviceScreen.MODE else None
        self._change(report=report, profile=before.profile or stored)

    def on_bench_event(self, message: BenchEvent) -> None:
        """Something happened in the run."""
        if self.state.story is None:
            return
        from bench.run.events import CutOff  # noqa: PLC0415  loads NumPy, needless for the first paint

        if isinstance(message.event, CutOff | Dropped):
            self.notify(message.event.words, timeout=15, markup=False)
        story, profile = self.state.story.after(message.event), self.state.profile
        if story.profiled and not self.state.story.profiled:
            profile = Profile(hardware=story.profiled.hardware, dataset=story.profiled.dataset)
        self._change(story=story, profile=profile)

    def on_mode_chosen(self, message: ModeChosen) -> None:
        """A tab was clicked."""
        self.switch_mode(message.mode)

    def on_run_toggled(self) -> None:
        """The run's button was pressed."""
        if self.state.running:
            self.action_stop_run()
        else:
            self.action_start_run()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  Textual's call
        """Start is offered while nothing runs, stop while something does."""
        return {"start_run": not self.state.running, "stop_run": self.state.running}.get(action, True)

    def action_show_mode(self, mode: str) -> None:
        """Show a mode."""
        self.switch_mode(mode)

    def action_read_profile(self) -> None:
        """Look at machine and data again."""
        self._begin("profile")

    def action_read_report(self) -> None:
        """Read the last advice of the store again."""
        self._begin("advice")

    def action_start_run(self) -> None:
        """Start the run, where it can be watched."""
        from advisor.tui.story import Story  # noqa: PLC0415  loads NumPy, needless for the first paint

        self._control = Control()
        self._kill.clear()
        self.state = replace(self.state, story=Story(begun_seconds=self._clock()))
        self._begin("run")
        self.switch_mode("run")

    def action_stop_run(self) -> None:
        """Stop the run when the user confirms it; asked a second time, without waiting for what is being saved."""
        if self._control.stopping:
            self._kill.set()
            return
        question = "Stop the run? What has finished is kept, what is being trained is saved."
        self.push_screen(AskScreen(question, {"stop": "Stop", "stay": "Go on"}), self._stop_if)

    def _stop_if(self, answer: str | None) -> None:
        if answer == "stop" and self.state.running and self.state.story:
            self._control.stop()
            if not self.state.story.plan:  # nothing is trained yet that could be saved
                self._kill.set()
            self._change(story=replace(self.state.story, stopping=True))

    async def action_quit(self) -> None:
        """Leave; while a run goes on, ask first. Asked a second time, leave without waiting for its end."""
        if self._leaving or not self.state.running:
            self.exit()
        elif not isinstance(self.screen, AskScreen):
            question = "Stop the run and quit? What has finished is kept, what is being trained is saved."
            self.push_screen(AskScreen(question, {"stop": "Quit", "stay": "Stay"}), self._leave_if)

    def _leave_if(self, answer: str | None) -> None:
        if answer == "stop":
            self._leaving = True
            self._stop_if(answer)
            if not self.state.running:
                self.exit()

    def action_copy_command(self) -> None:
        """Copy the command line that runs the same without a terminal."""
        command = self._engine.request.command
        self.copy_to_clipboard(command)
        self.notify(command, title="Copied", markup=False)

    def action_show_help_panel(self) -> None:
        """Show every key of this screen."""
        if isinstance(self.screen, ModeScreen):
            self.push_screen(HelpScreen(self.screen.PURPOSE, self.screen.active_bindings.values()))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers: every action of ours that is allowed now, then Textual's own."""
        for offer in PALETTE:
            name, _, _ = offer.action.partition("(")
            if self.check_action(name, ()):
                yield SystemCommand(offer.title, offer.purpose, partial(self.run_action, f"app.{offer.action}"))
        yield from super().get_system_commands(screen)


def _words(error: BaseException | None) -> str:
    """An error as users read it."""
    if isinstance(error, BenchError):
        return str(error)
    return f"This is a bug in csmae-advisor: {type(error).__name__}: {error}"
