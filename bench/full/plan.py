"""A full training, complete: what decides its weights, and how and where it is computed. Imports no torch."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from bench.errors import UsageError
from bench.plan.full import PAPER_BATCH, PAPER_EPOCHS
from bench.result import Candidate, DataUse, Precision, Training
from models.config import ModelConfig

PLAN_FILE: Final = "plan.json"
METRICS_FILE: Final = "metrics.jsonl"

WARMUP_EPOCHS: Final = 10
"""Of the published training (the authors' configurations), as the values below."""

LEARNING_RATE: Final = 1e-4
SEED: Final = 42

KEPT: Final = 2
"""Checkpoints that stay: should the newest be damaged, the one before it is gone on from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FullPlan:
    """What `bench.full.process` needs; it lies beside what it makes."""

    candidate: Candidate
    model: ModelConfig
    data: DataUse
    source: str
    """The data set as it was asked for."""
    cache: str
    """Folder of the decoded, normalised pairs (`bench.data.cache`)."""
    precision: Precision
    devices: tuple[str, ...]
    """As torch writes them; a process each."""
    threads: int
    """Of a process."""
    epochs: int = PAPER_EPOCHS
    batch_pairs: int = PAPER_BATCH
    """Of all devices together."""
    learning_rate: float = LEARNING_RATE
    warmup_epochs: int = WARMUP_EPOCHS
    seed: int = SEED
    micro_batches: int = 1
    """Parts to train each device's share of a batch in, at first."""
    save_every: int = 1
    """Epochs between checkpoints."""
    memory_limit_bytes: int | None = None
    """Private memory that a process on a CPU may hold; None: no limit but the system's."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained, naming field, value and rule."""
        if min(self.epochs, self.save_every, self.micro_batches) < 1 or self.warmup_epochs < 0 or not self.devices:
            raise ValueError("epochs, save_every, micro_batches and devices must be at least 1, warmup_epochs 0")
        if self.batch_pairs > self.data.train_pairs:
            raise ValueError(f"batch_pairs={self.batch_pairs}: there are {self.data.train_pairs} training pairs")
        if self.batch_pairs % len(self.devices):
            raise ValueError(f"batch_pairs={self.batch_pairs} does not divide among {len(self.devices)} devices")
        if not 0 < self.learning_rate < 1:
            raise ValueError(f"learning_rate={self.learning_rate} is not between 0 and 1")

    @property
    def epoch_steps(self) -> int:
        """Steps of an epoch; its incomplete last batch is left out."""
        return self.data.train_pairs // self.batch_pairs

    @property
    def training(self) -> Training:
        """Length and optimiser; the rate is `learning_rate`, not the one of a trial."""
        return Training(
            steps=self.epochs * self.epoch_steps,
            batch_pairs=self.batch_pairs,
            learning_rate=self.learning_rate,
            warmup_steps=self.warmup_epochs * self.epoch_steps,
            decay_share=0.0,
        )

    @property
    def key(self) -> str:
        """The same for trainings that can go on from each other's checkpoints: whatever changes the weights counts."""
        parts = (
            self.model,
            self.data.fingerprint,
            self.data.train_pairs,
            self.precision,
            self.epochs,
            self.batch_pairs,
            self.learning_rate,
            self.warmup_epochs,
            self.seed,
        )
        return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()[:32]


def learning_rate(step: int, training: Training) -> float:
    """Rate of a step (from 0): linear warm-up, then half a cosine to zero.

    The first step is taken at the first fraction of the warm-up, not at zero.
    """
    if step < training.warmup_steps:
        return training.learning_rate * (step + 1) / training.warmup_steps
    share = (step - training.warmup_steps) / max(1, training.steps - training.warmup_steps)
    return training.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def write_plan(plan: FullPlan, folder: Path) -> None:
    """Write a plan into the folder of its training.

    Raises: UsageError: it cannot be written.
    """
    partial = folder / f"{PLAN_FILE}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=2))
        partial.replace(folder / PLAN_FILE)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror or error}") from error


def read_plan(folder: Path) -> FullPlan:
    """The plan in the folder of a training.

    Raises: UsageError: there is none, or it cannot be used.
    """
    path = folder / PLAN_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=FullPlan)
    except FileNotFoundError as error:
        raise UsageError(f"{folder} holds no full training: there is no {PLAN_FILE} in it") from error
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be used: {error}") from error
