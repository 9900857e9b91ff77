"""A run from its request to its exit code: follow the events, survive an interruption, print what came of it."""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Never

from rich.console import Console

from advisor.cli.advice import Counsel, advise, show_advice
from advisor.cli.bars import talk
from advisor.cli.planned import show_plan
from advisor.cli.streams import envelope, stderr, stdout
from bench import session
from bench.errors import ExitCode
from bench.plan.plan import Request, RunPlan
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import HardwareProfile
from bench.result import Outcome, TrialResult
from bench.run.events import Event, Planned, Profiled, RunFinished, TrialFinished
from bench.score.goal import GOALS, Goal
from bench.store.results import Results


class Terminated(SystemExit):
    """SIGTERM came. Like Ctrl-C it passes through everything that cleans up."""


@dataclass(slots=True)
class Story:
    """What a run has told, and whether it was cut short."""

    request: Request
    hardware: HardwareProfile | None = None
    dataset: DatasetProfile | None = None
    plan: RunPlan | None = None
    results: list[TrialResult] = field(default_factory=list)
    stopped: str = ""
    """Why the run ended before its plan did."""
    interrupted: ExitCode | None = None

    def add(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case Profiled():
                self.hardware, self.dataset = event.hardware, event.dataset
            case Planned():
                self.plan = event.plan
            case TrialFinished():
                self.results.append(event.result)
            case RunFinished():
                self.stopped = event.stopped

    @property
    def completed(self) -> int:
        """Trials that were trained and scored."""
        return sum(result.outcome is Outcome.COMPLETED for result in self.results)

    @property
    def code(self) -> ExitCode:
        """How the run ended, for scripts."""
        if self.interrupted:
            return self.interrupted
        out_of_time = self.stopped or any(result.outcome is Outcome.TIMED_OUT for result in self.results)
        if self.request.time_budget_seconds and out_of_time and not self.completed:
            return ExitCode.BUDGET
        return ExitCode.DONE if self.completed == len(self.results) else ExitCode.FAILED

    @property
    def warnings(self) -> tuple[str, ...]:
        """What did not go as asked, a sentence each."""
        refused = self.plan.refusals if self.plan else ()
        return (
            *(f"{refusal.candidate.title} did not run: {refusal.reason}" for refusal in refused),
            *(
                f"{result.candidate.title} seed {result.seed} ended as {result.outcome}: {result.cause}"
                for result in self.results
                if result.outcome is not Outcome.COMPLETED
            ),
            *((f"ended early: {self.stopped}",) if self.stopped else ()),
        )


def preview(request: Request, *, as_json: bool, quiet: bool) -> ExitCode:
    """Print what a run would do; nothing is stored.

    Raises: BenchError: the request, the data or the machine cannot be used.
    """
    story = Story(request)
    with talk(stderr(quiet=quiet), GOALS["cross"]) as shown, closing(session.plan(request)) as events:
        for event in events:
            story.add(event)
            if not isinstance(event, Planned):  # the plan is this command's data, not its talk
                shown.show(event)
    if story.plan and as_json:
        envelope("run", ExitCode.DONE, {"plan": story.plan}, warnings=story.warnings)
    elif story.plan:
        show_plan(stdout(), story.plan)
    return ExitCode.DONE


def conduct(request: Request, *, database: Path, goal: str, as_json: bool, quiet: bool) -> ExitCode:
    """Run the request and print the advice that its trials give.

    Raises: BenchError: the request, the data, the machine or the store cannot be used.
    """
    store = Results(database)
    story = _follow(request, store, GOALS[goal], stderr(quiet=quiet))
    counsel = None
    if story.plan and story.hardware and story.dataset and (story.completed or not story.interrupted):
        trials = store.trials(run_id=story.plan.run_id)
        counsel = advise(trials, hardware=story.hardware, dataset=story.dataset, goal=goal)
    if as_json:
        envelope("run", story.code, _document(story, database, counsel), warnings=story.warnings)
    elif counsel:
        show_advice(stdout(), counsel)
        if not story.interrupted:
            stdout().print(f"\n{_kept(story, database)}", soft_wrap=True)
    if story.interrupted:
        stderr().print(f"Interrupted: {_kept(story, database)}.", soft_wrap=True)
    return story.code


def _follow(request: Request, store: Results, goal: Goal, console: Console) -> Story:
    """Run to the end or to the first Ctrl-C or SIGTERM; the trial that runs then is recorded as cancelled."""
    story = Story(request)
    try:
        with _sigterm_raises(), talk(console, goal) as shown, closing(session.run(request, store)) as events:
            for event in events:
                story.add(event)
                shown.show(event)
    except KeyboardInterrupt:
        story.interrupted = ExitCode.INTERRUPTED
    except Terminated:
        story.interrupted = ExitCode.TERMINATED
    return story


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that the running trial is stopped and recorded."""

    def stop(_number: int, _frame: FrameType | None) -> Never:
        raise Terminated(ExitCode.TERMINATED)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _kept(story: Story, database: Path) -> str:
    """Where the results are."""
    if not story.plan:
        return "nothing had been trained, nothing was stored"
    return f"{len(story.results)} of {len(story.plan.trials)} trials are kept in {database} (run {story.plan.run_id})"


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
