"""What is known before a trial runs: what the trials of a run have in common, what they will take, what cannot fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from bench.errors import UsageError
from bench.plan.calibrate import Calibration
from bench.plan.estimate import predictions, trial_seconds
from bench.result import Candidate, DataUse, Precision, Prediction, Training
from models import cost
from models.config import ModelConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the trials of a run have in common."""

    run_id: str
    data: DataUse
    cache: str
    device: str
    precision: Precision
    threads: int
    training: Training
    checkpoints: str = ""
    """Folder for what training can go on from."""
    descriptors: str = ""
    """Folder in which trials leave their descriptors."""
    query_groups: tuple[int, ...] | None = None
    """Number of each query's tile (`Queries.groups`); None: unknown, or every query has its own."""
    memory_limit_bytes: int | None = None
    """Of each trial's process."""
    parts: Mapping[Candidate, int] = field(default_factory=dict)
    """Into how many each batch of a candidate is split from the start; those that are left out train whole ones."""


def parts_needed(
    model: ModelConfig, *, batch_pairs: int, precision: Precision | None, memory_bytes: int | None
) -> int | None:
    """Into how many parts a batch must be split to train in this memory, by formula alone; None: no parts fit.

    The formula is a lower bound: what it lets pass may still not fit, and is then split further by the trial.

    Args:
        precision: None, not chosen yet, counts as the smallest, so that nothing is refused that might fit.
        memory_bytes: what a trial may use; None, unknown, splits nothing.
    """
    if memory_bytes is None:
        return 1
    for_pairs = memory_bytes - cost.state_bytes(model)
    pairs = for_pairs // cost.activation_bytes(model, 4 if precision == "fp32" else 2)
    return ceil(batch_pairs / min(pairs, batch_pairs)) if pairs >= 1 else None


def unfit(model: ModelConfig, *, precision: Precision | None, memory_bytes: int) -> str:
    """Why a model trains in no parts at all in this memory."""
    needed = cost.state_bytes(model) + cost.activation_bytes(model, 4 if precision == "fp32" else 2)
    return f"needs at least {needed / 1e9:.1f} GB to train one pair at a time, {memory_bytes / 1e9:.1f} GB are there"


class Forecast:
    """Predicts the trials of a run from what was measured here."""

    def __init__(
        self,
        models: Mapping[Candidate, ModelConfig],
        data: DataUse,
        calibration: Calibration,
        *,
        baselines: Mapping[Candidate, ModelConfig] | None = None,
    ) -> None:
        """Take what is to be trained.

        Args:
            models: of the candidates.
            baselines: of what is trained beside them, to compare with.
        """
        self.candidates, self.baselines = tuple(models), tuple(baselines or ())
        self._models = {**models, **(baselines or {})}
        self._data, self._calibration = data, calibration

    def knows(self, candidate: Candidate) -> bool:
        """Whether it can be predicted and trained here."""
        return candidate in self._models

    def model(self, candidate: Candidate) -> ModelConfig:
        """Its network."""
        return self._models[candidate]

    def seconds(
        self, candidate: Candidate, training: Training, rungs: Sequence[int] = (), *, steps_saved: int = 0
    ) -> float:
        """Start, steps, branches and scorings of a trial.

        Args:
            steps_saved: of its trunk, in a checkpoint.
        Raises: UsageError: nothing is known of the machine's speed.
        """
        found = trial_seconds(
            self._models[candidate], training, self._data, self._calibration, rungs=rungs, steps_saved=steps_saved
        )
        if found is None:
            raise UsageError(
                "how fast this machine would train is unknown: it is simulated, and its processor or GPU is in no "
                "table of ours. csmae-bench estimate with the same options tells the memory"
            )
        return found.total.value

    def predictions(
        self, candidate: Candidate, training: Training, rungs: Sequence[int] = (), *, steps_saved: int = 0
    ) -> tuple[Prediction, ...]:
        """What is said of a trial beforehand, with intervals; arguments as for `seconds`."""
        return predictions(
            self._models[candidate], training, self._data, self._calibration, rungs=rungs, steps_saved=steps_saved
        )
