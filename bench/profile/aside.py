"""A module of ours run in a process of its own, for what must not happen in this one: loading torch."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

from bench.errors import BenchError

TIMEOUT_SECONDS: Final = 180.0
"""Patience with the import of torch: a cold network disk takes a minute."""

_QUIET: Final = {
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait disturb whatever else wants a core
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # the driver's order, in which GPUs are numbered here
}


def run_aside(module: str, told: bytes = b"", *, environment: Mapping[str, str] | None = None) -> bytes:
    """What the module writes to standard output.

    Args:
        told: its standard input.
        environment: variables beside ours.
    Raises: BenchError: it does not start, fails or takes too long; the message says so, without a traceback.
    """
    try:
        done = subprocess.run(  # noqa: S603  a module of ours
            [sys.executable, "-m", module],
            input=told,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            env={**os.environ, **_QUIET, **(environment or {})},
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"its process was stopped after {error.timeout:.0f} s") from error
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        code = error.returncode
        how = f"ended with code {code}" if code >= 0 else f"was killed by signal {-code}"
        raise BenchError(f"its process {how}: {last[0]}") from error
    except OSError as error:
        raise BenchError(f"its process does not start: {error.strerror}") from error
    return done.stdout
