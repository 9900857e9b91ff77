"""Files that a later training of the same trunk goes on from: its newest state, and what its rungs scored."""

import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import torch

from bench.result import PROTOCOL
from bench.run.curve import Progress
from bench.run.events import RungScored
from bench.run.retention import partial_of
from bench.run.train import State
from models.checkpoint import DAMAGE

STATE_FILE: Final = "trunk.pt"
RUNGS_FILE: Final = "rungs.json"


class CheckpointError(Exception):
    """A file that cannot be gone on from; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """What a checkpoint says beside the state."""

    key: str
    """`bench.plan.keys.trunk_key` of the training."""
    step: int
    progress: Progress
    protocol: int = PROTOCOL


def write_trunk(folder: Path, trunk: Trunk, state: State) -> None:
    """Write a checkpoint in place of the last one; killed at any moment, it leaves the old or the new one whole.

    Raises: OSError, RuntimeError: it cannot be written.
    """
    about = msgspec.json.encode(trunk).decode()
    write_archive(folder / STATE_FILE, {"about": about, "state": state})


def read_trunk(folder: Path, key: str) -> tuple[Trunk, State] | None:
    """The newest checkpoint, on the CPU; None when there is none. Nothing but plain data is unpickled.

    Raises: CheckpointError: it is damaged or another training's.
    """
    content = read_archive(folder / STATE_FILE)
    if content is None:
        return None
    try:
        trunk = msgspec.json.decode(content["about"], type=Trunk)
        state: State = content["state"]
    except (*DAMAGE, msgspec.MsgspecError) as error:
        raise CheckpointError(f"it is damaged ({type(error).__name__})") from error
    if (trunk.key, trunk.protocol) != (key, PROTOCOL):
        raise CheckpointError("it is of another training or of another version of this program")
    return trunk, state


def write_rungs(folder: Path, rungs: dict[str, RungScored]) -> None:
    """Write what rungs scored, by `bench.plan.keys.result_key` of a trial of their length.

    Raises: OSError: it cannot be written.
    """
    write_whole(folder / RUNGS_FILE, lambda file: file.write(msgspec.json.encode(rungs)))


def read_rungs(folder: Path) -> dict[str, RungScored]:
    """What `write_rungs` wrote; empty when there is nothing.

    Raises: CheckpointError: it is damaged.
    """
    try:
        return msgspec.json.decode((folder / RUNGS_FILE).read_bytes(), type=dict[str, RungScored])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CheckpointError(f"it is damaged ({type(error).__name__})") from error


def write_archive(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values in place of the last file; killed at any moment, the old or the new is whole.

    Raises: OSError, RuntimeError: it cannot be written.
    """
    try:
        write_whole(path, lambda file: torch.save(content, file))
    except RuntimeError as error:
        # torch ends its archive although the disk is full, and complains of that instead
        if isinstance(error.__context__, OSError):
            raise error.__context__ from error
        raise


def read_archive(path: Path) -> dict[str, Any] | None:
    """What `write_archive` wrote, on the CPU; None when there is none. Nothing but plain data is unpickled.

    Raises: CheckpointError: it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # torch itself compares no checksums
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except (*DAMAGE, OSError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"it is damaged ({type(error).__name__})") from error
    if damaged:
        raise CheckpointError(f"it is damaged ({damaged})")
    return content


def write_whole(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """Fill a file and put it in place of the last one; killed at any moment, it leaves the old or the new one whole.

    Raises: OSError: it cannot be written.
    """
    partial = partial_of(path, os.getpid())
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with partial.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
