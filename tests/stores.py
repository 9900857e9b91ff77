"""A store for each test that asks for one."""

import shutil
from pathlib import Path

import pytest

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
