"""Trials with per-query values as short trainings leave them, around scores that are given. Every number is made up."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from zlib import crc32

import numpy as np

from bench.profile.dataset import DatasetProfile
from bench.result import QueryScores, TrialResult
from bench.score.goal import Way
from bench.score.interval import Contrast
from fakes import DATASET, REAL_DATASET, UNLABELLED_DATASET, trials
from models.config import SENSORS, Sensor


def sized(dataset: DatasetProfile, *, train: int = 2_000, query: int = 200, archive: int = 400) -> DatasetProfile:
    """The same data set with other numbers of pairs."""
    return replace(dataset, pairs={"train": train, "query": query, "archive": archive})


SYNTHETIC: Final = sized(DATASET)
REAL: Final = sized(REAL_DATASET)
UNLABELLED: Final = sized(UNLABELLED_DATASET)
BANDS: Final[dict[Sensor, int]] = {sensor: len(REAL.bands[sensor]) for sensor in SENSORS}

LEVEL: Final = {
    "cecd": (0.360, 0.366, 0.354),
    "cesd": (0.358, 0.352, 0.364),
    "secd": (0.361, 0.367, 0.355),
    "sesd": (0.359, 0.365, 0.353),
}
"""Nothing differs: means 36.0, 35.8, 36.1 and 35.9, standard deviation between seeds 0.6."""

SPECIFIC_WINS: Final = {
    "cecd": (0.300, 0.304, 0.296),
    "cesd": (0.302, 0.306, 0.298),
    "secd": (0.400, 0.404, 0.396),
    "sesd": (0.402, 0.406, 0.398),
}
"""The specific encoder is ten points better, the decoder makes no difference."""


def measured(scores: Mapping[str, tuple[float, ...]], **changes: Any) -> tuple[TrialResult, ...]:  # noqa: ANN401  as for trials
    """Completed trials of the variants, a score a seed, on real data unless another `dataset` is given."""
    return tuple(scattered(trial) for trial in trials(dict(scores), **{"dataset": REAL} | changes))


def scattered(trial: TrialResult) -> TrialResult:
    """The trial with queries that differ: most by how hard they are for all, then by candidate and by seed."""
    return replace(trial, query_scores=tuple(_scattered(row, trial) for row in trial.query_scores))


def _scattered(row: QueryScores, trial: TrialResult) -> QueryScores:
    """Values with the mean of those given; hits and misses where the metric counts hits."""
    queries, what = len(row.values), f"{row.query} {row.archive} {row.metric}"
    noise = (
        0.10 * _drawn(what, queries)
        + 0.03 * _drawn(f"{what} {trial.candidate.title}", queries)
        + 0.05 * _drawn(f"{what} {trial.candidate.title} {trial.seed}", queries)
    )
    mean = float(np.mean(row.values))
    if row.metric == "partner_recall":
        values = np.argsort(np.argsort(-noise)) < round(mean * queries)
    else:
        values = noise - noise.mean() + mean
    return replace(row, values=tuple(values.astype(float).tolist()))


def _drawn(name: str, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(crc32(name.encode())).normal(size=count)


def slow_f1(trial: TrialResult, directions: tuple[Way, ...]) -> float:
    """F1 of averages over the directions, from the values of the queries, step by step."""
    total = 0.0
    for query, archive in directions:
        mean: dict[str, float] = {}
        for row in trial.query_scores:
            if (row.query, row.archive) == (query, archive):
                mean[row.metric] = sum(row.values) / len(row.values)
        total += 2 * mean["precision"] * mean["recall"] / (mean["precision"] + mean["recall"])
    return total / len(directions)


def apart(estimate: float, *, seed_error: float, query_error: float) -> Contrast:
    """A difference with its errors, an encoder's or a decoder's."""
    error = (seed_error**2 + query_error**2) ** 0.5
    return Contrast(
        estimate=estimate,
        low=estimate - 2.4 * error,
        high=estimate + 2.4 * error,
        level=0.95,
        comparisons=2,
        seed_error=seed_error,
        query_error=query_error,
        seed_freedom=8,
        query_freedom=499,
    )
