"""csmae-bench profile: what the machine and the data are."""

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Final

import msgspec
import rich_click as click
from rich.table import Table

from advisor.cli import options
from advisor.cli.blocks import number_table
from advisor.cli.streams import envelope, stdout
from bench.errors import ExitCode
from bench.units import gib

if TYPE_CHECKING:  # these load NumPy, psutil and NVML
    from bench.profile.dataset import DatasetProfile
    from bench.profile.hardware import Gpu, HardwareProfile

UNKNOWN: Final = "unknown"


@click.group("profile", epilog=options.examples("csmae-bench profile hardware", "csmae-bench profile data my-pairs"))
def command() -> None:
    """Look at this machine or at a data set.

    Nothing is trained or stored.
    """


@command.command("hardware")
@options.as_json
def hardware(*, as_json: bool) -> ExitCode:
    """Show processor, memory and GPUs, as far as this process may use them."""
    from bench.profile.hardware import probe  # noqa: PLC0415  --help does without psutil and NVML

    machine = probe()
    if as_json:
        envelope("profile hardware", ExitCode.DONE, msgspec.to_builtins(machine) | {"id": machine.id})
    else:
        stdout().print(_sheet(describe_hardware(machine)))
    return ExitCode.DONE


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
    console.print(_sheet(describe_data(profile)))
    if profile.classes:
        console.print()
        console.print(class_table(profile))
    for note in profile.notes:
        console.print(f"\n{note}")
    return ExitCode.DONE


def describe_hardware(machine: "HardwareProfile") -> dict[str, str]:
    """The rows of a machine's sheet."""
    gpus = {f"GPU {gpu.index}": describe_gpu(gpu) for gpu in machine.gpus}
    return {
        "Processor": machine.cpu_name or UNKNOWN,
        "Cores": f"{machine.cores_usable} usable of {machine.cores_total}",
        "Memory": f"{gib(machine.memory_available_bytes)} free of {gib(machine.memory_limit_bytes)} usable, "
        f"{gib(machine.memory_total_bytes)} in the machine",
        **(gpus or {"GPU": f"none ({machine.gpu_note})"}),
        "Platform": machine.platform,
        "Machine id": machine.id,
    }


def describe_gpu(gpu: "Gpu") -> str:
    """One GPU in words; what the driver does not tell is unknown."""
    free = UNKNOWN if gpu.memory_free_bytes is None else gib(gpu.memory_free_bytes)
    total = UNKNOWN if gpu.memory_total_bytes is None else gib(gpu.memory_total_bytes)
    return (
        f"{gpu.name}, memory {free} free of {total}, "
        f"compute capability {gpu.compute_capability or UNKNOWN}, driver {gpu.driver or UNKNOWN}"
    )


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


def _sheet(rows: Mapping[str, str]) -> Table:
    """Names and values side by side."""
    sheet = Table.grid(padding=(0, 2))
    sheet.add_column(style="bold", no_wrap=True)
    sheet.add_column(overflow="fold")
    for name, value in rows.items():
        sheet.add_row(name, value)
    return sheet
