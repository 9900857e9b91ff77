"""Finished trials that the store does not take: kept as files beside it until the next start brings them in."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import msgspec
from platformdirs import user_state_path

from bench.errors import StoreError
from bench.result import TrialResult

_SUFFIX: Final = ".json"


def spill(store: Path, result: TrialResult) -> Path:
    """Write a trial to a file, whole or not at all, and say which.

    Raises: StoreError: neither the store's own folder nor that of the user's state takes it.
    """
    for folder in _folders(store):
        try:
            return _write(folder, result)
        except OSError as error:
            refusal = error
    raise StoreError(
        f"{store} does not take trial {result.trial_id}, and no file for it can be written: {refusal.strerror}"
    ) from refusal


def waiting(store: Path) -> tuple[Path, ...]:
    """The files that wait for this store, by name."""
    found: list[Path] = []
    for folder in _folders(store):
        with suppress(OSError):  # mostly: there is none
            found += sorted(file for file in folder.iterdir() if file.suffix == _SUFFIX)
    return tuple(found)


def read(file: Path) -> TrialResult:
    """The trial in a file.

    Raises: StoreError: it is damaged or of a form that this tool cannot read. FileNotFoundError: somebody was first.
    """
    try:
        return msgspec.convert(json.loads(file.read_text()), TrialResult)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise StoreError(f"{file} holds no trial that this version can read: {error}") from error


def remove(file: Path) -> None:
    """Remove a file whose trial is in the store, and the folder with the last one."""
    with suppress(OSError):  # it stays, and is brought in again to no effect
        file.unlink()
        file.parent.rmdir()


def _folders(store: Path) -> tuple[Path, Path]:
    """Beside the store; otherwise among the user's state."""
    store = store.resolve()
    name = hashlib.sha256(os.fsencode(store)).hexdigest()[:12]
    return store.with_name(f"{store.name}.waiting"), user_state_path("csmae-advisor") / "waiting" / name


def _write(folder: Path, result: TrialResult) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    # Python's own JSON, for it writes the infinite and undefined losses of a diverged trial
    text = json.dumps(msgspec.to_builtins(result))
    with NamedTemporaryFile("w", dir=folder, prefix=".", delete=False) as file:
        made = Path(file.name)
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            return made.rename(folder / f"{result.trial_id}{_SUFFIX}")
        except OSError:
            made.unlink()
            raise
