"""Candidates at equal training time instead of equal steps, read off their rungs: a slow step is a handicap then."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from bench.result import Candidate, Subject, TrialResult
from bench.score.goal import Yardstick, completed
from models.config import VARIANTS

TRAINED: Subject = "trained"


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualSeconds:
    """Scores after the same training time; no interval, since few seeds are scored on the way."""

    seconds: float
    """The longest that every candidate was trained."""
    scores: dict[Candidate, float]
    """The yardstick's metric, highest first: interpolated between rungs, averaged over the seeds that have several."""
    seeds: int
    """Fewest of any candidate."""


def equal_seconds(trials: Sequence[TrialResult], yardstick: Yardstick) -> EqualSeconds | None:
    """Comparable trials of one machine and device at equal time.

    Returns: None where fewer than two candidates have a trial with several rungs, where they ran on different
        machines, or where one's first rung comes after another's last.
    """
    curves: dict[Candidate, list[list[tuple[float, float]]]] = defaultdict(list)
    places = set()
    for trial in completed(trials):
        curve = _curve(trial, yardstick)
        if len(curve) > 1 and not VARIANTS[trial.candidate.variant].baseline:
            curves[trial.candidate].append(curve)
            places.add((trial.provenance.machine, trial.device, trial.threads))
    if len(curves) < 2 or len(places) > 1:
        return None
    every = [curve for own in curves.values() for curve in own]
    seconds = min(curve[-1][0] for curve in every)
    if any(curve[0][0] > seconds for curve in every):
        return None
    scores = {candidate: fmean(_at(curve, seconds) for curve in own) for candidate, own in curves.items()}
    return EqualSeconds(
        seconds=seconds,
        scores=dict(sorted(scores.items(), key=lambda item: (-item[1], item[0]))),
        seeds=min(map(len, curves.values())),
    )


def _curve(trial: TrialResult, yardstick: Yardstick) -> list[tuple[float, float]]:
    """Seconds and score of each rung."""
    found = {
        (s.step, s.query, s.archive): s.value
        for s in trial.scores
        if (s.subject, s.metric, s.k) == (TRAINED, yardstick.metric, trial.k)
    }
    points = []
    for rung in trial.rungs:
        values = [found.get((rung.step, *direction)) for direction in yardstick.goal.directions]
        if None not in values:
            points.append((rung.seconds, yardstick.goal.mean([value for value in values if value is not None])))
    return points


def _at(curve: Sequence[tuple[float, float]], seconds: float) -> float:
    times, scores = zip(*curve, strict=True)
    return float(np.interp(seconds, times, scores))
