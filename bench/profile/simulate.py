"""Another machine in place of this one: a recorded one, or this one with a GPU of some memory."""

from dataclasses import replace
from pathlib import Path

from bench.errors import UsageError
from bench.profile import hardware
from bench.profile.hardware import Gpu, HardwareProfile
from bench.profile.recording import Recording, load
from bench.units import gib


def machine(recording: Path | None = None, gpu_memory_bytes: int | None = None) -> HardwareProfile:
    """The machine to plan for: this one, unless another is asked for.

    Args:
        recording: a file that `csmae-bench doctor -o FILE` wrote.
        gpu_memory_bytes: of the one GPU to have.
    Raises: DataError: the file is no recording. UsageError: a GPU without memory.
    """
    if recording is not None:
        return simulated(load(recording), name=recording.name, gpu_memory_bytes=gpu_memory_bytes)
    found = hardware.probe()
    return found if gpu_memory_bytes is None else simulated(found, gpu_memory_bytes=gpu_memory_bytes)


def simulated(
    source: Recording | HardwareProfile, *, name: str = "this machine", gpu_memory_bytes: int | None = None
) -> HardwareProfile:
    """A profile that says that it is simulated, and from what.

    Args:
        name: of the source.
        gpu_memory_bytes: gives the machine one GPU of this memory, all of it free: the first it has, else a nameless
            one. What is not known of that one stays unknown.
    Raises: UsageError: a GPU without memory.
    """
    profile = hardware.profile(source) if isinstance(source, Recording) else source
    if isinstance(source, Recording) and source.made_up:
        name += ", a made-up machine"
    if gpu_memory_bytes is None:
        return replace(profile, simulated=name)
    if gpu_memory_bytes <= 0:
        raise UsageError("--gpu-memory: a GPU without memory is none; write 24G, or 24GiB for powers of 1024")
    unknown = Gpu(
        index=0,
        name="a simulated GPU",
        memory_total_bytes=None,
        memory_free_bytes=None,
        compute_capability=None,
        driver=None,
    )
    gpu = replace(
        profile.gpus[0] if profile.gpus else unknown,
        memory_total_bytes=gpu_memory_bytes,
        memory_free_bytes=gpu_memory_bytes,
        other_processes=None,
        other_processes_bytes=None,
    )
    return replace(profile, gpus=(gpu,), gpu_note="", simulated=f"{name} with a GPU of {gib(gpu_memory_bytes)}")
