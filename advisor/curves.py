"""Learning curves: what each candidate scores after each length of training, in every direction."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Final, Literal

from bench.result import Candidate, Gallery, Rung, Score, Subject, TrialResult
from models.config import Sensor

Against = Literal["steps", "pairs", "seconds"]
"""What a score is set against: fields of `Point`."""

TRAINED: Final[Subject] = "trained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A score over seeds."""

    mean: float
    deviation: float | None
    """Standard deviation; None with one seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Trainings of one length, the learning rate decayed to zero at its end."""

    steps: int
    pairs: int
    """Pairs seen, each as often as it was."""
    seconds: float
    """Of training, mean over seeds."""
    seeds: int
    scores: tuple[Spread, ...]
    """One a direction of the curve."""
    mean: Spread
    """Over the directions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One candidate on one subset of the training pairs, with one batch and schedule."""

    candidate: Candidate
    train_pairs: int
    batch_pairs: int
    k: int | None
    """Neighbours that count; None where the metric looks at all."""
    directions: tuple[tuple[Sensor, Gallery], ...]
    points: tuple[Point, ...]
    """The shortest training first."""


def curves(
    trials: Iterable[TrialResult], metric: str, directions: Sequence[tuple[Sensor, Gallery]]
) -> tuple[Curve, ...]:
    """The curves of these trials, all training pairs before subsets; equal trials in any order, equal curves.

    A rung scores what a trial of its length scores, so both make one curve. A seed counts once at each length, the
    newest time it was trained.

    Args:
        metric: a key of `METRICS` that is not per class; values at the trial's k.
        directions: one that a candidate was not always scored in is left out of its curve.
    """
    groups: dict[tuple[object, ...], list[TrialResult]] = defaultdict(list)
    for trial in sorted(trials, key=lambda t: (t.provenance.started_at, t.trial_id)):
        groups[_setting(trial)].append(trial)
    made = [curve for own in groups.values() if (curve := _curve(own, metric, directions)).points]
    return tuple(sorted(made, key=lambda curve: (-curve.train_pairs, curve.batch_pairs, curve.candidate)))


def _setting(trial: TrialResult) -> tuple[object, ...]:
    """Equal for trainings that differ in seed and length at most."""
    training = trial.training
    schedule = training.learning_rate, training.decay_share, training.weight_decay, training.betas
    data = trial.data.fingerprint, trial.data.train_pairs
    return trial.candidate, data, trial.k, trial.precision, training.batch_pairs, schedule, trial.provenance.protocol


def _curve(trials: Sequence[TrialResult], metric: str, directions: Sequence[tuple[Sensor, Gallery]]) -> Curve:
    """Of trials with one setting, the oldest first."""
    at: dict[int, dict[int, tuple[Rung, dict[tuple[Sensor, Gallery], float]]]] = defaultdict(dict)
    for trial in trials:
        values = _values(trial, metric)
        for rung in trial.rungs:
            if values[rung.step]:
                at[rung.step][trial.seed] = rung, values[rung.step]
    measured = [found for seeds in at.values() for _, found in seeds.values()]
    shown = tuple(direction for direction in directions if measured and all(direction in found for found in measured))
    batch_pairs = trials[0].training.batch_pairs
    return Curve(
        candidate=trials[0].candidate,
        train_pairs=trials[0].data.train_pairs,
        batch_pairs=batch_pairs,
        k=next((score.k for trial in trials for score in _trained(trial, metric)), None),
        directions=shown,
        points=tuple(
            Point(
                steps=step,
                pairs=step * batch_pairs,
                seconds=fmean(rung.seconds for rung, _ in seeds.values()),
                seeds=len(seeds),
                scores=tuple(_spread([found[direction] for _, found in seeds.values()]) for direction in shown),
                mean=_spread([fmean(found[direction] for direction in shown) for _, found in seeds.values()]),
            )
            for step, seeds in sorted(at.items())
            if shown
        ),
    )


def _values(trial: TrialResult, metric: str) -> dict[int, dict[tuple[Sensor, Gallery], float]]:
    """Trained scores by step and direction."""
    values: dict[int, dict[tuple[Sensor, Gallery], float]] = defaultdict(dict)
    for score in _trained(trial, metric):
        values[score.step][score.query, score.archive] = score.value
    return values


def _trained(trial: TrialResult, metric: str) -> Iterator[Score]:
    for score in trial.scores:
        if (score.subject, score.metric) == (TRAINED, metric) and score.k in (None, trial.k):
            yield score


def _spread(values: Sequence[float]) -> Spread:
    return Spread(mean=fmean(values), deviation=stdev(values) if len(values) > 1 else None)
