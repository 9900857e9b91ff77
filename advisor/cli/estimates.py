"""The estimates that are asked for: what is known of the machine, what each candidate would take."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from advisor.cli.blocks import count
from bench.data.pairs import open_pairs
from bench.errors import UsageError
from bench.plan.calibrate import Calibration, calibrate
from bench.plan.full import FullTraining, Needs, full_training, needs
from bench.profile.hardware import HardwareProfile
from bench.profile.peaks import peak_flops
from bench.profile.simulate import machine as machine_to_plan_for
from bench.profile.speed import kept
from bench.result import Candidate, Precision, TrialResult
from bench.run.memory import headroom
from bench.store.results import Results
from bench.units import gib
from models import cost
from models.config import SENSORS, configure


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """The pairs to train on, as far as costs depend on them."""

    name: str
    train_pairs: int
    image_pixels: int
    bands: tuple[int, int]
    """Of S1, of S2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked."""

    variants: tuple[str, ...]
    sizes: tuple[str, ...]
    batch_pairs: int
    epochs: int
    precision: Precision | None
    images: Images


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is known of where the training would run."""

    hardware: HardwareProfile
    device: str
    calibration: Calibration
    memory_bytes: int | None
    """That a training may use; None: unknown."""
    notes: tuple[str, ...]
    """What the numbers rest on, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One candidate."""

    candidate: Candidate
    parameters: int
    training: FullTraining
    here: Needs
    """Of this device."""
    card: Needs
    """Of a GPU."""
    fits: bool | None
    """Here, by the upper end of the interval; None: the memory is not known."""

    def reason(self, free_bytes: int) -> str:
        """Why it does not fit, and what would."""
        card = self.card.smallest_gpu
        wanted = f"needs a GPU of {card} GB" if card else "no GPU that is sold holds it"
        less = "" if self.here.least_bytes.high > free_bytes else ", or a smaller batch"
        size = gib(self.here.memory_bytes.high)
        return f"{self.candidate.title} does not fit: up to {size}, {gib(free_bytes)} are free; {wanted}{less}"


def images_of(data: str) -> Images:
    """Number, size and bands of a data set's pairs.

    Raises: DataError: it cannot be opened.
    """
    with closing(open_pairs(data)) as pairs:
        s1, s2 = (len(pairs.bands[sensor]) for sensor in SENSORS)
        return Images(
            name=pairs.name, train_pairs=len(pairs.ids("train")), image_pixels=pairs.image_pixels, bands=(s1, s2)
        )


def machine_of(recording: Path | None, gpu_memory_bytes: int | None, database: Path, question: Question) -> Machine:
    """This machine or the simulated one, with what its trials in the store say.

    Raises: BenchError: the recording or the store cannot be used.
    """
    hardware = machine_to_plan_for(recording, gpu_memory_bytes)
    gpu = hardware.gpus[0] if hardware.gpus else None
    device = "cuda:0" if gpu else "cpu"
    fast = gpu is not None and "bf16" in (gpu.tensor_precisions or ())
    precision: Precision = question.precision or ("bf16" if fast else "fp32")
    history: tuple[TrialResult, ...] = ()
    if database.exists() and not hardware.simulated:
        history = Results(database).history(machine=hardware.id)
    speeds = None if hardware.simulated else kept(hardware, device)
    rate = speeds.matmul_flops.get(precision) if speeds else None
    peak = peak_flops(gpu.name, precision) if gpu else None
    calibration = calibrate(
        history=history,
        machine=hardware.id,
        device=device,
        precision=precision,
        threads=hardware.cores_usable,
        peak_flops=peak,
        matmul_flops=rate.median if rate else None,
    )
    return Machine(
        hardware=hardware,
        device=device,
        calibration=calibration,
        memory_bytes=gpu.memory_free_bytes if gpu else headroom(hardware),
        notes=(
            *_origins(hardware, device, precision),
            _imagined(peak) if hardware.simulated else _basis(calibration, database, rated=bool(rate), peak=peak),
        ),
    )


def _origins(hardware: HardwareProfile, device: str, precision: Precision) -> Iterator[str]:
    if hardware.simulated:
        yield f"SIM: estimated for {hardware.simulated}; nothing of it was measured"
    name = hardware.gpus[0].name if hardware.gpus else count(hardware.cores_usable, "core")
    yield f"device {device} ({name}), {precision}"


def _imagined(peak: float | None) -> str:
    if peak:
        return "times rest on the vendor's peak and a guess of how much of it is used"
    return "times are unknown: its processor or GPU is in no table of ours"


def _basis(calibration: Calibration, database: Path, *, rated: bool, peak: float | None) -> str:
    trials = calibration.step.residuals.seen
    if trials:
        return f"corrected by {count(trials, 'trial')} of this machine in {database}"
    origin = f"{database} holds no trial of this machine"
    if rated:
        return f"{origin}: times rest on the speed of its matrix product"
    if peak:
        return f"{origin}: times rest on the vendor's peak and a guess of how much of it is used"
    return f"{origin}: times are unknown; csmae-bench run or csmae-bench profile hardware would tell"


def answers(question: Question, machine: Machine) -> Iterator[Answer]:
    """What each candidate would take.

    Raises: UsageError: images that a network does not take, or fewer pairs than a batch.
    """
    images = question.images
    bands = dict(zip(SENSORS, images.bands, strict=True))
    card = machine.calibration
    if card.device_kind == "cpu":
        card = calibrate(device="cuda", precision=machine.calibration.precision)
    for size in question.sizes:
        for variant in question.variants:
            candidate = Candidate(variant=variant, size=size)
            try:
                model = configure(variant, size, bands=bands, image_pixels=images.image_pixels)
                training = full_training(
                    model,
                    train_pairs=images.train_pairs,
                    calibration=machine.calibration,
                    epochs=question.epochs,
                    batch_pairs=question.batch_pairs,
                )
            except ValueError as error:
                raise UsageError(f"{candidate.title} cannot be trained on {images.name}: {error}") from error
            here = needs(model, batch_pairs=question.batch_pairs, calibration=machine.calibration)
            free = machine.memory_bytes
            yield Answer(
                candidate=candidate,
                parameters=cost.parameters(model),
                training=training,
                here=here,
                card=needs(model, batch_pairs=question.batch_pairs, calibration=card),
                fits=None if free is None else here.memory_bytes.high <= free,
            )
