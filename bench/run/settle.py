"""What the trials of a run have in common, and the networks that memory does not forbid; nothing is measured here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.data.descriptors import descriptor_root
from bench.data.places import Queries
from bench.errors import UnfitError, UsageError
from bench.plan.forecast import Setting, parts_needed, unfit
from bench.plan.plan import Refusal, Request
from bench.profile.dataset import DatasetProfile, data_use
from bench.profile.hardware import HardwareProfile
from bench.result import Candidate, DataUse, Training
from bench.run.memory import headroom
from models.config import ModelConfig, configure


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A request held against data and machine."""

    request: Request
    """With the k that can be scored."""
    setting: Setting
    models: dict[Candidate, ModelConfig]
    """Of the candidates; what a probe cannot train is taken out."""
    baselines: Mapping[Candidate, ModelConfig]
    refusals: list[Refusal]
    notes: tuple[str, ...]
    """What became otherwise than asked, a sentence each."""

    def kept_baselines(self) -> dict[Candidate, ModelConfig]:
        """Those of a size at which some candidate is trained: the others have nothing to be compared with."""
        sizes = {candidate.size for candidate in self.models}
        return {candidate: model for candidate, model in self.baselines.items() if candidate.size in sizes}

    def parts(self, probed: Mapping[Candidate, int]) -> dict[Candidate, int]:
        """Into how many parts batches are split: a baseline's, which is not probed, into no fewer than its size's."""
        of_sizes = {
            baseline: max(probed[other] for other in (baseline, *self.models) if other.size == baseline.size)
            for baseline in self.baselines
        }
        return {**probed, **of_sizes}

    def check(self) -> None:
        """Refuse to go on without a candidate.

        Raises: UnfitError: nothing fits.
        """
        if not self.models:
            reasons = "; ".join(f"{refusal.candidate.title} {refusal.reason}" for refusal in self.refusals)
            raise UnfitError(f"no candidate can be trained here: {reasons}")


def settle(
    request: Request,
    dataset: DatasetProfile,
    queries: Queries,
    hardware: HardwareProfile,
    *,
    devices: tuple[str, ...],
    cache: str,
    checkpoints: str,
    run_id: str,
) -> Settled:
    """Hold a request against data and machine.

    Raises: UsageError: too few pairs, or images that a network does not take.
    """
    data = data_use(dataset)
    batch = min(request.batch_pairs, data.train_pairs)
    if batch < 2 or not data.query_pairs or not data.archive_pairs:
        raise UsageError(
            f"{data.name} has {data.train_pairs} training, {data.query_pairs} query and {data.archive_pairs} archive "
            "pairs; training needs 2, scoring 1 of each"
        )
    groups = queries.groups
    setting = Setting(
        run_id=run_id,
        data=data,
        query_groups=None if groups is None else tuple(groups.tolist()),
        cache=cache,
        device=devices[0],
        precision=request.precision or "fp32",
        threads=max(1, hardware.cores_usable // len(devices)),
        training=Training(steps=1000, batch_pairs=batch, learning_rate=request.learning_rate),
        checkpoints="" if request.from_scratch else checkpoints,
        descriptors="" if request.from_scratch else str(descriptor_root()),
        memory_limit_bytes=headroom(hardware) if devices == ("cpu",) else None,
    )
    models, refusals, parts = _networks(request, request.candidates, dataset, hardware, setting=setting)
    baselines, unfitting, baseline_parts = _networks(
        request, request.trained_baselines, dataset, hardware, setting=setting
    )
    k = neighbours(request.k, data)
    notes = [f"{refusal.candidate.title} is not trained as a baseline: it {refusal.reason}" for refusal in unfitting]
    if k != request.k:
        notes.append(f"k {k} instead of {request.k}: the archive holds {data.archive_pairs} pairs, half are looked at")
    return Settled(
        request=replace(request, k=k),
        setting=replace(setting, parts=parts | baseline_parts),
        models=models,
        baselines=baselines,
        refusals=refusals,
        notes=tuple(notes),
    )


def neighbours(asked: int, data: DataUse) -> int:
    """Neighbours to score: as asked, but at most half of the archive, since any order finds the whole of it."""
    return min(asked, max(1, data.archive_pairs // 2)) if data.labelled else asked


def _networks(
    request: Request,
    candidates: Sequence[Candidate],
    dataset: DatasetProfile,
    hardware: HardwareProfile,
    *,
    setting: Setting,
) -> tuple[dict[Candidate, ModelConfig], list[Refusal], dict[Candidate, int]]:
    """The network of each candidate that memory does not forbid, and into how many parts its batches must be split."""
    gpu = setting.device.partition(":")[2]
    memory = hardware.gpus[int(gpu)].memory_free_bytes if gpu else setting.memory_limit_bytes
    bands = {sensor: len(names) for sensor, names in dataset.bands.items()}
    models: dict[Candidate, ModelConfig] = {}
    refusals: list[Refusal] = []
    split: dict[Candidate, int] = {}
    for candidate in candidates:
        try:
            model = configure(candidate.variant, candidate.size, bands=bands, image_pixels=dataset.image_pixels)
        except ValueError as error:
            raise UsageError(f"{candidate.title} does not fit the images of {dataset.name}: {error}") from error
        parts = parts_needed(
            model, batch_pairs=setting.training.batch_pairs, precision=request.precision, memory_bytes=memory
        )
        if parts is None:
            reason = unfit(model, precision=request.precision, memory_bytes=memory or 0)
            refusals.append(Refusal(candidate=candidate, reason=reason))
        else:
            models[candidate] = model
            split[candidate] = parts
    return models, refusals, split
