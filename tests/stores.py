"""A store for each test that asks for one."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.result import TrialResult
from bench.store import trials
from bench.store.results import Results


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
