"""What a run has told, gathered for its end: the exit code, the warnings, the trials."""

from dataclasses import dataclass, field

from bench.data.places import Queries
from bench.errors import ExitCode
from bench.plan.plan import Request, RunPlan
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import HardwareProfile
from bench.result import Outcome, TrialResult
from bench.run.events import Event, Planned, Profiled, RunFinished, TrialFinished


@dataclass(slots=True)
class Story:
    """What a run has told, and whether it was cut short."""

    request: Request
    hardware: HardwareProfile | None = None
    dataset: DatasetProfile | None = None
    queries: Queries | None = None
    plan: RunPlan | None = None
    results: list[TrialResult] = field(default_factory=list)
    stopped: str = ""
    """Why the run ended before its plan did."""
    interrupted: ExitCode | None = None

    def add(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case Profiled():
                self.hardware, self.dataset, self.queries = event.hardware, event.dataset, event.queries
            case Planned():
                self.plan, self.request = event.plan, event.plan.request
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
