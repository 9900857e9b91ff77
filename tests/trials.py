"""Trials of the smallest network, run in this process so that they can be looked into, and what they tell."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from toys import TOY

from bench.data import cache
from bench.data.pairs import open_pairs
from bench.plan.plan import TrialPlan
from bench.profile.dataset import data_use, profile_dataset
from bench.result import Candidate, Costs, Losses, Outcome, QueryScores, Score, Training
from bench.run import trial
from bench.run.events import CostsMeasured, Ended, Noted, RungScored, StepMeasured, TrialEvent
from models.config import ModelConfig

E = TypeVar("E", bound=TrialEvent)


def toy_plan(root: Path) -> TrialPlan:
    """20 steps on a handful of synthetic pairs, decoded under this folder."""
    with closing(open_pairs("synthetic:train=20,query=6,archive=10")) as pairs:
        folder = cache.prepare(pairs, root=root).folder
        data = data_use(profile_dataset(pairs))
    return TrialPlan(
        trial_id="r-01",
        run_id="r",
        candidate=Candidate(variant="cecd", size="nano"),
        seed=0,
        model=ModelConfig(
            encoder="common", decoder="common", size=TOY, bands={"s1": 2, "s2": 10}, image_pixels=64, patch_pixels=16
        ),
        training=Training(steps=20, batch_pairs=8, warmup_steps=3),
        k=3,
        data=data,
        cache=str(folder),
        device="cpu",
        precision="fp32",
        threads=1,
        predicted_seconds=1,
        timeout_seconds=60,
    )


def of_steps(plan: TrialPlan, steps: int, *rungs: int) -> TrialPlan:
    return replace(plan, training=replace(plan.training, steps=steps), rungs=rungs)


def told(plan: TrialPlan, at: Callable[[TrialEvent], None] | None = None) -> list[TrialEvent]:
    """All events of a trial; `at` may interfere at each."""
    events: list[TrialEvent] = []

    def emit(event: TrialEvent) -> None:
        events.append(event)
        if at:
            at(event)

    trial.run(plan, emit)
    return events


def only(events: list[TrialEvent], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


Scores = tuple[tuple[Score, ...], tuple[QueryScores, ...]]


def scores(events: list[TrialEvent]) -> dict[int, Scores]:
    return {rung.step: (rung.scores, rung.query_scores) for rung in only(events, RungScored)}


def curve(events: list[TrialEvent]) -> list[Losses]:
    return [replace(event.losses, seconds=0) for event in only(events, StepMeasured)]


def notes(events: list[TrialEvent]) -> list[str]:
    return [event.note for event in only(events, Noted)]


def costs(events: list[TrialEvent]) -> Costs:
    return only(events, CostsMeasured)[-1].costs


def outcome(events: list[TrialEvent]) -> Outcome:
    assert [type(event) for event in events[-2:]] == [CostsMeasured, Ended]
    assert len(only(events, Ended)) == 1
    return only(events, Ended)[0].outcome
