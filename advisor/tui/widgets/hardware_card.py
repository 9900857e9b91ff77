"""The machine: processor, memory, accelerators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.reactive import reactive

from advisor.tui.widgets.facts import Facts
from advisor.tui.widgets.plain import plain
from bench.units import gib

if TYPE_CHECKING:
    from bench.profile.hardware import Gpu, HardwareProfile


class HardwareCard(Facts):
    """What this machine has, and what of it we may use."""

    BORDER_TITLE = "Machine"

    hardware: reactive[HardwareProfile | None] = reactive(None, init=False)

    def watch_hardware(self, hardware: HardwareProfile | None) -> None:
        """Show the machine."""
        if hardware is not None:
            self.facts = {
                "CPU": plain(hardware.cpu_name or "unknown"),
                "Cores": _cores(hardware),
                "Memory": _memory(hardware),
                "GPUs": "\n".join(map(_gpu, hardware.gpus)) or f"none: {plain(hardware.gpu_note)}",
                "System": plain(hardware.platform),
            }


def _cores(hardware: HardwareProfile) -> str:
    if hardware.cores_usable == hardware.cores_total:
        return f"{hardware.cores_usable}"
    return f"{hardware.cores_usable} usable of {hardware.cores_total}"


def _memory(hardware: HardwareProfile) -> str:
    words = f"{gib(hardware.memory_available_bytes)} free of {gib(hardware.memory_limit_bytes)}"
    if hardware.memory_limit_bytes < hardware.memory_total_bytes:
        words += f" allowed; the host has {gib(hardware.memory_total_bytes)}"
    return words


def _gpu(gpu: Gpu) -> str:
    words = f"{gpu.index}  {plain(gpu.name)}"
    if gpu.memory_total_bytes is not None:
        free = "unknown" if gpu.memory_free_bytes is None else gib(gpu.memory_free_bytes)
        words += f", {free} free of {gib(gpu.memory_total_bytes)}"
    if gpu.compute_capability:
        words += f", compute {gpu.compute_capability}"
    return f"{words}, driver {gpu.driver}" if gpu.driver else words
