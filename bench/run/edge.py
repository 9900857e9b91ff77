"""The largest batch that really trains: found by trying, never extrapolated beyond what ran."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from bench.plan.attempt import EdgePlan, EdgeTried
from bench.plan.bracket import bracket, first_size, next_size, runs
from bench.plan.edge import EdgeTry
from bench.result import Candidate, Outcome, Precision
from bench.run.events import Ended, Preparing
from bench.run.executor import Executor
from bench.run.wire import Forked
from bench.units import duration
from models.config import ModelConfig

STEPS: Final = 3
"""Of a try: the optimiser's state is there from the second on."""

CONFIRMING_STEPS: Final = 8
"""Of the second run of the size that is returned: an allocator still grows a little, 1 to 2 % in ten steps."""

TRY_SECONDS: Final = 300.0
"""A try that takes longer is stopped, and the search with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Whose edge is looked for, and where."""

    candidate: Candidate
    model: ModelConfig
    cache: str
    """Folder of the decoded, normalised pairs (`bench.data.cache`)."""
    train_pairs: int
    machine: str
    """`HardwareProfile.id`."""
    device: str
    precision: Precision
    threads: int
    memory_limit_bytes: int | None
    """Of the process on a CPU, of its allocator on an accelerator; None: no limit but the system's."""
    tool_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What the search for a candidate's edge came to."""

    candidate: Candidate
    tries: tuple[EdgeTry, ...]
    """In the order in which they ran."""
    bound: str
    """What keeps the batch from being larger, in words: memory, the data set, or what was asked."""
    problem: str = ""
    """Why the search ended before its end; empty when it did not."""
    out_of_time: bool = False
    """Whether that was for want of time."""

    @property
    def largest(self) -> EdgeTry | None:
        """The largest size that trained, of its runs the one with the highest peak; None when none did."""
        fits, _ = bracket(self.tries)
        return max((one for one in self.tries if one.batch_pairs == fits), key=_peak, default=None)

    @property
    def runs(self) -> int:
        """How often the largest size was run."""
        return runs(self.tries, bracket(self.tries)[0])

    @property
    def failed(self) -> EdgeTry | None:
        """The smallest size that did not fit; None when all did."""
        return min((one for one in self.tries if not one.fits), key=lambda one: one.batch_pairs, default=None)


def find_edge(
    case: Case, executor: Executor, *, max_batch: int, seconds: float
) -> Generator[Preparing | EdgeTry, None, Edge]:
    """Search with real steps, each try in a fresh process; a `Preparing` before and an `EdgeTry` after each.

    A try that ends for another reason than memory proves nothing: it is no `EdgeTry`, and the search stops.

    Args:
        max_batch: no larger size is tried; nor is one with more pairs than there are to train on.
        seconds: for the whole search. Exploring stops while there is time to run the best size again.
    """
    deadline = monotonic() + seconds
    most = min(max_batch, case.train_pairs)
    start = first_size(case.model, case.precision, case.memory_limit_bytes)
    tries: list[EdgeTry] = []
    out_of_time = False
    problem = "" if most >= 2 else f"{case.train_pairs} training pairs are no batch: it needs 2"
    while not problem and (size := next_size(tries, start=start, most=most)) is not None:
        left = deadline - monotonic()
        if not _affords(tries, size, left):
            problem, out_of_time = f"the time ended ({duration(seconds)})", True
            best, _ = bracket(tries)
            if best == size or runs(tries, best) != 1 or not _affords(tries, best, left):
                break
            size = best
        yield Preparing(what=f"{case.candidate.title}: batch {size}", done=len(tries))
        result = _try(case, executor, size, again=runs(tries, size) > 0, timeout=min(TRY_SECONDS, left))
        if isinstance(result, str):
            problem, out_of_time = f"batch {size} proved nothing: {result}", monotonic() >= deadline
            break
        tries.append(result)
        yield result
    return Edge(
        candidate=case.candidate,
        tries=tuple(tries),
        bound=_bound(case, tries, most, max_batch),
        problem=problem,
        out_of_time=out_of_time,
    )


def _try(case: Case, executor: Executor, size: int, *, again: bool, timeout: float) -> EdgeTry | str:
    """Run one size; a sentence when the run proves neither that it fits nor that it does not."""
    plan = EdgePlan(
        candidate=case.candidate,
        model=case.model,
        batch_pairs=size,
        steps=CONFIRMING_STEPS if again else STEPS,
        cache=case.cache,
        device=case.device,
        precision=case.precision,
        threads=case.threads,
        memory_limit_bytes=case.memory_limit_bytes,
    )
    told = EdgeTried(steps=0, embedded=False, peak_bytes=None)
    ended = Ended(trial_id="", outcome=Outcome.FAILED, cause="its process never said how it ended")
    measured_at, started = datetime.now(UTC).isoformat(timespec="seconds"), monotonic()
    with closing(executor.run(plan, timeout_seconds=timeout)) as events:
        for event in events:
            match event:
                case Forked():
                    started = monotonic()
                case EdgeTried():
                    told = event
                case Ended():
                    ended = event
    fits = ended.outcome is Outcome.COMPLETED
    if fits and not (told.embedded and told.steps == plan.steps):
        return f"{told.steps} of {plan.steps} steps were made"
    if not fits and ended.outcome is not Outcome.OUT_OF_MEMORY:
        return ended.cause
    return EdgeTry(
        machine=case.machine,
        device=case.device,
        precision=case.precision,
        candidate=case.candidate,
        model=case.model,
        batch_pairs=size,
        fits=fits,
        cause=ended.cause,
        peak_bytes=told.peak_bytes,
        memory_limit_bytes=case.memory_limit_bytes,
        steps=told.steps,
        seconds=monotonic() - started,
        measured_at=measured_at,
        tool_version=case.tool_version,
    )


def _affords(tries: Sequence[EdgeTry], size: int, left_seconds: float) -> bool:
    """Whether a run of this size, and another of the best so far where that is still to come, ends in time."""
    if left_seconds <= 0:
        return False
    best, _ = bracket(tries)
    if not best:
        return True  # nothing is known to go by, and nothing to lose
    known = max(tries, key=lambda one: (one.fits, one.batch_pairs == best, one.seconds))
    step_pair_seconds = known.seconds / (known.steps * known.batch_pairs)
    again = CONFIRMING_STEPS * best * step_pair_seconds
    return left_seconds > (again if size == best else again + STEPS * size * step_pair_seconds)


def _bound(case: Case, tries: Sequence[EdgeTry], most: int, max_batch: int) -> str:
    fits, fails = bracket(tries)
    if fails is not None:
        return f"memory: {fails} pairs do not fit"
    if fits == max_batch:
        return f"asked: no batch above {max_batch} pairs"
    if fits == most:
        return f"the data set: it has {case.train_pairs} training pairs, and a larger batch makes no step"
    return "nothing yet: the search ended before it met a size that does not fit"


def _peak(tried: EdgeTry) -> int:
    return tried.peak_bytes or 0
