"""What is searched for, and how trials are measured by it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from statistics import fmean, stdev
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.errors import UsageError
from bench.result import (
    BASELINES,
    CROSS_DIRECTIONS,
    DIRECTIONS,
    MIXED_DIRECTIONS,
    Gallery,
    Outcome,
    Subject,
    TrialResult,
)
from bench.score.interval import f1_statistic, mean_statistic
from bench.score.resample import Sample, Statistic
from models.config import Sensor

Way = tuple[Sensor, Gallery]
"""Sensor of the query; the archive that is searched."""

WAYS: Final[dict[str, Way]] = {f"{a}-{b}": (a, b) for a, b in (*DIRECTIONS, *MIXED_DIRECTIONS)}
"""By the name that `--goal` knows them under: "s1-s2", "s2-both"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is searched for: the directions whose scores are averaged, and how much each counts."""

    name: str
    directions: tuple[Way, ...]
    weights: tuple[float, ...] = ()
    """Of the directions, above 0; empty: all count alike."""

    def __post_init__(self) -> None:
        """Refuse weights that are not those of the directions."""
        if self.weights and (len(self.weights) != len(self.directions) or min(self.weights) <= 0):
            raise ValueError(f"weights={self.weights} for {len(self.directions)} directions: need one each, above 0")

    @property
    def key(self) -> str:
        """What `--goal` takes for it: the name of a preset, or its weights."""
        preset = next((key for key, goal in GOALS.items() if goal == self), None)
        weights = self.weights or (1.0,) * len(self.directions)
        return preset or ",".join(f"{a}-{b}={w:g}" for (a, b), w in zip(self.directions, weights, strict=True))

    def mean(self, values: Sequence[float]) -> float:
        """Of one value a direction, in their order."""
        return fmean(values, self.weights or None)

    def across(self) -> "Goal":
        """What is left of the goal where only search across sensors can be measured."""
        kept = [way for way in self.directions if way in CROSS_DIRECTIONS]
        if not self.weights or not kept:
            return GOALS["cross"]
        weights = dict(zip(self.directions, self.weights, strict=True))
        return weighted({way: weights[way] for way in kept})


def way_title(way: Way) -> str:
    """As people read it: "S1 to S2", "S1 to both"."""
    return " to ".join(end.upper() if end != "both" else end for end in way)


def weighted(weights: Mapping[Way, float]) -> Goal:
    """The goal of these weights, at least one above 0: a preset where it says the same."""
    kept = {way: weights[way] for way in WAYS.values() if weights.get(way)}
    same = next((goal for goal in GOALS.values() if set(goal.directions) == set(kept)), None)
    if same and len(set(kept.values())) == 1:
        return same
    words = ", ".join(f"{way_title(way)} {weight:g}" for way, weight in kept.items())
    return Goal(name=f"weighted ({words})", directions=tuple(kept), weights=tuple(kept.values()))


def read_goal(text: str) -> Goal:
    """The goal that `--goal` names: a preset, as "cross", or weights, as "s1-s2=3,s2-s1=1".

    Raises: UsageError: neither, a direction twice, a weight that is none, or nothing that counts.
    """
    if text in GOALS:
        return GOALS[text]
    weights: dict[Way, float] = {}
    for part in text.split(","):
        name, sign, number = (word.strip() for word in part.partition("="))
        way = WAYS.get(name.lower())
        if way is None or not sign:
            known = f"{', '.join(GOALS)}, or weights of {', '.join(WAYS)}, as s1-s2=3,s2-s1=1"
            raise UsageError(f"there is no goal {part.strip()!r}; there are {known}")
        if way in weights:
            raise UsageError(f"the goal {text!r} names {name} twice")
        if not re.fullmatch(r"\d+(\.\d+)?", number):
            raise UsageError(f"{number!r} is no weight for {name}: write a number of 0 or more, as 3 or 0.5")
        weights[way] = float(number)
    if not sum(weights.values()):
        raise UsageError(f"the goal {text!r} gives no direction a weight above 0: nothing would count")
    return weighted(weights)


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
    directions: tuple[Way, ...]
    """Of the retrieval matrix."""

    def sample(self, trials: Sequence[TrialResult]) -> Sample | None:
        """Per-query values of a candidate's completed trials; None without one.

        Raises: UsageError: a trial lacks the values of a direction.
        """
        seeds = [self._values(trial) for trial in completed(trials)]
        return np.array(seeds) if seeds else None

    def _values(self, trial: TrialResult) -> NDArray[np.float64]:
        found = {(q.query, q.archive, q.metric): q.values for q in trial.query_scores if q.k == self.k}
        wanted = list(product(self.goal.directions, self.per_query))
        lacking = dict.fromkeys(way_title(way) for way, metric in wanted if (*way, metric) not in found)
        if lacking:
            raise UsageError(
                f"{trial.candidate.title} seed {trial.seed} (trial {trial.trial_id}) was not measured query by query "
                f"in {' and '.join(lacking)}: ask for a goal without that, or train again"
            )
        return np.column_stack([found[*way, metric] for way, metric in wanted])

    def untrained(self, trials: Sequence[TrialResult]) -> float | None:
        """The goal's score before training, mean over completed trials."""
        weights = self.goal.weights or (1.0,) * len(self.goal.directions)
        known = [
            (value, weight)
            for trial in completed(trials)
            for way, weight in zip(self.goal.directions, weights, strict=True)
            if (value := trial.score(*way, self.metric, subject="untrained")) is not None
        ]
        return fmean([value for value, _ in known], [weight for _, weight in known]) if known else None

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
        statistic=f1_statistic(len(goal.directions), goal.weights),
        directions=DIRECTIONS,
    )


def unlabelled(k: int, goal: Goal = GOALS["cross"]) -> Yardstick:
    """Partner recall, which exists across sensors only: what of the goal is not that does not count."""
    goal = goal.across()
    return Yardstick(
        goal=goal,
        metric="partner_recall",
        k=k,
        per_query=("partner_recall",),
        statistic=partial(mean_statistic, weights=goal.weights),
        directions=CROSS_DIRECTIONS,
    )


def completed(trials: Sequence[TrialResult]) -> list[TrialResult]:
    """Those that were trained and scored."""
    return [trial for trial in trials if trial.outcome is Outcome.COMPLETED]
