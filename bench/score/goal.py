"""What is searched for, and how trials are measured by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean, stdev
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.result import (
    BASELINES,
    CROSS_DIRECTIONS,
    DIRECTIONS,
    MIXED_DIRECTIONS,
    Direction,
    Gallery,
    Outcome,
    Subject,
    TrialResult,
)
from bench.score.interval import f1_statistic, mean_statistic
from bench.score.resample import Sample, Statistic
from models.config import Sensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is searched for: the directions whose scores are averaged."""

    name: str
    directions: tuple[Direction, ...]


GOALS: Final[dict[str, Goal]] = {
    "cross": Goal(name="cross-sensor", directions=CROSS_DIRECTIONS),
    "uni": Goal(name="single-sensor", directions=(("s1", "s1"), ("s2", "s2"))),
    "all": Goal(name="four-direction", directions=DIRECTIONS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """One direction of the retrieval matrix for one candidate."""

    direction: tuple[Sensor, Gallery]
    trained: float
    seed_deviation: float | None
    untrained: float | None
    chance: float | None
    band_statistics: float | None = None
    thumbnail: float | None = None
    """What needs no training: the same network before it, chance, and two descriptors without a network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """What is compared: the score of a goal, and the per-query values it is made of."""

    goal: Goal
    metric: str
    k: int
    per_query: tuple[str, ...]
    """Metrics whose per-query values, for each direction in turn, are the components of a sample."""
    statistic: Statistic
    directions: tuple[Direction, ...]
    """Of the retrieval matrix."""

    def sample(self, trials: Sequence[TrialResult]) -> Sample | None:
        """Per-query values of a candidate's completed trials; None without one."""
        seeds = [self._values(trial) for trial in completed(trials)]
        return np.array(seeds) if seeds else None

    def _values(self, trial: TrialResult) -> NDArray[np.float64]:
        found = {(q.query, q.archive, q.metric): q.values for q in trial.query_scores if q.k == self.k}
        return np.column_stack(
            [found[a, b, metric] for (a, b), metric in product(self.goal.directions, self.per_query)]
        )

    def untrained(self, trials: Sequence[TrialResult]) -> float | None:
        """The goal's score before training, mean over completed trials."""
        values = [
            trial.score(a, b, self.metric, subject="untrained")
            for trial, (a, b) in product(completed(trials), self.goal.directions)
        ]
        known = [value for value in values if value is not None]
        return fmean(known) if known else None

    def matrix(self, trials: Sequence[TrialResult]) -> tuple[MatrixRow, ...]:
        """The retrieval matrix, mean over trials: the four directions, then archives of both sensors if measured."""
        subjects: tuple[Subject, ...] = ("trained", *BASELINES)
        rows = []
        for a, b in (*self.directions, *MIXED_DIRECTIONS):
            values = {
                subject: [v for t in trials if (v := t.score(a, b, self.metric, subject=subject)) is not None]
                for subject in subjects
            }
            if not values["trained"]:
                continue
            rows.append(
                MatrixRow(
                    direction=(a, b),
                    trained=fmean(values["trained"]),
                    seed_deviation=stdev(values["trained"]) if len(values["trained"]) > 1 else None,
                    **{subject: fmean(values[subject]) if values[subject] else None for subject in BASELINES},
                )
            )
        return tuple(rows)


def labelled(goal: Goal, k: int) -> Yardstick:
    """F1 of averages over the goal's directions, as the paper's code prints it."""
    return Yardstick(
        goal=goal,
        metric="f1_of_means",
        k=k,
        per_query=("precision", "recall"),
        statistic=f1_statistic(len(goal.directions)),
        directions=DIRECTIONS,
    )


def unlabelled(k: int) -> Yardstick:
    """Partner recall, which exists across sensors only."""
    return Yardstick(
        goal=GOALS["cross"],
        metric="partner_recall",
        k=k,
        per_query=("partner_recall",),
        statistic=mean_statistic,
        directions=CROSS_DIRECTIONS,
    )


def completed(trials: Sequence[TrialResult]) -> list[TrialResult]:
    """Those that were trained and scored."""
    return [trial for trial in trials if trial.outcome is Outcome.COMPLETED]
