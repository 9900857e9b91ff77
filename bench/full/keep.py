"""What lies in the folder of a full training to go on from: checkpoints, and the metrics up to them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from bench.errors import DataError
from bench.full.plan import KEPT, METRICS_FILE
from bench.full.wire import Lap
from bench.run.checkpoint import CheckpointError, read_archive, write_archive, write_whole
from bench.run.train import State

CHECKPOINTS: Final = "checkpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A state to go on from."""

    key: str
    """`FullPlan.key` of the training."""
    seconds: float
    """Of training so far."""
    state: State


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, then remove those before the last; killed at any moment, whole ones are left.

    Raises: OSError, RuntimeError: it cannot be written.
    """
    path = folder / CHECKPOINTS / f"step-{checkpoint.state['step']:09}.pt"
    about = {"key": checkpoint.key, "seconds": checkpoint.seconds}
    write_archive(path, {**about, "state": checkpoint.state})
    for old in _newest_first(folder)[KEPT:]:
        old.unlink(missing_ok=True)


def read_checkpoint(folder: Path, key: str) -> tuple[Checkpoint | None, tuple[str, ...]]:
    """The newest checkpoint that is whole, on the CPU, and a sentence for each that is not; None when there is none.

    Raises: DataError: it is another training's, or there are checkpoints and none is whole.
    """
    notes: list[str] = []
    paths = _newest_first(folder)
    for path in paths:
        try:
            content = read_archive(path)
        except CheckpointError as error:
            notes.append(f"{path} is passed over: {error}")
            continue
        if content is None or content.get("key") != key:
            raise DataError(f"{path} is of another training than the plan beside it: train into another folder")
        return Checkpoint(key=key, seconds=content["seconds"], state=content["state"]), tuple(notes)
    if paths:
        raise DataError(f"no checkpoint in {folder / CHECKPOINTS} can be read: {'; '.join(notes)}")
    return None, ()


def write_lap(folder: Path, lap: Lap) -> None:
    """Add a line to the metrics.

    Raises: OSError: it cannot be written.
    """
    with (folder / METRICS_FILE).open("ab") as file:
        file.write(msgspec.json.encode(lap) + b"\n")


def rewind_metrics(folder: Path, step: int) -> None:
    """Drop the lines after a step, which will be trained again, and whatever a killed writer left torn.

    Raises: OSError: they cannot be written.
    """
    path = folder / METRICS_FILE
    if not path.exists():
        return
    kept = [line for line in path.read_bytes().splitlines(keepends=True) if _step(line) <= step]
    write_whole(path, lambda file: file.writelines(kept))


def _step(line: bytes) -> float:
    try:
        return msgspec.json.decode(line, type=Lap).step
    except msgspec.MsgspecError:
        return float("inf")


def _newest_first(folder: Path) -> list[Path]:
    return sorted((folder / CHECKPOINTS).glob("step-*.pt"), reverse=True)
