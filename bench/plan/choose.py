"""Which trial next: told of every result, asked whenever a device is free. Ours; nothing is dropped by rank.

First every planned trial; then, while a time budget lasts, what `bench.plan.refine` finds.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from math import inf
from statistics import median
from typing import Final

from bench.plan.forecast import Forecast, Setting
from bench.plan.plan import Dropped, Request, RunPlan, TrialPlan
from bench.plan.refine import Refiner
from bench.plan.schedule import PATIENCE
from bench.plan.verdict import hopeless, undecided
from bench.result import Candidate, Outcome, TrialResult
from models.config import VARIANTS

UNFINISHED: Final = (Outcome.CANCELLED, Outcome.INTERRUPTED, Outcome.TIMED_OUT)
"""Endings that say nothing of the trial itself."""

CONTINUED: Final = "r"
"""Ends the name of a trial that goes on with another."""

RETRY_RATE: Final = 1 / 3
"""Of the learning rate of a training that diverged."""

RETRY_PARTS: Final = 4
"""Parts of each batch after the kernel killed a trial that trained whole ones."""


class Agenda:
    """The trials of a run still to come."""

    def __init__(self, plan: RunPlan, request: Request, setting: Setting, forecast: Forecast) -> None:
        self._request, self._setting, self._forecast = request, setting, forecast
        self._waiting = list(plan.trials)
        self._begun: list[TrialPlan] = []
        self._results: list[TrialResult] = []
        self._dropped: dict[Candidate, str] = {}
        self.stopped = ""
        """Why the last question had no answer although trials were waiting."""

    @property
    def planned(self) -> int:
        """Trials handed out and waiting."""
        return len(self._begun) + len(self._waiting)

    @property
    def completed(self) -> int:
        """Trials that were trained and scored."""
        return sum(result.outcome is Outcome.COMPLETED for result in self._results)

    def number(self, trial: TrialPlan) -> int:
        """Of a trial that was handed out, from 1."""
        return 1 + next(n for n, begun in enumerate(self._begun) if begun.trial_id == trial.trial_id)

    def resume(self, earlier: Sequence[TrialResult]) -> None:
        """Count results of the same run; what was stopped or cut off waits to be done again, under a new name."""
        ended = {result.trial_id: result for result in earlier}
        done_again = {result.retry_of for result in earlier}
        planned = {trial.trial_id: trial for trial in self._waiting}
        chosen = [_as_planned(result, self._setting) for result in earlier if result.trial_id not in planned]
        self._waiting = []
        for trial in (*planned.values(), *chosen):
            result = ended.get(trial.trial_id)
            if result is None:
                self._waiting.append(trial)
            elif result.outcome in UNFINISHED and trial.trial_id not in done_again:
                again = f"{trial.trial_id}.{CONTINUED}"
                self._waiting.append(replace(trial, trial_id=again, retry_of=trial.trial_id, purpose="going on"))
            else:
                self._begun.append(trial)
        for trial in self._begun.copy():
            self.add(ended[trial.trial_id])

    def next(self, left_seconds: float | None) -> TrialPlan | None:
        """The next trial, which then counts as begun; None when there is none, or none that ends in time.

        Args:
            left_seconds: of the time budget; None without one.
        """
        left = inf if left_seconds is None else left_seconds
        for trial in self._waiting:
            if self._claimed(trial) <= left:
                self._waiting.remove(trial)
                self._begun.append(trial)
                return trial
        if self._waiting:
            number = len(self._begun) + 1
            self.stopped = f"the time budget does not hold trial {number} of {self.planned}"
            return None
        if left_seconds is None or not self._request.refine:
            return None
        for trial in self._refinements():
            if self.seconds(trial) <= left:
                self._begun.append(trial)
                return trial
        return None

    def seconds(self, trial: TrialPlan) -> float:
        """Its predicted time, corrected by how long this run's trials took against theirs."""
        return trial.predicted_seconds * self._pace(trial.candidate)

    def _claimed(self, trial: TrialPlan) -> float:
        """What must be left for it to begin: its own time, and for a baseline that of the candidates that wait."""
        beside = [self.seconds(other) for other in self._waiting if other.candidate in self._request.candidates]
        return self.seconds(trial) + (sum(beside) if trial.candidate in self._request.trained_baselines else 0.0)

    def add(self, result: TrialResult) -> tuple[Dropped, ...]:
        """Take in how a trial ended; the candidates that it decides against."""
        self._results.append(result)
        trial = next(t for t in self._begun if t.trial_id == result.trial_id)
        if result.outcome is Outcome.DIVERGED and result.retry_of is None:
            self._retry(
                trial, training=replace(trial.training, learning_rate=trial.training.learning_rate * RETRY_RATE)
            )
        elif result.outcome is Outcome.OUT_OF_MEMORY:
            if result.retry_of is None and trial.micro_batches < RETRY_PARTS < trial.training.batch_pairs:
                self._retry(trial, micro_batches=RETRY_PARTS)
            else:
                return tuple(self._drop(trial.candidate, "does not fit into memory"))
        elif result.outcome is Outcome.COMPLETED and len(self._seeds()) > 1:
            behind = hopeless(self._comparable(), margin=self._request.margin, groups=self._setting.query_groups)
            return tuple(dropped for candidate, reason in behind.items() for dropped in self._drop(candidate, reason))
        return ()

    def _retry(self, trial: TrialPlan, **changes: object) -> None:
        again = replace(trial, **changes, retry_of=trial.trial_id, purpose="again after it failed")  # type: ignore[arg-type]  # fields of the record
        self._waiting.insert(0, replace(again, trial_id=f"{trial.trial_id}.2"))

    def _drop(self, candidate: Candidate, reason: str) -> Iterator[Dropped]:
        if candidate in self._dropped:
            return
        self._dropped[candidate] = reason
        self._waiting = [trial for trial in self._waiting if trial.candidate != candidate]
        yield Dropped(candidate=candidate, reason=reason)

    def _pace(self, candidate: Candidate) -> float:
        """Seconds taken over seconds predicted: of the candidate's own trials, else of all."""
        predicted = {trial.trial_id: trial.predicted_seconds for trial in self._begun}
        ratios: dict[Candidate, list[float]] = defaultdict(list)
        for result in self._results:
            taken = result.costs.total_seconds
            if taken is not None and result.outcome is Outcome.COMPLETED:
                ratios[result.candidate].append(taken / predicted[result.trial_id])
        if not ratios:
            return 1.0
        return median(ratios.get(candidate) or [ratio for own in ratios.values() for ratio in own])

    def _refinements(self) -> Iterator[TrialPlan]:
        """What to do with time that is left, the most useful first."""
        base = self._comparable()
        if base:
            open_still = undecided(base, groups=self._setting.query_groups)
            yield from Refiner(
                request=self._request,
                setting=self._setting,
                forecast=self._forecast,
                begun=self._begun,
                waiting=len(self._waiting),
                results=base,
                contenders=[candidate for candidate in open_still if candidate not in self._dropped],
                seconds=self.seconds,
            ).options()

    def _seeds(self) -> set[int]:
        return {result.seed for result in self._comparable()}

    def _comparable(self) -> list[TrialResult]:
        """Completed trials of contenders with the first plan's training on all pairs."""
        whole = self._setting.data.train_pairs
        return [
            result
            for result in self._results
            if result.outcome is Outcome.COMPLETED
            and result.training == self._begun[0].training
            and result.data.train_pairs == whole
            and not VARIANTS[result.candidate.variant].baseline
        ]


def _as_planned(result: TrialResult, setting: Setting) -> TrialPlan:
    """A trial that was chosen after the plan was stored, from what became of it."""
    shared = {field.name: getattr(result, field.name) for field in fields(TrialPlan) if hasattr(result, field.name)}
    seconds = result.costs.total_seconds or 0.0
    shared |= {"rungs": (), "device": setting.device, "threads": setting.threads}
    return TrialPlan(
        **shared,
        cache=setting.cache,
        checkpoints=setting.checkpoints,
        descriptors=setting.descriptors,
        memory_limit_bytes=setting.memory_limit_bytes,
        predicted_seconds=seconds,
        timeout_seconds=PATIENCE * seconds + 60,
    )
