"""The process that trains: `python -m bench.full.process FOLDER`, or one a GPU through torchrun.

It reads the plan in the folder, goes on from the newest checkpoint there, and tells events on standard output, a line
of JSON each. SIGTERM asks it to save and end.
"""

import argparse
import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from bench.errors import BenchError, ExitCode
from bench.full.plan import read_plan
from bench.full.wire import FullEnded, FullEvent, encode
from bench.result import Outcome
from bench.run.causes import explain_exception
from bench.run.stop import listening
from bench.run.tether import die_with_parent


def main() -> NoReturn:
    """Train and export, or only export, and tell how it ended."""
    die_with_parent(os.getppid())
    words = argparse.ArgumentParser(prog="python -m bench.full.process")
    words.add_argument("folder", type=Path)
    words.add_argument("--limit-steps", type=int)
    words.add_argument("--export", action="store_true")
    asked = words.parse_args()
    channel = os.dup(1)
    os.dup2(2, 1)  # what a library prints goes to the log, not among the events

    def tell(event: FullEvent) -> None:
        line = encode(event)
        while line:
            line = line[os.write(channel, line) :]

    code = 0
    with listening() as stop:
        try:
            plan = read_plan(asked.folder)
            from bench.full.story import Story  # noqa: PLC0415  the tie comes first, and a torch that fails is told

            story = Story(plan, asked.folder, tell, stop)
            story.tell(limit_steps=asked.limit_steps, export_only=asked.export)
        except Exception as error:  # noqa: BLE001  the last frame of the process: whatever it is, it is told
            traceback.print_exc()
            tell(_failed(error))
            code = 1
    sys.stderr.flush()
    os._exit(code)  # no farewell among several processes, one of which may be gone


def _failed(error: Exception) -> FullEnded:
    if isinstance(error, BenchError):
        return FullEnded(problem=str(error), code=error.exit_code, resumable=False)
    outcome, cause = explain_exception(error)
    return FullEnded(problem=cause, code=ExitCode.UNFIT if outcome is Outcome.OUT_OF_MEMORY else ExitCode.FAILED)


if __name__ == "__main__":
    main()
