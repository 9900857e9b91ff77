"""Trials of a stored run trained again, into a store that goes away: the user's is never touched."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from advisor.cli.bars import talk
from bench import session
from bench.errors import DataError, UsageError
from bench.plan.plan import Request, Wish
from bench.profile.hardware import HardwareProfile, probe
from bench.result import Candidate, Outcome, TrialResult
from bench.run.events import Profiled, TrialFinished
from bench.score.goal import Goal
from bench.store.results import Results
from bench.store.runs import Run


def cheapest(trials: Sequence[TrialResult], count: int) -> tuple[TrialResult, ...]:
    """Of completed trials those that took the least time; one that repeats another with other settings is left out.

    Raises: UsageError: there is none.
    """
    whole = [trial for trial in trials if trial.outcome is Outcome.COMPLETED and trial.retry_of is None]
    if not whole:
        raise UsageError("the receipt rests on no completed trial that could be trained again")
    return tuple(sorted(whole, key=lambda trial: (trial.costs.total_seconds or 0.0, trial.trial_id))[:count])


def train_again(
    run: Run,
    trials: Sequence[TrialResult],
    *,
    data: str | None,
    time_budget: float | None,
    goal: Goal,
    console: Console,
) -> dict[str, TrialResult]:
    """What became of each trial, by the name of the original; without those that there was no time or room for.

    Args:
        trials: comparable ones.
        data: where the pairs are now; where the run found them when left out.
        time_budget: seconds for all of it.
        console: for progress.
    Raises: BenchError: the data are not here or others now, or the machine cannot train.
    """
    request = as_request(run, trials, hardware=probe(), data=data, time_budget=time_budget)
    names = {(trial.candidate, trial.seed): trial.trial_id for trial in trials}
    found: dict[tuple[Candidate, int], TrialResult] = {}
    with TemporaryDirectory(prefix="csmae-verify-") as folder:
        events = session.run(request, Results(Path(folder) / "results.duckdb"))
        try:
            with talk(console, goal) as shown, closing(events):
                for event in events:
                    if isinstance(event, Profiled):
                        _require_same(event.dataset.fingerprint, run.dataset.fingerprint, request.data)
                    if isinstance(event, TrialFinished):
                        found[event.result.candidate, event.result.seed] = event.result
                    shown.show(event)
        except DataError as error:
            raise UsageError(f"{error}; --data says where the pairs of {run.dataset.name} are now") from error
    return {names[key]: result for key, result in found.items()}


def as_request(
    run: Run, trials: Sequence[TrialResult], *, hardware: HardwareProfile, data: str | None, time_budget: float | None
) -> Request:
    """A request for the very same trainings: same settings and seeds, and the same device where it is there."""
    first = trials[0]
    index = first.device.partition(":")[2]
    return replace(
        run.plan.request,
        data=data or run.plan.request.data,
        time_budget_seconds=time_budget,
        device=first.device if not index or int(index) < len(hardware.gpus) else "auto",
        precision=first.precision,
        batch_pairs=first.training.batch_pairs,
        learning_rate=first.training.learning_rate,
        k=first.k,
        margin=1.0,  # nobody is given up for being behind
        refine=False,
        from_scratch=True,
        wishes=tuple(
            Wish(
                candidate=trial.candidate,
                seed=trial.seed,
                steps=trial.training.steps,
                rungs=tuple(rung.step for rung in trial.rungs if rung.step < trial.training.steps),
                train_pairs=trial.data.train_pairs,
            )
            for trial in trials
        ),
        command="csmae-bench verify",
    )


def _require_same(found: str, wanted: str, data: str) -> None:
    if found != wanted:
        raise UsageError(
            f"{data} is not what the receipt's trials were trained on: its fingerprint is {found[:12]}, theirs "
            f"{wanted[:12]}; --data says where that is now"
        )
