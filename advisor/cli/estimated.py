"""Estimates as text and as data: candidates side by side, a line a number, each marked by what it rests on."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Final

from rich.console import Console

from advisor.cli.blocks import count, items, number_table
from advisor.cli.estimates import Answer, Machine, Question, answers
from advisor.cli.streams import envelope, stdout
from bench.errors import ExitCode
from bench.plan.quantity import Estimate
from bench.result import Source
from bench.units import duration, gib, millions
from models.cost import Part

MARKS: Final[dict[Source, str]] = {"measured": "m", "calibrated": "c", "prior": "p"}

LEGEND: Final = (
    "m: formula held to measurements of this very setting here; c: formula corrected by other measurements here; "
    "p: prior, formula alone; without a mark: counted, exact. An interval is meant to hold in 95 % of cases"
)

PARTS: Final[dict[Part, str]] = {
    "stems": "activations: stems",
    "encoder": "activations: encoder",
    "decoder": "activations: decoder",
    "heads": "activations: heads",
}

UNKNOWN: Final = "unknown"

ACROSS: Final = 3
"""Candidates side by side in 80 columns."""


def show(question: Question, machine: Machine, *, as_json: bool) -> ExitCode:
    """Print what each candidate would take; the exit code says whether any fits.

    Raises: UsageError: images that a network does not take, or fewer pairs than a batch.
    """
    found = tuple(answers(question, machine))
    free = machine.memory_bytes
    code = ExitCode.UNFIT if all(answer.fits is False for answer in found) else ExitCode.DONE
    reasons = [answer.reason(free) for answer in found if answer.fits is False and free is not None]
    if as_json:
        document = {
            "device": machine.device,
            "simulated": machine.hardware.simulated,
            "memory_bytes": free,
            "images": question.images,
            "candidates": found,
        }
        envelope("estimate", code, document, warnings=(*machine.notes, *reasons))
        return code
    console, images = stdout(), question.images
    bands = " + ".join(map(str, images.bands))
    console.print(
        f"{count(question.epochs, 'epoch')} of {images.train_pairs} pairs in batches of {question.batch_pairs} "
        f"({images.name}: {images.image_pixels} px, {bands} bands)\n",
        style="bold",
    )
    width = ceil(len(found) / ceil(len(found) / ACROSS))
    for start in range(0, len(found), width):
        _print_block(console, found[start : start + width])
    console.print(items(*(("-", sentence) for sentence in (*machine.notes, *reasons, LEGEND))))
    return code


def _print_block(console: Console, block: Sequence[Answer]) -> None:
    table = number_table("", *(answer.candidate.title for answer in block))
    for row in zip(*(_lines(answer) for answer in block), strict=True):
        table.add_row(row[0][0], *(value for _, value in row))
    console.print(table)
    console.print()


def _lines(answer: Answer) -> list[tuple[str, str]]:
    """Names and values."""
    training, peak = answer.training, answer.training.memory
    card = answer.card.smallest_gpu
    size = peak.total.source
    return [
        ("Parameters", millions(answer.parameters)),
        ("Memory", _number(peak.total, gib)),
        ("  from, to", _ends(peak.total, gib)),
        ("  weights", gib(peak.weights.value)),
        ("  gradients at the peak", _number(peak.gradients, gib)),
        ("  optimiser", gib(peak.optimizer.value)),
        *((f"  {PARTS[part]}", _number(held, gib)) for part, held in peak.activations.items()),
        ("  batches in flight", _number(peak.loader, gib)),
        ("  workspace, process", _number(peak.workspace, gib)),
        ("Memory at batch 2", _number(answer.here.least_bytes, gib)),
        ("Fits here", UNKNOWN if answer.fits is None else f"{'yes' if answer.fits else 'no'} {MARKS[size]}"),
        ("Smallest GPU", f"{card} GB {MARKS[answer.card.memory_bytes.source]}" if card else "none"),
        ("Steps", str(training.steps)),
        ("Time a step", _number(training.step_seconds, _short)),
        ("  from, to", _ends(training.step_seconds, _short)),
        ("Time of all steps", _number(training.seconds, _long)),
        ("  from, to", _ends(training.seconds, _long)),
        ("Weights on disk", gib(training.weights_bytes)),
        ("Checkpoint on disk", gib(training.checkpoint_bytes)),
        ("Descriptor", f"{training.descriptor_bytes} B"),
    ]


def _number(estimate: Estimate | None, shown: Callable[[float], str]) -> str:
    return UNKNOWN if estimate is None else f"{shown(estimate.value)} {MARKS[estimate.source]}"


def _ends(estimate: Estimate | None, shown: Callable[[float], str]) -> str:
    return "" if estimate is None else f"{shown(estimate.low)}, {shown(estimate.high)}"


def _short(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else duration(seconds)


def _long(seconds: float) -> str:
    """Days where there are several."""
    return duration(seconds) if seconds < 2 * 86400 else f"{seconds / 86400:.1f} d"
