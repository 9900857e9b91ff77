"""Where tests find the real pairs and the reference numbers."""

import os
from pathlib import Path

import pytest

pytest_plugins = ("toys", "asking", "stores")

SHARED = Path(__file__).parents[2] / "shared"


def _shared(name: str) -> Path:
    folder = SHARED / name
    if folder.is_dir():
        return folder
    reason = f"needs the folder {name}/ in ../shared, which is not part of the repository"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real Sentinel-1/2 pairs in each layout."""
    return _shared("data")


@pytest.fixture(scope="session")
def golden() -> Path:
    """Numbers of the published method."""
    return _shared("golden")
