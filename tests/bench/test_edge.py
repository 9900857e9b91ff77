"""The batch edge: the search against a machine that is known, and one real try in a real process."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bench.data import cache
from bench.data.pairs import open_pairs
from bench.plan.attempt import EdgePlan, EdgeTried
from bench.plan.bracket import bracket, first_size, next_size, resolution
from bench.plan.edge import EdgeTry
from bench.result import Candidate, Outcome
from bench.run.edge import CONFIRMING_STEPS, STEPS, Case, Edge, find_edge
from bench.run.events import Ended, Preparing
from bench.run.executor import JobEvent, LocalExecutor
from bench.run.memory import CONFINES
from bench.run.wire import Forked, Job, decode, encode
from models.config import configure

CASE = Case(
    candidate=Candidate(variant="cecd", size="nano"),
    model=configure("cecd", "nano", bands={"s1": 2, "s2": 10}, image_pixels=64),
    cache="cache",
    train_pairs=10_000,
    machine="m",
    device="cpu",
    precision="fp32",
    threads=1,
    memory_limit_bytes=2 * 10**9,
    tool_version="0.1.0",
)

Ending = tuple[int, Outcome, str]
"""Steps made, how the try ended, why."""


class Machine:
    """An executor whose tries end as a rule says."""

    def __init__(self, rule: Callable[[EdgePlan], Ending]) -> None:
        self.rule = rule
        self.plans: list[EdgePlan] = []

    def run(self, job: Job, *, timeout_seconds: float) -> Generator[JobEvent]:
        assert isinstance(job, EdgePlan)
        assert timeout_seconds > 0
        self.plans.append(job)
        yield Forked(pid=1)
        steps, outcome, cause = self.rule(job)
        for step in range(1, steps + 1):
            yield EdgeTried(steps=step, embedded=False, peak_bytes=job.batch_pairs * 1000 + step)
        if outcome is Outcome.COMPLETED and steps:
            yield EdgeTried(steps=steps, embedded=True, peak_bytes=job.batch_pairs * 1000 + steps)
        yield Ended(trial_id="", outcome=outcome, cause=cause)

    def stop(self, grace_seconds: float = 0) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing is open."""


def holds(most: int) -> Callable[[EdgePlan], Ending]:
    """The rule of a machine on which batches up to a size fit."""

    def rule(plan: EdgePlan) -> Ending:
        if plan.batch_pairs <= most:
            return plan.steps, Outcome.COMPLETED, ""
        return 0, Outcome.OUT_OF_MEMORY, "memory ran out"

    return rule


def found(
    rule: Callable[[EdgePlan], Ending], *, case: Case = CASE, max_batch: int = 4096, seconds: float = 60
) -> tuple[Edge, Machine, list[Preparing | EdgeTry]]:
    machine = Machine(rule)
    told: list[Preparing | EdgeTry] = []
    search = find_edge(case, machine, max_batch=max_batch, seconds=seconds)
    while True:
        try:
            told.append(next(search))
        except StopIteration as end:
            return end.value, machine, told


@pytest.mark.parametrize("edge", [2, 3, 7, 31, 32, 33, 40, 100, 255, 256, 257, 777, 1023, 2500, 4095, 4096, 9000])
def test_the_largest_batch_that_trains_is_found_to_the_resolution_and_run_twice(edge: int) -> None:
    result, machine, _ = found(holds(edge))
    assert result.problem == ""
    largest = result.largest
    assert largest is not None
    assert largest.batch_pairs <= min(edge, 4096)
    assert min(edge, 4096) - largest.batch_pairs < resolution(largest.batch_pairs) + (edge < 4096)
    assert result.runs == 2
    assert [plan.steps for plan in machine.plans if plan.batch_pairs == largest.batch_pairs] == [
        STEPS,
        CONFIRMING_STEPS,
    ]
    assert len(result.tries) <= 16
    if result.failed:
        assert edge < result.failed.batch_pairs <= largest.batch_pairs + resolution(largest.batch_pairs)
        assert result.bound == f"memory: {result.failed.batch_pairs} pairs do not fit"
    else:
        assert result.bound == "asked: no batch above 4096 pairs"


def test_each_try_is_told_before_and_after_with_what_it_measured() -> None:
    result, _, told = found(holds(100))
    assert [type(event) for event in told] == [Preparing, EdgeTry] * len(result.tries)
    assert [event for event in told if isinstance(event, EdgeTry)] == list(result.tries)
    assert all(one.fits == (one.batch_pairs <= 100) for one in result.tries)
    assert all(one.steps == (0 if not one.fits else one.steps) for one in result.tries)
    assert {one.peak_bytes for one in result.tries if not one.fits} == {None}
    assert result.largest is not None
    assert result.largest.peak_bytes == result.largest.batch_pairs * 1000 + CONFIRMING_STEPS
    assert result.largest.memory_limit_bytes == CASE.memory_limit_bytes


def test_a_size_that_fails_its_second_run_is_not_the_edge() -> None:
    def tired(plan: EdgePlan) -> Ending:
        if plan.batch_pairs > 100 or (plan.steps == CONFIRMING_STEPS and plan.batch_pairs > 80):
            return 5, Outcome.OUT_OF_MEMORY, "memory ran out"
        return plan.steps, Outcome.COMPLETED, ""

    result, _, _ = found(tired)
    assert result.largest is not None
    assert (result.largest.batch_pairs, result.runs) == (80, 2)
    assert result.failed is not None
    assert (result.failed.batch_pairs, result.failed.steps) == (88, 5)


def test_the_data_set_is_the_limit_when_it_is_smaller_than_the_edge() -> None:
    result, machine, _ = found(holds(5000), case=replace(CASE, train_pairs=300))
    assert result.largest is not None
    assert result.largest.batch_pairs == 300
    assert max(plan.batch_pairs for plan in machine.plans) == 300
    assert result.bound == "the data set: it has 300 training pairs, and a larger batch makes no step"


def test_one_training_pair_is_no_batch() -> None:
    result, machine, _ = found(holds(5000), case=replace(CASE, train_pairs=1))
    assert machine.plans == []
    assert result.problem == "1 training pairs are no batch: it needs 2"


def test_that_not_even_two_pairs_fit_is_an_answer() -> None:
    result, machine, _ = found(holds(1))
    assert (result.largest, result.runs, result.problem) == (None, 0, "")
    assert machine.plans[-1].batch_pairs == 2
    assert result.bound == "memory: 2 pairs do not fit"


@pytest.mark.parametrize(
    ("ending", "problem"),
    [
        ((1, Outcome.FAILED, "KeyError: 'x'"), "KeyError: 'x'"),
        ((2, Outcome.TIMED_OUT, "stopped after 9 s, the time it was given"), "stopped after 9 s"),
        ((0, Outcome.COMPLETED, ""), "0 of 3 steps were made"),
        ((2, Outcome.COMPLETED, ""), "2 of 3 steps were made"),
    ],
)
def test_a_try_that_proves_nothing_is_kept_out_and_ends_the_search(ending: Ending, problem: str) -> None:
    def rule(plan: EdgePlan) -> Ending:
        return ending if plan.batch_pairs > 100 else (plan.steps, Outcome.COMPLETED, "")

    result, _, _ = found(rule, case=replace(CASE, memory_limit_bytes=None))
    assert problem in result.problem
    assert [one.batch_pairs for one in result.tries] == [32, 64]
    assert result.largest is not None
    assert result.largest.batch_pairs == 64
    assert result.bound.startswith("nothing yet")


def test_exploring_stops_while_there_is_time_to_run_the_best_size_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("bench.run.edge.monotonic", lambda: now)

    def slow(plan: EdgePlan) -> Ending:
        nonlocal now
        now += 0.01 * plan.batch_pairs * plan.steps
        return holds(10_000)(plan)

    result, machine, _ = found(slow, case=replace(CASE, memory_limit_bytes=None), seconds=20)
    assert [plan.batch_pairs for plan in machine.plans] == [32, 64, 128, 128]
    assert (result.runs, result.out_of_time, result.problem) == (2, True, "the time ended (20 s)")
    assert now < 20


def test_a_first_try_that_takes_all_of_the_time_is_want_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("bench.run.edge.monotonic", lambda: now)

    def endless(_plan: EdgePlan) -> Ending:
        nonlocal now
        now += 20
        return 1, Outcome.TIMED_OUT, "stopped after 20 s, the time it was given"

    result, _, _ = found(endless, seconds=20)
    assert (result.tries, result.out_of_time) == ((), True)
    assert "stopped after 20 s" in result.problem


def test_without_time_nothing_is_tried() -> None:
    result, machine, _ = found(holds(100), seconds=0)
    assert (machine.plans, result.largest, result.out_of_time) == ([], None, True)


def tried(*sizes: int) -> Sequence[EdgeTry]:
    """Tries; a negative size did not fit."""
    return [
        EdgeTry(
            machine="m",
            device="cpu",
            precision="fp32",
            candidate=CASE.candidate,
            model=CASE.model,
            batch_pairs=abs(size),
            fits=size > 0,
            cause="" if size > 0 else "memory ran out",
            peak_bytes=None,
            memory_limit_bytes=None,
            steps=3 if size > 0 else 0,
            seconds=1.0,
            measured_at="2026-01-02T03:04:05+00:00",
            tool_version="0.1.0",
        )
        for size in sizes
    ]


@pytest.mark.parametrize(
    ("sizes", "following"),
    [
        ((), 64),
        ((64,), 128),
        ((64, 128, 256), 500),  # as much as may be tried
        ((64, 128, 256, 500), 500),
        ((64, 128, 256, 500, 500), None),
        ((-64,), 32),
        ((-64, -32, -16, -8, -4, -2), None),
        ((64, -128), 96),
        ((64, -128, 96, -112), 104),
        ((64, -128, 96, -112, 104), 104),
        ((64, -128, 96, -112, -104), 96),
        ((320, -344), 328),
        ((320, -336), 320),
        ((16, -18), 17),
        ((16, -17), 16),
        ((64, -32), 16),  # a size that once fitted above one that did not proves nothing
    ],
)
def test_what_is_tried_next(sizes: tuple[int, ...], following: int | None) -> None:
    assert next_size(tried(*sizes), start=64, most=500) == following


def test_only_what_fits_below_every_failure_counts() -> None:
    assert bracket(tried(64, 128, -96, -160)) == (64, 96)


def test_the_first_size_is_a_power_of_two_well_below_what_the_formula_allows() -> None:
    sizes = [first_size(CASE.model, "fp32", limit) for limit in (None, 0, 500_000_000, 10**9, 2 * 10**9, 4 * 10**9)]
    assert sizes == sorted(sizes, key=lambda size: (size != 32, size))
    assert all(size & (size - 1) == 0 for size in sizes)
    assert first_size(CASE.model, "bf16", 4 * 10**9) >= first_size(CASE.model, "fp32", 4 * 10**9)


@pytest.mark.parametrize("message", [EdgeTried(steps=2, embedded=False, peak_bytes=None)])
def test_what_a_try_tells_travels(message: EdgeTried) -> None:
    assert decode(encode(message)) == message


def test_a_plan_that_would_prove_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 2 pairs and 2 steps"):
        EdgePlan(
            candidate=CASE.candidate,
            model=CASE.model,
            batch_pairs=8,
            steps=1,
            cache="cache",
            device="cpu",
            precision="fp32",
            threads=1,
            memory_limit_bytes=None,
        )


def test_real_tries_fit_or_fail_for_memory_and_a_missing_cache_proves_nothing(tmp_path: Path) -> None:
    with closing(open_pairs("synthetic:train=32,query=12,archive=20")) as pairs:
        folder = str(cache.prepare(pairs, root=tmp_path / "cache").folder)
    case = replace(CASE, cache=folder, train_pairs=32, memory_limit_bytes=None)
    with closing(LocalExecutor(tmp_path / "log")) as executor:

        def real(case: Case) -> Edge:
            search = find_edge(case, executor, max_batch=32, seconds=60)
            while True:
                try:
                    next(search)
                except StopIteration as end:
                    edge: Edge = end.value
                    return edge

        fits = real(case)
        assert [one.steps for one in fits.tries] == [STEPS, CONFIRMING_STEPS]
        assert fits.largest is not None
        assert fits.largest.batch_pairs == 32
        if CONFINES:
            assert (fits.largest.peak_bytes or 0) > 50 * 1024**2
            fails = real(replace(case, memory_limit_bytes=64 * 1024**2))
            assert fails.largest is None
            assert fails.failed is not None
            assert "memory ran out" in fails.failed.cause
        broken = real(replace(case, cache="/nowhere"))
        assert broken.tries == ()
        assert "/nowhere" in broken.problem
    assert "Traceback" in (tmp_path / "log").read_text()
