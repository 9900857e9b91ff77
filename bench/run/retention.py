"""How much of what trials keep for later ones stays on the disk. Imports no torch."""

import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

KEEP_BYTES: Final = 10_000_000_000
"""A trunk takes 11 to 15 MB at nano size, 0.4 to 0.7 GB at tiny size (12 bytes a parameter)."""

PARTIAL: Final = ".partial"
"""Ends the name of a file that is being written, after the process that writes it."""


def partial_of(path: Path, pid: int) -> Path:
    """Where a process writes what becomes `path` when it is whole."""
    return path.with_name(f"{path.name}.{pid}{PARTIAL}")


def prune(root: Path, *, keep_bytes: int = KEEP_BYTES) -> int:
    """Remove the trunks used longest ago beyond a limit, and what killed processes left half written.

    Args:
        root: as in `TrialPlan.checkpoints`; may not exist. Only what a trial writes there is touched.
    Returns: bytes removed.
    """
    removed = sum(_remove_leftovers(folder) for folder in _trunks(root))
    kept = 0
    for _, size, folder in sorted(((*_newest_and_size(f), f) for f in _trunks(root)), reverse=True):
        kept += size
        if kept > keep_bytes or not size:
            shutil.rmtree(folder, ignore_errors=True)
            removed += size
    return removed


def _trunks(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return [folder for folder in sorted(root.iterdir()) if re.fullmatch(r"[0-9a-f]{32}", folder.name)]


def _remove_leftovers(trunk: Path) -> int:
    removed = 0
    for file in trunk.glob(f"*{PARTIAL}"):
        pid = file.name.removesuffix(PARTIAL).rpartition(".")[2]
        if not (pid.isdigit() and psutil.pid_exists(int(pid))):
            with suppress(FileNotFoundError):
                removed += file.stat().st_size
                file.unlink()
    return removed


def _newest_and_size(trunk: Path) -> tuple[float, int]:
    """When a trunk was last written, and its bytes."""
    newest, size = 0.0, 0
    for file in trunk.iterdir():
        with suppress(FileNotFoundError):  # another process removes it too
            about = file.stat()
            newest, size = max(newest, about.st_mtime), size + about.st_size
    return newest, size
