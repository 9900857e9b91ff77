"""A store for each test that asks for one, trials to fill it with, and what its views show."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fakes
from bench.result import DIRECTIONS, MIXED_DIRECTIONS, Gallery, QueryScores, TrialResult
from bench.store import trials
from bench.store.results import Results
from models.config import Sensor


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds nothing yet: copying one is quicker than making it."""
    path = tmp_path_factory.mktemp("empty") / "results.duckdb"
    Results(path).check()
    return path


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Results:
    return Results(Path(shutil.copy(empty_store, tmp_path)), patience_seconds=5)


def view(store: Results, sql: str, *results: TrialResult) -> list[dict[str, Any]]:
    """What a query finds after these trials were added."""
    with store._writing() as connection:
        for result in results:
            trials.add(connection, result)
    table = store.query(sql, max_rows=1000)
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


@pytest.fixture
def known(store: Results) -> Results:
    """A store that knows the queries and the classes of the real data set."""
    store.add_run(
        "run",
        started_at="2026-01-02T03:04:05+00:00",
        command="csmae-bench run",
        hardware=fakes.HARDWARE,
        dataset=fakes.REAL_DATASET,
        plan=fakes.run_plan(),
    )
    store.add_queries(fakes.REAL_QUERIES)
    return store


def searched(seed: int, *, scores: tuple[QueryScores, ...] = (), **changes: Any) -> TrialResult:  # noqa: ANN401  as for trial_result
    """A trial on the real data set with random numbers for its queries, in four directions and the mixed archive."""
    rng = np.random.default_rng(seed)
    directions: tuple[tuple[Sensor, Gallery], ...] = (*DIRECTIONS, *MIXED_DIRECTIONS)
    scores = scores or tuple(
        QueryScores(
            query=a, archive=b, metric=metric, k=k, values=tuple(rng.random(len(fakes.REAL_QUERIES.places)).tolist())
        )
        for a, b in directions
        for metric, k in (("ndcg", 10), ("partner_mrr", None))
    )
    return fakes.trial_result(**{"dataset": fakes.REAL_DATASET, "seed": seed, "query_scores": scores, **changes})


def values(trial: TrialResult, query: str, archive: str, metric: str) -> tuple[float, ...]:
    (found,) = (s.values for s in trial.query_scores if (s.query, s.archive, s.metric) == (query, archive, metric))
    return found
