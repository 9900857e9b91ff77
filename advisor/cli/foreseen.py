"""What a full training will take, before it starts: the answer of csmae-bench estimate for it, in four lines."""

from collections.abc import Callable, Iterator
from pathlib import Path

from advisor.cli.blocks import count
from advisor.cli.estimates import Answer, Images, Machine, Question, answers, machine_of
from bench.errors import UnfitError
from bench.full.plan import KEPT, FullPlan
from bench.plan.quantity import Estimate
from bench.units import duration, gib
from models.config import SENSORS


def foresee(plan: FullPlan, database: Path) -> tuple[Answer, Machine]:
    """The estimate for a plan on one of its devices.

    Args:
        database: the store whose trials the estimate may rest on.
    Raises: BenchError: the store cannot be used, or not even two pairs fit.
    """
    s1, s2 = (plan.model.bands[sensor] for sensor in SENSORS)
    question = Question(
        variants=(plan.candidate.variant,),
        sizes=(plan.candidate.size,),
        batch_pairs=plan.batch_pairs,
        epochs=plan.epochs,
        precision=plan.precision,
        images=Images(
            name=plan.data.name,
            train_pairs=plan.data.train_pairs,
            image_pixels=plan.model.image_pixels,
            bands=(s1, s2),
        ),
    )
    machine = machine_of(None, None, database, question)
    (answer,) = answers(question, machine)
    free = machine.memory_bytes
    if free is not None and answer.here.least_bytes.value > free:
        raise UnfitError(
            f"{answer.candidate.title} cannot be trained here: two pairs at once take about "
            f"{gib(answer.here.least_bytes.value)}, {gib(free)} are free"
        )
    return answer, machine


def foreseen_lines(plan: FullPlan, answer: Answer, machine: Machine) -> Iterator[str]:
    """Steps, memory, time and files."""
    training, devices = answer.training, ", ".join(plan.devices)
    synthetic = "synthetic data" if plan.data.synthetic else plan.data.name
    yield (
        f"{plan.candidate.title} on {synthetic}: {count(plan.epochs, 'epoch')} of {plan.data.train_pairs:,} pairs in "
        f"batches of {plan.batch_pairs}, {count(training.steps, 'step')} on {devices} in {plan.precision}"
    )
    free = "" if machine.memory_bytes is None else f"; {gib(machine.memory_bytes)} are free"
    yield f"Memory: {_spread(training.memory.total, gib)}{free}"
    yield f"Time: {_spread(training.seconds, duration) if training.seconds else 'unknown'}"
    yield (
        f"Files: {gib(KEPT * training.checkpoint_bytes)} of checkpoints, {gib(2 * training.weights_bytes)} of weights "
        "in two formats, descriptors"
    )
    yield from machine.notes
    if answer.fits is False:
        yield "The whole batch may not fit: each is then trained in parts, which takes longer and changes no loss"
    if len(plan.devices) > 1:
        yield f"That is for one device; each of the {len(plan.devices)} takes its share of every batch"


def _spread(estimate: Estimate, shown: Callable[[float], str]) -> str:
    return f"{shown(estimate.value)} ({shown(estimate.low)} to {shown(estimate.high)}, {estimate.source})"
