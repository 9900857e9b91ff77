import errno
import os
import subprocess
import sys

import pytest

from bench.errors import DataError
from bench.result import Outcome
from bench.run.causes import explain_exception, out_of_memory


def os_error(number: int, file: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), file)


MEMORY = [
    MemoryError(),
    MemoryError("Unable to allocate 2.00 GiB for an array with shape (9, 9)"),
    os_error(errno.ENOMEM),
    RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 23.6 GiB"),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
    RuntimeError("std::bad_alloc"),
    RuntimeError("could not create a primitive"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("unable to mmap 8000 bytes from file </x>: Cannot allocate memory (12)"),
]


@pytest.mark.parametrize("error", MEMORY, ids=repr)
def test_memory_that_ran_out_is_its_own_outcome(error: Exception) -> None:
    assert out_of_memory(error)
    outcome, cause = explain_exception(error)
    assert outcome is Outcome.OUT_OF_MEMORY
    assert cause.startswith("memory ran out: ")
    assert "\n" not in cause
    assert not cause.endswith(": ")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (os_error(errno.ENOSPC, "trunk.pt"), "the disk is full: [Errno 28] No space left on device: 'trunk.pt'"),
        (os_error(errno.EDQUOT), "the disk quota is used up: "),
        (os_error(errno.EIO), "the disk cannot be read or written: "),
        (os_error(errno.ENOSPC, "/dev/shm/part"), "the shared memory of this machine"),  # noqa: S108  no file is made
        (
            RuntimeError("unable to write to file </torch_12_34>: No space left on device (28)"),
            "the shared memory of this machine (/dev/shm) is full: ",
        ),
        (
            RuntimeError(
                "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that dataloader's "
                "workers are out of shared memory. Please try to raise your shared memory limit."
            ),
            "the shared memory of this machine (/dev/shm) is full: ",
        ),
        (RuntimeError("CUDA error: device-side assert triggered\nmore"), "the GPU broke off a computation"),
        (RuntimeError("CUDA error: unspecified launch failure"), "the GPU broke off a computation"),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), "the GPU broke off a computation"),
        (RuntimeError("CUDA error: the launch timed out and was terminated"), "the GPU stopped a computation"),
        (RuntimeError("NVML: GPU is lost"), "the GPU was lost"),
        (RuntimeError("GPU has fallen off the bus"), "the GPU was lost"),
        (RuntimeError("CUDA error: uncorrectable ECC error encountered"), "the GPU reports damaged memory (ECC)"),
        (RuntimeError("CUDA error: an illegal instruction was encountered"), "this build of torch does not fit"),
        (RuntimeError("CUDA error: no kernel image is available for execution"), "this build of torch does not fit"),
        (RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable"), "the GPU cannot be used"),
        (DataError("the decoded pairs in x are gone: start the run again"), "the decoded pairs in x are gone: start"),
        (KeyError("s3"), "KeyError: 's3'"),
        (ValueError("the disk is no space left on device\nsecond line"), "ValueError: the disk is no space left on"),
        (RuntimeError("shapes differ\nsecond line"), "RuntimeError: shapes differ"),
        (ZeroDivisionError(), "ZeroDivisionError"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value),
)
def test_every_other_error_is_a_failure_in_words(error: Exception, words: str) -> None:
    outcome, cause = explain_exception(error)
    assert outcome is Outcome.FAILED
    assert cause.startswith(words)
    assert "\n" not in cause


def test_the_allocator_of_this_machine_says_what_is_looked_for() -> None:
    """In a process of its own, where memory can be limited."""
    program = (
        "import resource, torch; from bench.run.causes import out_of_memory\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (2_000_000_000, resource.RLIM_INFINITY))\n"
        "try: torch.ones(10**10)\n"
        "except Exception as error: print(out_of_memory(error))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "True\n"
