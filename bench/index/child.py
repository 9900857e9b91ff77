"""The process that measures indexes: a plan on standard input, events on standard output.

Started as `python -m bench.index.child`: in a process of its own a crash is a message, and memory is its own.
"""

import os
import sys
import threading
import traceback
from collections.abc import Callable

from bench.errors import BenchError, ExitCode
from bench.index.records import IndexPlan
from bench.index.wire import IndexEnded, IndexEvent, decode, encode


def main() -> None:
    """Measure what the first line asks for, then end; end at once when the other side of the pipe is gone."""
    channel = os.dup(1)
    os.dup2(2, 1)  # what a library prints goes to the log, not among the events

    def tell(event: IndexEvent) -> None:
        line = encode(event)
        while line:
            line = line[os.write(channel, line) :]

    plan = decode(sys.stdin.buffer.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    tell(_ended(plan, tell))


def _ended(plan: IndexPlan, tell: Callable[[IndexEvent], None]) -> IndexEnded:
    try:
        from bench.index.measure import measure  # noqa: PLC0415  a faiss that cannot be loaded is told, too

        measure(plan, tell)
    except BenchError as error:
        return IndexEnded(problem=str(error), code=error.exit_code)
    except MemoryError as error:
        return IndexEnded(problem=f"memory ran out: {error}", code=ExitCode.UNFIT)
    except Exception as error:  # noqa: BLE001  the last frame of the process: whatever it is, it is told
        traceback.print_exc()
        said = (str(error).splitlines() or [""])[0]
        return IndexEnded(problem=f"{type(error).__name__}: {said}", code=ExitCode.FAILED)
    return IndexEnded()


def _die_with_parent() -> None:
    """Wait for the end of standard input, which comes when the process that started this one is gone."""
    while os.read(0, 1):
        continue
    os._exit(1)


if __name__ == "__main__":
    main()
