"""csmae-bench profile: what the machine and the data are."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import rich_click as click
from rich.table import Table

from advisor.cli import options
from advisor.cli.blocks import number_table
from advisor.cli.machine import UNKNOWN, describe_hardware, measured_when, sheet, speed_table
from advisor.cli.streams import envelope, stderr, stdout
from bench.errors import BenchError, ExitCode, UsageError

if TYPE_CHECKING:  # these load NumPy, psutil and NVML
    from bench.profile.dataset import DatasetProfile
    from bench.profile.hardware import HardwareProfile
    from bench.profile.speed import Speeds


@click.group("profile", epilog=options.examples("csmae-bench profile hardware", "csmae-bench profile data my-pairs"))
def command() -> None:
    """Look at this machine or at a data set.

    Nothing is trained or stored.
    """


@command.command(
    "hardware",
    epilog=options.examples(
        "csmae-bench profile hardware",
        "csmae-bench profile hardware --measure",
        "csmae-bench profile hardware --simulate recorded.json --gpu-memory 24G",
    ),
)
@click.option(
    "--measure/--no-measure",
    default=None,
    help="Measure how fast it computes, copies and reads, or do not. Left out: only what was never measured. "
    "It takes about ten seconds a device.",
)
@options.simulate
@options.gpu_memory
@options.as_json
def hardware(*, measure: bool | None, recording: Path | None, gpu_memory_bytes: int | None, as_json: bool) -> ExitCode:
    """Show processor, memory, disk and GPUs, as far as this process may use them, and how fast they are."""
    from bench.profile.simulate import machine  # noqa: PLC0415  --help does without psutil and NVML

    found = machine(recording, gpu_memory_bytes)
    if found.simulated and measure:
        raise UsageError("--measure: a simulated machine cannot be measured; leave out --simulate and --gpu-memory")
    measured, warnings = ([], []) if found.simulated else _speeds(found, measure=measure)
    if as_json:
        data = msgspec.to_builtins(found) | {"id": found.id, "speeds": msgspec.to_builtins(measured)}
        envelope("profile hardware", ExitCode.DONE, data, warnings=warnings)
        return ExitCode.DONE
    console = stdout()
    console.print(sheet(describe_hardware(found)))
    if measured:
        console.print()
        console.print(speed_table(found, measured))
        console.print()
    for line in (*map(measured_when, measured), *warnings):
        console.print(line)
    return ExitCode.DONE


def _speeds(machine: "HardwareProfile", *, measure: bool | None) -> "tuple[list[Speeds], list[str]]":
    """The speed of each device, kept or measured now, and why one is missing.

    Args:
        measure: True: anew; False: never; None: what was not measured yet.
    """
    from bench.profile import speed  # noqa: PLC0415  --help does without psutil and NVML

    found, warnings = [], []
    for plan in speed.plans(machine):
        speeds = None if measure else speed.kept(machine, plan.device)
        if speeds is None and measure is not False:
            stderr().print(f"measuring the speed of {plan.device}")
            try:
                speeds = speed.measure(machine, plan)
            except BenchError as error:
                warnings.append(str(error))
        if speeds is not None:
            found.append(speeds)
    return found, warnings


@command.command(
    "data", epilog=options.examples("csmae-bench profile data my-pairs", "csmae-bench profile data synthetic")
)
@click.argument("path")
@options.as_json
def data(*, path: str, as_json: bool) -> ExitCode:
    """Show splits, bands and labels of the pairs at PATH, or of the synthetic ones."""
    from bench.data.pairs import open_pairs  # noqa: PLC0415  --help does without NumPy
    from bench.profile.dataset import profile_dataset  # noqa: PLC0415  the same

    with closing(open_pairs(path)) as pairs:
        profile = profile_dataset(pairs)
    if as_json:
        envelope("profile data", ExitCode.DONE, profile, warnings=profile.notes)
        return ExitCode.DONE
    console = stdout()
    console.print(sheet(describe_data(profile)))
    if profile.classes:
        console.print()
        console.print(class_table(profile))
    for note in profile.notes:
        console.print(f"\n{note}")
    return ExitCode.DONE


def describe_data(profile: "DatasetProfile") -> dict[str, str]:
    """The rows of a data set's sheet."""
    labels = "none"
    if profile.classes:
        mean = UNKNOWN if profile.labels_per_pair is None else f"{profile.labels_per_pair:.2f}"
        labels = (
            f"{len(profile.classes)} classes, {mean} a pair on average, {profile.unlabelled_pairs} pairs without any"
        )
    return {
        "Data": f"{profile.name}, generated" if profile.synthetic else profile.name,
        "Layout": profile.layout,
        "Pairs": ", ".join(f"{count} {split}" for split, count in profile.pairs.items()),
        **{f"Bands of {sensor.upper()}": " ".join(names) for sensor, names in profile.bands.items()},
        "Image": f"{profile.image_pixels} x {profile.image_pixels} pixels",
        "Labels": labels,
        "Fingerprint": profile.fingerprint,
    }


def class_table(profile: "DatasetProfile") -> Table:
    """Pairs that carry each class, a split a column."""
    table = number_table("Pairs with the class", *profile.pairs)
    for number, name in enumerate(profile.classes):
        table.add_row(name, *(str(profile.class_pairs[split][number]) for split in profile.pairs))
    return table
