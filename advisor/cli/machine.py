"""A machine in words: what it has, what of it may be used and which limit says so, and how fast it was measured."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table

from advisor.cli.blocks import count
from bench.profile.peaks import peak_flops
from bench.units import gib

if TYPE_CHECKING:  # these load psutil and NVML
    from bench.profile.hardware import Gpu, HardwareProfile
    from bench.profile.recording import Space
    from bench.profile.speed import Rate, Speeds

UNKNOWN: Final = "unknown"

MACHINE: Final = "the machine"
"""The origin of a limit that is none : `bench.profile.allowed.MACHINE`, which loads psutil."""

_PREFIXES: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"))


def describe_hardware(machine: "HardwareProfile") -> dict[str, str]:
    """The rows of a machine's sheet."""
    gpus = {f"GPU {gpu.index}": describe_gpu(gpu) for gpu in machine.gpus}
    return {
        **({"SIM": f"simulated from {machine.simulated}: nothing below was found here"} if machine.simulated else {}),
        "Processor": machine.cpu_name or UNKNOWN,
        "Precision": _processor_precision(machine),
        "Cores": _cores(machine),
        "Memory": f"{gib(machine.memory_available_bytes)} free of {gib(machine.memory_limit_bytes)} usable"
        f"{_by(machine.memory_origin)}, {gib(machine.memory_total_bytes)} in the machine",
        "Swap": _swap(machine.swap_total_bytes, machine.swap_free_bytes),
        "Disk": f"{_room(machine.work_disk)} (working folder)\n{_room(machine.cache_disk)} (cache folder)",
        "Shared memory": _room(machine.shared_memory),
        **(gpus or {"GPU": f"none ({machine.gpu_note})"}),
        "Platform": machine.platform,
        "Machine id": machine.id,
    }


def describe_gpu(gpu: "Gpu") -> str:
    """One GPU in words, a line for each kind of fact; what the driver does not tell is unknown."""
    lines = [
        f"{gpu.name}, {'an instance of a card (MIG)' if gpu.mig else 'the whole card'}"
        if gpu.mig is not None
        else gpu.name,
        f"memory {_size(gpu.memory_free_bytes)} free of {_size(gpu.memory_total_bytes)}",
        f"other processes on it {_others(gpu)}",
        f"compute capability {gpu.compute_capability or UNKNOWN}, matrix units for {_units(gpu.tensor_precisions)}",
        f"driver {gpu.driver or UNKNOWN}, power limit {_watts(gpu.power_limit_watts)}, energy {_counted(gpu)}",
    ]
    if gpu.slowdowns:
        lines.append(f"clock held down now: {', '.join(gpu.slowdowns)}")
    return "\n".join(lines)


def speed_table(machine: "HardwareProfile", measured: Iterable["Speeds"]) -> Table:
    """What was measured of each device: the median, its range, and the share of what the vendor promises."""
    names = {f"cuda:{gpu.index}": gpu.name for gpu in machine.gpus}
    table = Table("Device", "Measured", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for head in ("Median", "Range", "Vendor's peak"):
        table.add_column(head, justify="right")
    for speeds in measured:
        device = speeds.device
        for precision, rate in speeds.matmul_flops.items():
            peak = peak_flops(names.get(speeds.device, ""), precision)
            promised = "" if peak is None else f"{per_second(peak, 'FLOP')} ({100 * rate.median / peak:.0f} %)"
            table.add_row(device, f"{precision} product", *_rate(rate, "FLOP"), promised)
            device = ""
        for what, found in (("memory copy", speeds.copy_bytes), ("disk read", speeds.disk_bytes)):
            if found is not None:
                table.add_row("", what, *_rate(found, "B"), "")
    return table


def measured_when(speeds: "Speeds") -> str:
    """When, with what and how well the speeds of a device were measured."""
    when = speeds.measured_at.replace("T", " ").removesuffix("+00:00")
    notes = "".join(f"; {note}" for note in speeds.notes)
    return f"{speeds.device}: measured {when} UTC, torch {speeds.torch}, {count(speeds.threads, 'thread')}{notes}"


def per_second(value: float, unit: str) -> str:
    """As "78.0 GFLOP/s"."""
    size, prefix = next((row for row in _PREFIXES if value >= row[0]), _PREFIXES[-1])
    return f"{_three(value / size)} {prefix}{unit}/s"


def sheet(rows: Mapping[str, str]) -> Table:
    """Names and values side by side."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _rate(rate: "Rate", unit: str) -> tuple[str, str]:
    """The median, and the range in the median's unit."""
    size, _ = next((row for row in _PREFIXES if rate.median >= row[0]), _PREFIXES[-1])
    return per_second(rate.median, unit), f"{_three(rate.low / size)}-{_three(rate.high / size)}"


def _three(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _by(origin: str) -> str:
    return f" (limit: {origin})" if origin not in {"", MACHINE} else ""


def _cores(machine: "HardwareProfile") -> str:
    words = f"{machine.cores_usable} usable of {machine.cores_total}{_by(machine.cores_origin)}"
    limits = {
        "affinity": machine.affinity_cores,
        "cgroup quota": machine.cpu_quota_cores,
        "Slurm": machine.slurm_cores,
    }
    told = [f"{name} {cores:g}" for name, cores in limits.items() if cores is not None and cores < machine.cores_total]
    return f"{words}\n{', '.join(told)}" if told else words


def _processor_precision(machine: "HardwareProfile") -> str:
    if machine.instruction_sets is None:
        return UNKNOWN
    units = ", ".join(machine.cpu_precisions or ()) or "fp32 only"
    return f"units for {units} ({' '.join(machine.instruction_sets) or 'no vector instructions that we know'})"


def _units(precisions: tuple[str, ...] | None) -> str:
    return UNKNOWN if precisions is None else ", ".join(precisions) or "nothing"


def _others(gpu: "Gpu") -> str:
    if gpu.other_processes is None:
        return UNKNOWN
    held = f", {_size(gpu.other_processes_bytes)}" if gpu.other_processes else ""
    return f"now: {gpu.other_processes}{held}"


def _counted(gpu: "Gpu") -> str:
    return {None: UNKNOWN, True: "counted", False: "not counted"}[gpu.energy_counter]


def _watts(watts: float | None) -> str:
    return UNKNOWN if watts is None else f"{watts:.0f} W"


def _size(size_bytes: int | None) -> str:
    return UNKNOWN if size_bytes is None else gib(size_bytes)


def _swap(total: int | None, free: int | None) -> str:
    if total is None:
        return UNKNOWN
    return f"{_size(free)} free of {gib(total)}" if total else "none"


def _room(space: "Space | None") -> str:
    return UNKNOWN if space is None else f"{gib(space.free_bytes)} free of {gib(space.total_bytes)}"
