"""A run from its request to its exit code: follow the events, survive an interruption, print what came of it."""

import shlex
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console

from advisor.cli.advice import Counsel, advise, show_advice
from advisor.cli.bars import talk
from advisor.cli.planned import show_plan
from advisor.cli.story import Story
from advisor.cli.streams import envelope, stderr, stdout
from bench import session
from bench.errors import BenchError, ExitCode
from bench.plan.plan import DEFAULTS, Request, RunPlan
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import HardwareProfile
from bench.run.control import Control
from bench.run.events import Event, Planned
from bench.score.goal import Goal, read_goal
from bench.store.results import Results


class Terminated(SystemExit):
    """SIGTERM came. Like Ctrl-C it passes through everything that cleans up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What a run would do, and where."""

    hardware: HardwareProfile
    dataset: DatasetProfile
    plan: RunPlan
    warnings: tuple[str, ...]


def foresee(request: Request, *, database: Path, simulated: HardwareProfile | None = None, quiet: bool) -> Foreseen:
    """Plan the run, with talk but for the plan itself; nothing is stored.

    Args:
        database: the store whose trials predictions may rest on.
        simulated: a machine to plan for instead of this one.
    Raises: BenchError: the request, the data or the machine cannot be used.
    """
    story = Story(request)
    planning = session.plan(request, Results(database), simulated=simulated)
    with talk(stderr(quiet=quiet), read_goal("cross")) as shown, closing(planning) as events:
        for event in events:
            story.add(event)
            if not isinstance(event, Planned):  # the plan is the command's data, not its talk
                shown.show(event)
    if not (story.plan and story.hardware and story.dataset):
        raise BenchError("the planning ended without a plan")
    return Foreseen(hardware=story.hardware, dataset=story.dataset, plan=story.plan, warnings=story.warnings)


def preview(request: Request, *, database: Path, as_json: bool, quiet: bool) -> ExitCode:
    """Print what a run would do; nothing is stored.

    Raises: BenchError: the request, the data or the machine cannot be used.
    """
    told = foresee(request, database=database, quiet=quiet)
    if as_json:
        envelope("run", ExitCode.DONE, {"plan": told.plan}, warnings=told.warnings)
    else:
        show_plan(stdout(), told.plan, told.hardware)
    return ExitCode.DONE


def conduct(request: Request, *, database: Path, goal: str, as_json: bool, quiet: bool) -> ExitCode:
    """Run the request and print the advice that its trials give.

    Raises: BenchError: the request, the data, the machine or the store cannot be used.
    """
    store, control = Results(database), Control()
    events = session.run(request, store, control=control)
    return _carry_out(Story(request), events, control, store, Printing(goal=goal, as_json=as_json, quiet=quiet))


def carry_on(
    run_id: str | None, *, time_budget: float | None, database: Path, goal: str, as_json: bool, quiet: bool
) -> ExitCode:
    """Go on with a stored run, and print the advice as `conduct` does.

    Args:
        run_id: None: the last one.
        time_budget: seconds from now; None: the run's own.
    Raises: BenchError: there is no such run, or as for `conduct`.
    """
    store, control = Results(database), Control()
    events = session.resume(run_id, store, time_budget_seconds=time_budget, control=control)
    return _carry_out(Story(DEFAULTS), events, control, store, Printing(goal=goal, as_json=as_json, quiet=quiet))


@dataclass(frozen=True, slots=True, kw_only=True)
class Printing:
    """What is said, and how."""

    goal: str
    as_json: bool
    quiet: bool


def _carry_out(
    story: Story, events: Generator[Event], control: Control, store: Results, printing: Printing
) -> ExitCode:
    _follow(story, events, control, read_goal(printing.goal), stderr(quiet=printing.quiet))
    counsel = None
    if story.plan and story.hardware and story.dataset and (story.completed or not story.interrupted):
        trials = store.trials(run_id=story.plan.run_id)
        counsel = advise(
            trials, hardware=story.hardware, dataset=story.dataset, goal=printing.goal, queries=story.queries
        )
    if printing.as_json:
        envelope("run", story.code, _document(story, store.path, counsel), warnings=story.warnings)
    elif counsel:
        show_advice(stdout(), counsel)
        if not story.interrupted:
            stdout().print(f"\n{_kept(story, store.path)}", soft_wrap=True)
    if story.interrupted:
        stderr().print(f"Interrupted: {_kept(story, store.path)}.", soft_wrap=True)
    if story.plan and (story.interrupted or story.stopped):
        stderr(quiet=printing.quiet).print(f"Go on with it: {_resume_line(story.plan, store.path)}", soft_wrap=True)
    return story.code


def _follow(story: Story, events: Generator[Event], control: Control, goal: Goal, console: Console) -> None:
    """Run to the end, or to where a signal ends it."""
    with talk(console, goal) as shown:

        def ask(code: ExitCode) -> bool:
            """Whether the run could be asked to end by itself; it is asked once, and only when trials may run."""
            if control.stopping or not story.plan:
                return False
            story.interrupted = code
            control.stop()
            shown.say("Stopping: what is trained is being saved; once more stops at once.")
            return True

        try:
            with signals(ask), closing(events):
                for event in events:
                    story.add(event)
                    shown.show(event)
        except KeyboardInterrupt:
            story.interrupted = ExitCode.INTERRUPTED
        except Terminated:
            story.interrupted = ExitCode.TERMINATED


@contextmanager
def signals(ask: Callable[[ExitCode], bool]) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM ask first; where asking does not help they raise, and the running trial is recorded."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if not ask(ExitCode.INTERRUPTED):
            raise KeyboardInterrupt

    def terminate(_number: int, _frame: FrameType | None) -> None:
        if not ask(ExitCode.TERMINATED):
            raise Terminated(ExitCode.TERMINATED)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _resume_line(plan: RunPlan, database: Path) -> str:
    """The command that goes on with the run."""
    where = [] if database == Path("results.duckdb") else ["--db", str(database)]
    return shlex.join(["csmae-bench", "run", "--resume", plan.run_id, *where])


def _kept(story: Story, database: Path) -> str:
    """Where the results are."""
    if not story.plan:
        return "nothing had been trained, nothing was stored"
    total = max(len(story.plan.trials), len(story.results))
    return f"{len(story.results)} of {total} trials are kept in {database} (run {story.plan.run_id})"


def _document(story: Story, database: Path, counsel: Counsel | None) -> dict[str, object]:
    """The run as data for scripts."""
    return {
        "run_id": story.plan.run_id if story.plan else None,
        "store": str(database),
        "planned": len(story.plan.trials) if story.plan else 0,
        "completed": story.completed,
        "stopped": story.stopped,
        "trials": [
            {
                "trial_id": result.trial_id,
                "candidate": result.candidate.title,
                "seed": result.seed,
                "outcome": result.outcome,
                "cause": result.cause,
            }
            for result in story.results
        ],
        "advice": counsel and counsel.document,
    }
