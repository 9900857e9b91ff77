"""Everything before the first trial: profile, decode, measure a step of each candidate, plan."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from bench.data import cache
from bench.data.pairs import open_pairs
from bench.errors import UnfitError, UsageError
from bench.plan.plan import Probe, ProbePlan, Refusal, Request, RunPlan
from bench.plan.schedule import Forecast, Setting, renewed, schedule, unfit
from bench.profile.dataset import DatasetProfile, data_use, profile_dataset
from bench.profile.hardware import HardwareProfile
from bench.profile.hardware import probe as probe_hardware
from bench.result import Candidate, DataUse, Precision, Training
from bench.run.deadline import Deadline
from bench.run.events import Ended, Event, Planned, Preparing, Probed, Profiled
from bench.run.executor import Executor
from bench.run.memory import headroom
from bench.run.progress import with_progress
from models.config import ModelConfig, configure

PROBE_SECONDS: Final = 1.5
"""Time for the steps of one candidate's probe."""

PROBE_SHARE: Final = 0.03
"""Of a time budget, for the steps of one candidate's probe, when that is less."""


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
    request: Request, executor: Executor, run_id: str, deadline: Deadline, *, before: RunPlan | None = None
) -> Generator[Event, None, Prepared]:
    """Profile machine and data, decode, probe and plan; the last event is `Planned`.

    Args:
        before: the plan of a run to go on with; its trials are kept.
    Raises: BenchError: the request, the data or the machine cannot be used, or the time budget ends before that.
    """
    hardware = probe_hardware()
    devices = resolve_devices(request.device, hardware)
    with closing(open_pairs(request.data)) as pairs:
        dataset = profile_dataset(pairs)
        yield Profiled(hardware=hardware, dataset=dataset)
        data = data_use(dataset)
        prepared = yield from with_progress(lambda tell: cache.prepare(pairs, progress=tell), deadline)
    batch = min(request.batch_pairs, data.train_pairs)
    if batch < 2 or not data.query_pairs or not data.archive_pairs:
        raise UsageError(
            f"{data.name} has {data.train_pairs} training, {data.query_pairs} query and {data.archive_pairs} archive "
            "pairs; training needs 2, scoring 1 of each"
        )
    k = neighbours(request.k, data)
    setting = Setting(
        run_id=run_id,
        data=data,
        cache=str(prepared.folder),
        device=devices[0],
        precision=request.precision or "fp32",
        threads=max(1, hardware.cores_usable // len(devices)),
        training=Training(steps=1000, batch_pairs=batch, learning_rate=request.learning_rate),
        checkpoints=str(checkpoint_root()),
        memory_limit_bytes=headroom(hardware) if devices == ("cpu",) else None,
    )
    models, refusals = _networks(request, dataset, hardware, setting)
    probes, precision, notes = yield from _probe(
        request, models, setting, executor=executor, refusals=refusals, deadline=deadline
    )
    if not probes:
        raise UnfitError(
            "no candidate can be trained here: " + "; ".join(f"{r.candidate.title} {r.reason}" for r in refusals)
        )
    if k != request.k:
        notes += (f"k {k} instead of {request.k}: the archive holds {data.archive_pairs} pairs, half are looked at",)
    if len(devices) > 1:
        notes += (f"{len(devices)} GPUs at once, a trial on each",)
    setting = replace(setting, precision=precision)
    forecast = Forecast(probes, models, data)
    if before:
        trials = tuple(renewed(t, setting, forecast) for t in before.trials if t.candidate in forecast.candidates)
        plan = replace(before, trials=trials, predicted_seconds=sum(t.predicted_seconds for t in trials))
    else:
        # with several devices, as much work as all of them do in the time that is left
        left = None if deadline.left is None else len(devices) * deadline.left
        plan = schedule(replace(request, k=k), setting, forecast, refusals, left_seconds=left)
        plan = replace(plan, notes=dataset.notes + plan.notes + notes)
    plan = replace(plan, predicted_seconds=plan.predicted_seconds / len(devices), request=replace(request, k=k))
    yield Planned(plan=plan)
    return Prepared(hardware=hardware, dataset=dataset, setting=setting, forecast=forecast, plan=plan, devices=devices)


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
) -> tuple[dict[Candidate, ModelConfig], list[Refusal]]:
    """The network of each candidate that memory does not forbid."""
    gpu = setting.device.partition(":")[2]
    memory = hardware.gpus[int(gpu)].memory_free_bytes if gpu else hardware.memory_available_bytes
    bands = {sensor: len(names) for sensor, names in dataset.bands.items()}
    models, refusals = {}, []
    for candidate in request.candidates:
        try:
            model = configure(candidate.variant, candidate.size, bands=bands, image_pixels=dataset.image_pixels)
        except ValueError as error:
            raise UsageError(f"{candidate.title} does not fit the images of {dataset.name}: {error}") from error
        reason = unfit(
            model,
            batch_pairs=setting.training.batch_pairs,
            precision=request.precision,
            memory_bytes=memory,
        )
        if reason:
            refusals.append(Refusal(candidate=candidate, reason=reason))
        else:
            models[candidate] = model
    return models, refusals


def _probe(
    request: Request,
    models: dict[Candidate, ModelConfig],
    setting: Setting,
    *,
    executor: Executor,
    refusals: list[Refusal],
    deadline: Deadline,
) -> Generator[Event, None, tuple[list[Probe], Precision, tuple[str, ...]]]:
    """Measure a step of each candidate; the first one also chooses the arithmetic for all."""
    precisions: tuple[Precision, ...] = (request.precision,) if request.precision else ("fp32", "bf16")
    notes = (f"arithmetic {request.precision}, as asked",) if request.precision else ()
    probes: list[Probe] = []
    for number, (candidate, model) in enumerate(models.items()):
        yield Preparing(what=f"measuring a step of {candidate.title}", done=number, total=len(models))
        job = ProbePlan(
            candidate=candidate,
            model=model,
            training=setting.training,
            cache=setting.cache,
            device=setting.device,
            precisions=precisions,
            threads=setting.threads,
            budget_seconds=min(PROBE_SECONDS, PROBE_SHARE * (deadline.budget_seconds or inf)),
        )
        failure = "its probe ended without a word"
        with closing(executor.run(job, timeout_seconds=deadline.within(600))) as events:
            for event in events:
                if isinstance(event, Probed):
                    failure = ""
                    probes.append(event.probe)
                    yield event
                elif isinstance(event, Ended):
                    failure = event.cause
        deadline.check(f"a step of {candidate.title} was being measured")
        if failure:
            refusals.append(Refusal(candidate=candidate, reason=f"its probe failed: {failure}"))
        elif len(precisions) > 1:
            notes = (_precision_note(probes[0]),)
            precisions = (probes[0].precision,)
    return probes, precisions[0], notes


def _precision_note(probe: Probe) -> str:
    rates = ", ".join(f"{name} {flops / 1e9:.3g} GFLOP/s" for name, flops in probe.matmul_flops.items())
    return f"arithmetic {probe.precision}, the fastest measured here (matrix product: {rates})"
