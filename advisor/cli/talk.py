"""What a run says on standard error: a line for its plan, a line for each trial that ends."""

from typing import Final, Self

from rich.console import Console
from rich.text import Text

from advisor.cli.blocks import count
from advisor.cli.streams import printable
from bench.plan.plan import Dropped, RunPlan
from bench.result import Outcome, Subject, TrialResult
from bench.run.events import CutOff, Event, Planned, RunFinished, TrialFinished, TrialStarted
from bench.score import METRICS
from bench.score.goal import Goal
from bench.units import duration, percent

STYLES: Final = {Outcome.COMPLETED: "green", Outcome.CANCELLED: "yellow"}
"""Of an outcome's word; the others are red."""


class Lines:
    """Prints what lasts: the plan, each trial's ending, and why a run ended early."""

    def __init__(self, console: Console, goal: Goal) -> None:
        self.console, self.goal = console, goal
        self.planned = self.finished = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to take away."""

    def show(self, event: Event) -> None:
        """Take in the next event of the run."""
        match event:
            case Planned():
                self.planned = len(event.plan.trials)
                for line in plan_lines(event.plan):
                    self._print(line)
            case CutOff():
                self._print(f"{event.words} Go on with it: csmae-bench run --resume {event.run_id}")
            case TrialStarted() if event.number > self.planned:
                self.planned = event.number  # chosen by what the planned trials said
                self._print(f"Next: {event.plan.purpose}, {event.plan.candidate.title} seed {event.plan.seed}")
            case Dropped():
                self._print(event.words)
            case TrialFinished():
                self.finished += 1
                number = f"{self.finished:>{len(str(self.planned))}}/{self.planned}"
                self._print(self._fitted([Text(number), *trial_parts(event.result, self.goal)]))
            case RunFinished() if event.stopped:
                self._print(f"Ended early: {event.stopped}.")

    def say(self, sentence: str) -> None:
        """Print a sentence of the command's own."""
        self._print(sentence)

    def _print(self, line: str | Text) -> None:
        # in a file, a line is a line
        self.console.print(line, soft_wrap=not self.console.is_terminal)

    def _fitted(self, parts: list[Text]) -> Text:
        """The parts on one line; on a terminal, as many as it is wide."""
        between = Text("  ")
        line = between.join(parts)
        while self.console.is_terminal and line.cell_len > self.console.width and len(parts) > 5:
            parts = parts[:-1]
            line = between.join(parts)
        return line


def plan_lines(plan: RunPlan) -> list[str]:
    """How many trials and how long, what was decided, and what will not run."""
    trials = count(len(plan.trials), "trial")
    trained = count(len(plan.contenders), "candidate")
    if plan.baselines:
        trained += f" and {count(len(plan.baselines), 'baseline')}"
    return [
        f"{trials} of {trained}, about {duration(plan.predicted_seconds)}",
        *(f"- {note}" for note in plan.notes),
        *(f"- {refusal.candidate.title} will not run: {refusal.reason}" for refusal in plan.refusals),
    ]


def trial_parts(result: TrialResult, goal: Goal) -> list[Text]:
    """The ending of a trial: candidate and seed, outcome, time, then its score and speed, or the cause."""
    parts = [
        Text(f"{result.candidate.title} seed {result.seed}"),
        Text(result.outcome.value.replace("_", " "), STYLES.get(result.outcome, "bold red")),
        Text(duration(result.costs.total_seconds or 0)),
    ]
    if result.outcome is not Outcome.COMPLETED:
        return [*parts, Text(printable(result.cause))]
    if result.data.labelled:
        metric = "f1_of_means"
    else:  # partners exist across sensors only
        goal, metric = goal.across(), "partner_recall"
    trained, untrained = goal_score(result, goal, metric, "trained"), goal_score(result, goal, metric, "untrained")
    if trained is not None:
        before = "" if untrained is None else f" (untrained {percent(untrained)})"
        parts.append(Text(f"{goal.name} {METRICS[metric].title} {percent(trained)}{before}"))
    if result.costs.pairs_per_second is not None:
        parts.append(Text(f"{result.costs.pairs_per_second:.0f} pairs/s"))
    return parts


def goal_score(result: TrialResult, goal: Goal, metric: str, subject: Subject) -> float | None:
    """Mean of the metric over the goal's directions; None where one of them was not measured."""
    values = [result.score(query, archive, metric, subject=subject) for query, archive in goal.directions]
    return goal.mean([value for value in values if value is not None]) if None not in values else None
