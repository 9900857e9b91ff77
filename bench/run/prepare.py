"""Everything before the first trial: profile, decode, measure a step of each candidate, plan."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import Final, Generic, TypeVar

from bench.data import cache
from bench.data.pairs import open_pairs
from bench.errors import UnfitError, UsageError
from bench.plan.plan import Probe, ProbePlan, Refusal, Request, RunPlan
from bench.plan.schedule import Setting, schedule, unfit
from bench.profile.dataset import DatasetProfile, data_use, profile_dataset
from bench.profile.hardware import HardwareProfile
from bench.profile.hardware import probe as probe_hardware
from bench.result import Candidate, DataUse, Precision, Training
from bench.run.events import Ended, Event, Planned, Preparing, Probed, Profiled
from bench.run.executor import Executor
from models.config import ModelConfig, configure

T = TypeVar("T")

PROBE_SECONDS: Final = 1.5
"""Time for the steps of one candidate's probe."""


def prepare(
    request: Request, executor: Executor, run_id: str, started: float
) -> Generator[Event, None, tuple[HardwareProfile, DatasetProfile, RunPlan]]:
    """Profile machine and data, decode, probe and plan; the last event is `Planned`.

    Raises: BenchError: the request, the data or the machine cannot be used.
    """
    hardware = probe_hardware()
    device = resolve_device(request.device, hardware)
    with closing(open_pairs(request.data)) as pairs:
        dataset = profile_dataset(pairs)
        yield Profiled(hardware=hardware, dataset=dataset)
        data = data_use(dataset)
        prepared = yield from _with_progress(lambda tell: cache.prepare(pairs, progress=tell))
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
        device=device,
        precision=request.precision or "fp32",
        threads=hardware.cores_usable,
        training=Training(steps=1000, batch_pairs=batch, learning_rate=request.learning_rate),
    )
    models, refusals = _networks(request, dataset, hardware, setting)
    probes, precision, notes = yield from _probe(request, models, setting, executor, refusals)
    if not probes:
        raise UnfitError(
            "no candidate can be trained here: " + "; ".join(f"{r.candidate.title} {r.reason}" for r in refusals)
        )
    left = request.time_budget_seconds and request.time_budget_seconds - (monotonic() - started)
    if k != request.k:
        notes += (f"k {k} instead of {request.k}: the archive holds {data.archive_pairs} pairs, half are looked at",)
    setting = replace(setting, precision=precision)
    plan = schedule(replace(request, k=k), setting, models, probes, refusals, left_seconds=left)
    plan = replace(plan, notes=dataset.notes + plan.notes + notes)
    yield Planned(plan=plan)
    return hardware, dataset, plan


def resolve_device(asked: str, hardware: HardwareProfile) -> str:
    """The device to train on, as torch writes it.

    Raises: UsageError: the machine has no such device.
    """
    if asked == "auto":
        return "cuda:0" if hardware.gpus else "cpu"
    if asked == "cpu":
        return asked
    kind, _, index = asked.partition(":")
    if kind != "cuda" or not (index or "0").isdigit():
        raise UsageError(f"--device {asked}: write auto, cpu, cuda or cuda:1")
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
    for size in request.sizes:
        for variant in request.variants:
            candidate = Candidate(variant=variant, size=size)
            try:
                model = configure(variant, size, bands=bands, image_pixels=dataset.image_pixels)
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
    executor: Executor,
    refusals: list[Refusal],
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
            budget_seconds=PROBE_SECONDS,
        )
        failure = "its probe ended without a word"
        with closing(executor.run(job, timeout_seconds=600)) as events:
            for event in events:
                if isinstance(event, Probed):
                    failure = ""
                    probes.append(event.probe)
                    yield event
                elif isinstance(event, Ended):
                    failure = event.cause
        if failure:
            refusals.append(Refusal(candidate=candidate, reason=f"its probe failed: {failure}"))
        elif len(precisions) > 1:
            notes = (_precision_note(probes[0]),)
            precisions = (probes[0].precision,)
    return probes, precisions[0], notes


def _precision_note(probe: Probe) -> str:
    rates = ", ".join(f"{name} {flops / 1e9:.3g} GFLOP/s" for name, flops in probe.matmul_flops.items())
    return f"arithmetic {probe.precision}, the fastest measured here (matrix product: {rates})"


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    value: T | None = None
    error: Exception | None = None


Tell = Callable[[str, int, int], None]


def _with_progress(work: Callable[[Tell], T]) -> Generator[Event, None, T]:
    """Run slow work in a thread and yield what it tells meanwhile."""
    told: SimpleQueue[Preparing | _Done[T]] = SimpleQueue()

    def job() -> None:
        try:
            told.put(
                _Done(value=work(lambda what, done, total: told.put(Preparing(what=what, done=done, total=total))))
            )
        except Exception as error:  # noqa: BLE001  handed over and raised where it is waited for
            told.put(_Done(error=error))

    Thread(target=job, daemon=True).start()  # daemon: Ctrl-C must not wait for an archive to be decoded
    while isinstance(message := told.get(), Preparing):
        yield message
    if message.error:
        raise message.error
    return message.value  # type: ignore[return-value]  # no error means that there is a value
