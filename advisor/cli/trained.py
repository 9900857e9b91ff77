"""A full training from its request to its exit code: foresee, decode, launch, follow, say how it ended."""

import shlex
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from advisor.cli.blocks import count
from advisor.cli.conduct import Terminated, signals
from advisor.cli.estimates import Answer
from advisor.cli.foreseen import foresee, foreseen_lines
from advisor.cli.pacing import Pacing
from advisor.cli.streams import envelope, stderr, stdout
from bench.data.pairs import SensorPairs, open_pairs
from bench.errors import BenchError, ExitCode, UnfitError, UsageError
from bench.full.launch import Launch
from bench.full.plan import METRICS_FILE, PLAN_FILE, FullPlan, write_plan
from bench.full.prepare import Means, Wanted, decoded, means_of, planned, resumed, still_decoded
from bench.full.wire import Began, Exported, FullEnded, FullEvent, Lap, Saved
from bench.profile.hardware import HardwareProfile
from bench.profile.hardware import probe as probe_hardware
from bench.result import Precision
from bench.run.prepare import resolve_devices
from bench.units import duration

ERRORS: Final[dict[ExitCode, type[BenchError]]] = {ExitCode.USAGE: UsageError, ExitCode.UNFIT: UnfitError}
"""What the training's process could not do, by the code that it told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a training is carried out and told."""

    folder: Path
    devices: str
    micro_batches: int
    limit_steps: int | None
    export_only: bool
    dry_run: bool
    database: Path
    as_json: bool
    quiet: bool


def begin(wanted: Wanted, manner: Manner) -> ExitCode:
    """Train anew.

    Raises: BenchError: the folder is taken, or the data, a value or the machine cannot be used.
    """
    if (manner.folder / PLAN_FILE).exists():
        raise UsageError(
            f"{manner.folder} holds a full training: csmae-bench train --resume --out {manner.folder} goes on with it, "
            "another --out begins anew"
        )
    hardware = probe_hardware()
    means = _means(manner, hardware)
    with closing(open_pairs(wanted.source)) as pairs:
        plan = planned(pairs, wanted, means, wanted.precision or _precision(means, hardware))
        answer = _foresee(plan, manner)
        if manner.dry_run:
            if manner.as_json:
                envelope("train", ExitCode.DONE, {"plan": plan, "estimate": answer})
            return ExitCode.DONE
        plan = _decoded(plan, manner, pairs)
    write_plan(plan, manner.folder)
    return _carry_out(plan, manner)


def carry_on(manner: Manner) -> ExitCode:
    """Go on with the training in the folder, or only export it.

    Raises: BenchError: there is none, or it cannot be gone on with here.
    """
    plan = resumed(manner.folder, None if manner.export_only else _means(manner, probe_hardware()))
    if not still_decoded(plan):
        with closing(open_pairs(plan.source)) as pairs:
            plan = _decoded(plan, manner, pairs)
    write_plan(plan, manner.folder)
    return _carry_out(plan, manner)


def _means(manner: Manner, hardware: HardwareProfile) -> Means:
    """What to compute with; GPUs are asked for by number."""
    names = [name.strip() for name in manner.devices.split(",")]
    asked = ",".join(f"cuda:{name}" if name.isdecimal() else name for name in names)
    return means_of(resolve_devices(asked, hardware), manner.micro_batches, hardware)


def _precision(means: Means, hardware: HardwareProfile) -> Precision:
    gpu = next((gpu for gpu in hardware.gpus if f"cuda:{gpu.index}" == means.devices[0]), None)
    return "bf16" if gpu is not None and "bf16" in (gpu.tensor_precisions or ()) else "fp32"


def _foresee(plan: FullPlan, manner: Manner) -> Answer:
    answer, machine = foresee(plan, manner.database)
    console = stdout() if manner.dry_run and not manner.as_json else stderr(quiet=manner.quiet)
    for line in foreseen_lines(plan, answer, machine):
        console.print(line, soft_wrap=True)
    return answer


def _decoded(plan: FullPlan, manner: Manner, pairs: SensorPairs) -> FullPlan:
    """Decode, with a line at the beginning of what is done."""
    console, told = stderr(quiet=manner.quiet), set[str]()

    def progress(what: str, _done: int, total: int) -> None:
        if what not in told:
            told.add(what)
            console.print(f"{what}: {total:,} pairs", soft_wrap=True)

    return decoded(plan, pairs, progress)


@dataclass(slots=True)
class _Ending:
    """What the training has told so far."""

    step: int = 0
    lap: Lap | None = None
    saved: bool = False
    files: list[str] = field(default_factory=list)
    end: FullEnded | None = None
    interrupted: ExitCode | None = None

    def add(self, event: FullEvent) -> None:
        match event:
            case Began():
                self.step, self.saved = event.step, event.step > 0
            case Lap():
                self.step, self.lap = event.step, event
            case Saved():
                self.saved = True
            case Exported():
                self.files.append(event.path)
            case FullEnded():
                self.end = event

    @property
    def finished(self) -> bool:
        return self.end is not None and self.end.finished


def _carry_out(plan: FullPlan, manner: Manner) -> ExitCode:
    """Launch and follow; a second signal ends the training without saving."""
    ending = _Ending()
    console = stderr(quiet=manner.quiet)
    launch = Launch(plan, manner.folder, limit_steps=manner.limit_steps, export_only=manner.export_only)
    with launch, Pacing(console, plan) as pacing:

        def ask(code: ExitCode) -> bool:
            if ending.interrupted:
                return False
            ending.interrupted = code
            launch.stop()
            pacing.say("Stopping: what is trained is being saved; once more stops at once.")
            return True

        try:
            with suppress(KeyboardInterrupt, Terminated), signals(ask):  # asked twice: it ends with the context
                for event in launch.events():
                    ending.add(event)
                    pacing.show(event)
        except BenchError as error:
            if not ending.interrupted:
                raise type(error)(f"{error}.{_go_on(manner)}") from error
    return _say_end(plan, manner, ending)


def _say_end(plan: FullPlan, manner: Manner, ending: _Ending) -> ExitCode:
    if ending.end and ending.end.problem:
        kind = ERRORS.get(ending.end.code, BenchError)
        raise kind(f"{ending.end.problem}.{_go_on(manner) if ending.end.resumable else ''}")
    code = ExitCode.DONE if ending.finished else ending.interrupted or ExitCode.DONE
    if manner.as_json:
        document = {
            "folder": str(manner.folder),
            "finished": ending.finished,
            "step": ending.step,
            "steps": plan.training.steps,
            "last": ending.lap,
            "files": ending.files,
            "plan": plan,
        }
        envelope("train", code, document)
    elif ending.finished:
        _show_files(stdout(), plan, manner, ending)
    if not ending.finished:
        state = "the last checkpoint is kept" if ending.saved else "no checkpoint was written yet"
        stderr().print(f"Stopped at step {ending.step} of {plan.training.steps}; {state}.", soft_wrap=True)
        stderr().print(_go_on(manner).strip(), soft_wrap=True)
    return code


def _show_files(console: Console, plan: FullPlan, manner: Manner, ending: _Ending) -> None:
    data = "synthetic data" if plan.data.synthetic else plan.data.name
    steps = plan.training.steps
    length = count(plan.epochs, "epoch") if ending.step == steps else f"step {ending.step} of {steps}"
    trained = f"{plan.candidate.title} on {data}: {length}"
    if ending.lap:
        trained += f", loss {ending.lap.total:.4g}, {duration(ending.lap.seconds)} of training"
    console.print(trained, style="bold")
    for file in ending.files:
        console.print(file, soft_wrap=True)
    console.print(str(manner.folder / METRICS_FILE), soft_wrap=True)


def _go_on(manner: Manner) -> str:
    """The line that goes on, from the last checkpoint where there is one."""
    words = ["--export"] if manner.export_only else ["--resume"]
    return f" Go on with it: {shlex.join(['csmae-bench', 'train', *words, '--out', str(manner.folder)])}"
