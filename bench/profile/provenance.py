"""Where a result comes from, asked once a run."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.profile.hardware import HardwareProfile
from bench.profile.recording import versions
from bench.result import Provenance

_DISTRIBUTION: Final = "csmae-advisor"

_DECISIVE: Final = ("torch", "timm", "faiss-cpu", "numpy", "duckdb", "scipy")
"""Packages that can change a number."""

_GIT_SECONDS: Final = 5.0

_ELSEWHERE: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""What makes git look at another repository, as inside a hook."""


def provenance(hardware: HardwareProfile, *, command: str) -> Provenance:
    """The provenance of what starts now.

    Args:
        command: as typed; home paths are taken out.
    """
    return Provenance(
        tool_version=versions([_DISTRIBUTION]).get(_DISTRIBUTION, "unknown"),
        commit=_commit(Path(__file__)),
        machine=hardware.id,
        versions={"python": platform.python_version(), **versions(_DECISIVE)},
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=without_home(command),
    )


def _commit(file: Path) -> str | None:
    """The commit of the checkout that tracks this file, "+" added when the tree was changed; None without one."""
    if _git(file.parent, "ls-files", "--error-unmatch", file.name) is None:
        return None  # an installed copy, perhaps inside somebody else's checkout
    return _git(file.parent, "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+")


def _git(folder: Path, *words: str) -> str | None:
    """What git answers; None when it fails or is not there."""
    environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    try:
        answer = subprocess.run(  # noqa: S603  fixed words
            ["git", "--no-optional-locks", *words],  # noqa: S607  git is where the user's PATH says
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def without_home(command: str) -> str:
    """The home folder written as "~", so that a stored command names nobody."""
    try:
        home = str(Path.home())
    except RuntimeError:  # a user without one
        return command
    if home == "/":
        return command
    return re.sub(rf"(?<![\w./~-]){re.escape(home)}(?![\w.-])", "~", command)
