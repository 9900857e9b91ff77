"""Everything before the first trial: profile, decode, measure a step of each candidate, plan."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from platformdirs import user_cache_path

from bench.data import cache
from bench.data.pairs import open_pairs
from bench.errors import UnfitError, UsageError
from bench.plan.calibrate import calibrate
from bench.plan.forecast import Forecast, Setting, parts_needed, unfit
from bench.plan.plan import Refusal, Request, RunPlan
from bench.plan.schedule import renewed, schedule
from bench.profile.dataset import DatasetProfile, data_use, profile_dataset
from bench.profile.hardware import HardwareProfile
from bench.profile.hardware import probe as probe_hardware
from bench.profile.peaks import peak_flops
from bench.result import Candidate, DataUse, Training, TrialResult
from bench.run.deadline import Deadline
from bench.run.events import Event, Planned, Profiled
from bench.run.executor import Executor
from bench.run.memory import headroom
from bench.run.probing import probing
from bench.run.progress import with_progress
from models.config import ModelConfig, configure


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a run begins with."""

    hardware: HardwareProfile
    dataset: DatasetProfile
    setting: Setting
    forecast: Forecast
    plan: RunPlan
    devices: tuple[str, ...]
    """Where trials may run, at once."""


def prepare(
    request: Request,
    executor: Executor,
    run_id: str,
    deadline: Deadline,
    *,
    known: Callable[[str], Sequence[TrialResult]],
    before: RunPlan | None = None,
) -> Generator[Event, None, Prepared]:
    """Profile machine and data, decode, probe and plan; the last event is `Planned`.

    Args:
        known: what a machine of this id has shown before, by its stored trials.
        before: the plan of a run to go on with; its trials are kept.
    Raises: BenchError: the request, the data or the machine cannot be used, or the time budget ends before that.
    """
    hardware = probe_hardware()
    devices = resolve_devices(request.device, hardware)
    history = known(hardware.id)
    with closing(open_pairs(request.data)) as pairs:
        dataset = profile_dataset(pairs)
        yield Profiled(hardware=hardware, dataset=dataset)
        prepared = yield from with_progress(lambda tell: cache.prepare(pairs, progress=tell), deadline)
    asked_k = request.k
    request, setting, models, refusals = _settle(
        request, dataset, hardware, devices=devices, cache=str(prepared.folder), run_id=run_id
    )
    probes, precision, parts, notes = yield from probing(
        request, models, setting, executor=executor, refusals=refusals, deadline=deadline, history=history
    )
    if not models:
        raise _nothing_fits(refusals)
    if request.k != asked_k:
        few = setting.data.archive_pairs
        notes += (f"k {request.k} instead of {asked_k}: the archive holds {few} pairs, half are looked at",)
    if len(devices) > 1:
        notes += (f"{len(devices)} GPUs at once, a trial on each",)
    setting = replace(setting, precision=precision, parts=parts)
    calibration = calibrate(
        probes, history, machine=hardware.id, device=setting.device, precision=precision, threads=setting.threads
    )
    forecast = Forecast(models, setting.data, calibration)
    if before:
        trials = tuple(renewed(t, setting, forecast) for t in before.trials if t.candidate in forecast.candidates)
        plan = replace(before, trials=trials, predicted_seconds=sum(t.predicted_seconds for t in trials))
    else:
        # with several devices, as much work as all of them do in the time that is left
        left = None if deadline.left is None else len(devices) * deadline.left
        plan = schedule(request, setting, forecast, refusals, left_seconds=left)
        plan = replace(plan, notes=dataset.notes + plan.notes + notes)
    plan = replace(plan, predicted_seconds=plan.predicted_seconds / len(devices), request=request)
    yield Planned(plan=plan)
    return Prepared(hardware=hardware, dataset=dataset, setting=setting, forecast=forecast, plan=plan, devices=devices)


def imagine(request: Request, hardware: HardwareProfile, run_id: str) -> Generator[Event]:
    """Plan for a simulated machine: formulas and vendors' peaks alone; nothing is decoded, measured or run.

    Raises: BenchError: the request or the data cannot be used, nothing fits, or the machine's speed is unknown.
    """
    devices = resolve_devices(request.device, hardware)
    with closing(open_pairs(request.data)) as pairs:
        dataset = profile_dataset(pairs)
    yield Profiled(hardware=hardware, dataset=dataset)
    request, setting, models, refusals = _settle(request, dataset, hardware, devices=devices, cache="", run_id=run_id)
    if not models:
        raise _nothing_fits(refusals)
    gpu = next((gpu for gpu in hardware.gpus if f"cuda:{gpu.index}" == devices[0]), None)
    fast = gpu is not None and "bf16" in (gpu.tensor_precisions or ())
    precision = request.precision or ("bf16" if fast else "fp32")
    setting = replace(setting, precision=precision)
    peak = peak_flops(gpu.name, precision) if gpu else None
    calibration = calibrate(device=devices[0], precision=precision, threads=setting.threads, peak_flops=peak)
    forecast = Forecast(models, setting.data, calibration)
    budget = request.time_budget_seconds
    left = None if budget is None else budget * len(devices)
    plan = schedule(request, setting, forecast, refusals, left_seconds=left)
    note = f"SIM: planned for {hardware.simulated}; nothing of it was measured"
    seconds = plan.predicted_seconds / len(devices)
    notes = (note, *dataset.notes, *plan.notes)
    yield Planned(plan=replace(plan, notes=notes, predicted_seconds=seconds, request=request))


def _settle(
    request: Request,
    dataset: DatasetProfile,
    hardware: HardwareProfile,
    *,
    devices: tuple[str, ...],
    cache: str,
    run_id: str,
) -> tuple[Request, Setting, dict[Candidate, ModelConfig], list[Refusal]]:
    """What the trials have in common, and the networks that may fit; the request with the k that can be scored.

    Raises: UsageError: too few pairs, or images that a network does not take.
    """
    data = data_use(dataset)
    batch = min(request.batch_pairs, data.train_pairs)
    if batch < 2 or not data.query_pairs or not data.archive_pairs:
        raise UsageError(
            f"{data.name} has {data.train_pairs} training, {data.query_pairs} query and {data.archive_pairs} archive "
            "pairs; training needs 2, scoring 1 of each"
        )
    setting = Setting(
        run_id=run_id,
        data=data,
        cache=cache,
        device=devices[0],
        precision=request.precision or "fp32",
        threads=max(1, hardware.cores_usable // len(devices)),
        training=Training(steps=1000, batch_pairs=batch, learning_rate=request.learning_rate),
        checkpoints=str(checkpoint_root()),
        memory_limit_bytes=headroom(hardware) if devices == ("cpu",) else None,
    )
    models, refusals, parts = _networks(request, dataset, hardware, setting)
    return replace(request, k=neighbours(request.k, data)), replace(setting, parts=parts), models, refusals


def _nothing_fits(refusals: Sequence[Refusal]) -> UnfitError:
    reasons = "; ".join(f"{refusal.candidate.title} {refusal.reason}" for refusal in refusals)
    return UnfitError(f"no candidate can be trained here: {reasons}")


def checkpoint_root() -> Path:
    """Where trainings are kept that can be gone on with."""
    return user_cache_path("csmae-advisor") / "checkpoints"


def resolve_devices(asked: str, hardware: HardwareProfile) -> tuple[str, ...]:
    """The devices to train on at once, as torch writes them.

    Args:
        asked: "auto" takes every GPU that is like the first, "cuda" the first alone.
    Raises: UsageError: the machine has no such device.
    """
    if asked == "auto":
        kinds = [(gpu.name, gpu.memory_total_bytes) for gpu in hardware.gpus]
        alike = [gpu for gpu, kind in zip(hardware.gpus, kinds, strict=True) if kind == kinds[0]]
        return tuple(f"cuda:{gpu.index}" for gpu in alike) or ("cpu",)
    return tuple(dict.fromkeys(_device(name.strip(), hardware) for name in asked.split(",")))


def _device(asked: str, hardware: HardwareProfile) -> str:
    if asked == "cpu":
        return asked
    kind, _, index = asked.partition(":")
    if kind != "cuda" or not (index or "0").isdigit():
        raise UsageError(f"--device {asked}: write auto, cpu, cuda, cuda:1, or several as cuda:0,cuda:1")
    if int(index or 0) >= len(hardware.gpus):
        found = hardware.gpu_note or f"{len(hardware.gpus)} GPU here"
        raise UsageError(f"--device {asked}: there is no such GPU ({found})")
    return f"cuda:{index or 0}"


def neighbours(asked: int, data: DataUse) -> int:
    """Neighbours to score: as asked, but at most half of the archive, since any order finds the whole of it."""
    return min(asked, max(1, data.archive_pairs // 2)) if data.labelled else asked


def _networks(
    request: Request, dataset: DatasetProfile, hardware: HardwareProfile, setting: Setting
) -> tuple[dict[Candidate, ModelConfig], list[Refusal], dict[Candidate, int]]:
    """The network of each candidate that memory does not forbid, and into how many parts its batches must be split."""
    gpu = setting.device.partition(":")[2]
    memory = hardware.gpus[int(gpu)].memory_free_bytes if gpu else setting.memory_limit_bytes
    bands = {sensor: len(names) for sensor, names in dataset.bands.items()}
    models: dict[Candidate, ModelConfig] = {}
    refusals: list[Refusal] = []
    split: dict[Candidate, int] = {}
    for candidate in request.candidates:
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
