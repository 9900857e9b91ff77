"""The cause of an exception in words. Imports no torch: its errors are known by what they say."""

import errno
from typing import Final

from bench.errors import BenchError
from bench.result import Outcome

_MEMORY: Final = (
    "out of memory",  # CUDA and its like
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "bad_alloc",
    "status_alloc_failed",  # cuBLAS and cuDNN
    "could not create a primitive",  # oneDNN, as seen under a memory limit in the middle of a training
)
"""How an allocation that failed is told, in lower case, by whatever made it."""

_SIGNS: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (
        ("/torch_", "shared memory", "/dev/shm"),  # noqa: S108  how a message begins, no file of ours
        "the shared memory of this machine (/dev/shm) is full",
    ),
    (("no space left on device",), "the disk is full"),
    (("disk quota exceeded",), "the disk quota is used up"),
    (("fallen off the bus", "gpu is lost", "device is lost"), "the GPU was lost: it no longer answers"),
    (("launch timed out",), "the GPU stopped a computation that took too long, as one that also drives a screen does"),
    (("no kernel image", "illegal instruction"), "this build of torch does not fit the GPU"),
    (("uncorrectable ecc",), "the GPU reports damaged memory (ECC)"),
    (
        ("device-side assert", "unspecified launch failure", "illegal memory access", "misaligned address"),
        "the GPU broke off a computation, and this process cannot use it any more",
    ),
    (("busy or unavailable", "no cuda-capable device", "driver shutting down"), "the GPU cannot be used"),
    (("input/output error",), "the disk cannot be read or written"),
)
"""What a message holds, in lower case, and what that means; the first row that fits counts."""


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the machine or of the accelerator."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    told = str(error).lower()
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(s in told for s in _MEMORY))


def explain_exception(error: BaseException) -> tuple[Outcome, str]:
    """The outcome of a trial that ended with this error, and its cause in words; an unknown one keeps its type."""
    first = next(iter(str(error).splitlines()), "")
    if out_of_memory(error):
        return Outcome.OUT_OF_MEMORY, f"memory ran out: {first or 'an allocation failed'}"
    if isinstance(error, BenchError):
        return Outcome.FAILED, first
    if isinstance(error, OSError | RuntimeError):
        told = str(error).lower()
        for signs, words in _SIGNS:
            if any(sign in told for sign in signs):
                return Outcome.FAILED, f"{words}: {first}"
    return Outcome.FAILED, f"{type(error).__name__}: {first}"
