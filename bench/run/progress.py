"""Slow work in a thread, told while it goes on."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

from bench.run.deadline import Deadline
from bench.run.events import Event, Preparing

T = TypeVar("T")

Tell = Callable[[str, int, int], None]
"""What is being done, how many are done, of how many."""


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    value: T | None = None
    error: Exception | None = None


def with_progress(work: Callable[[Tell], T], deadline: Deadline) -> Generator[Event, None, T]:
    """Run slow work in a thread and yield what it tells meanwhile.

    Raises: BudgetError: the deadline came first; what the work had done by then is its own matter.
    """
    told: SimpleQueue[Preparing | _Done[T]] = SimpleQueue()
    doing = "preparing"

    def job() -> None:
        try:
            told.put(
                _Done(value=work(lambda what, done, total: told.put(Preparing(what=what, done=done, total=total))))
            )
        except Exception as error:  # noqa: BLE001  handed over and raised where it is waited for
            told.put(_Done(error=error))

    Thread(target=job, daemon=True).start()  # daemon: neither Ctrl-C nor a deadline waits for an archive to be decoded
    while True:
        try:
            message = told.get(timeout=deadline.left)
        except Empty:
            deadline.check(doing)
            continue
        if isinstance(message, _Done):
            break
        doing = message.what
        yield message
    if message.error:
        raise message.error
    return message.value  # type: ignore[return-value]  # no error means that there is a value
