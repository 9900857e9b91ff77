"""Everything before the first trial: profile, decode, measure a step of each candidate, plan."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from platformdirs import user_cache_path

from bench.data import cache
from bench.data.pairs import open_pairs
from bench.data.places import Queries
from bench.errors import UsageError
from bench.plan.calibrate import calibrate
from bench.plan.forecast import Forecast, Setting
from bench.plan.plan import Request, RunPlan
from bench.plan.schedule import renewed, schedule
from bench.profile.dataset import DatasetProfile, profile_dataset, queries_of
from bench.profile.hardware import HardwareProfile
from bench.profile.hardware import probe as probe_hardware
from bench.profile.peaks import peak_flops
from bench.result import TrialResult
from bench.run.deadline import Deadline
from bench.run.events import Event, Planned, Profiled
from bench.run.executor import Executor
from bench.run.probing import probing
from bench.run.progress import with_progress
from bench.run.settle import settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a run begins with."""

    hardware: HardwareProfile
    dataset: DatasetProfile
    queries: Queries
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
        queries = queries_of(pairs, dataset.fingerprint)
        yield Profiled(hardware=hardware, dataset=dataset, queries=queries)
        prepared = yield from with_progress(lambda tell: cache.prepare(pairs, progress=tell), deadline)
    settled = settle(
        request,
        dataset,
        queries,
        hardware,
        devices=devices,
        cache=str(prepared.folder),
        checkpoints=str(checkpoint_root()),
        run_id=run_id,
    )
    request, setting = settled.request, settled.setting
    probes, precision, parts, notes = yield from probing(
        request,
        settled.models,
        setting,
        executor=executor,
        refusals=settled.refusals,
        deadline=deadline,
        history=history,
    )
    settled.check()
    notes += settled.notes
    if len(devices) > 1:
        notes += (f"{len(devices)} GPUs at once, a trial on each",)
    setting = replace(setting, precision=precision, parts=settled.parts(parts))
    calibration = calibrate(
        probes, history, machine=hardware.id, device=setting.device, precision=precision, threads=setting.threads
    )
    forecast = Forecast(settled.models, setting.data, calibration, baselines=settled.kept_baselines())
    if before:
        trials = tuple(renewed(t, setting, forecast) for t in before.trials if forecast.knows(t.candidate))
        plan = replace(before, trials=trials, predicted_seconds=sum(t.predicted_seconds for t in trials))
    else:
        # with several devices, as much work as all of them do in the time that is left
        left = None if deadline.left is None else len(devices) * deadline.left
        plan = schedule(request, setting, forecast, settled.refusals, left_seconds=left)
        plan = replace(plan, notes=dataset.notes + plan.notes + notes)
    plan = replace(plan, predicted_seconds=plan.predicted_seconds / len(devices), request=request)
    yield Planned(plan=plan)
    return Prepared(
        hardware=hardware,
        dataset=dataset,
        queries=queries,
        setting=setting,
        forecast=forecast,
        plan=plan,
        devices=devices,
    )


def imagine(request: Request, hardware: HardwareProfile, run_id: str) -> Generator[Event]:
    """Plan for a simulated machine: formulas and vendors' peaks alone; nothing is decoded, measured or run.

    Raises: BenchError: the request or the data cannot be used, nothing fits, or the machine's speed is unknown.
    """
    devices = resolve_devices(request.device, hardware)
    with closing(open_pairs(request.data)) as pairs:
        dataset = profile_dataset(pairs)
        queries = queries_of(pairs, dataset.fingerprint)
    yield Profiled(hardware=hardware, dataset=dataset, queries=queries)
    settled = settle(
        request,
        dataset,
        queries,
        hardware,
        devices=devices,
        cache="",
        checkpoints=str(checkpoint_root()),
        run_id=run_id,
    )
    settled.check()
    request = settled.request
    gpu = next((gpu for gpu in hardware.gpus if f"cuda:{gpu.index}" == devices[0]), None)
    fast = gpu is not None and "bf16" in (gpu.tensor_precisions or ())
    precision = request.precision or ("bf16" if fast else "fp32")
    setting = replace(settled.setting, precision=precision)
    peak = peak_flops(gpu.name, precision) if gpu else None
    calibration = calibrate(device=devices[0], precision=precision, threads=setting.threads, peak_flops=peak)
    forecast = Forecast(settled.models, setting.data, calibration, baselines=settled.kept_baselines())
    budget = request.time_budget_seconds
    left = None if budget is None else budget * len(devices)
    plan = schedule(request, setting, forecast, settled.refusals, left_seconds=left)
    note = f"SIM: planned for {hardware.simulated}; nothing of it was measured"
    seconds = plan.predicted_seconds / len(devices)
    notes = (note, *dataset.notes, *plan.notes, *settled.notes)
    yield Planned(plan=replace(plan, notes=notes, predicted_seconds=seconds, request=request))


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
