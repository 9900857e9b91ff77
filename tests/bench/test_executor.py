"""Real trials in real processes: each ending is told, and the next trial starts on a clean line."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bench.data import cache
from bench.data.pairs import open_pairs
from bench.plan.plan import ProbePlan, TrialPlan
from bench.profile.dataset import data_use, profile_dataset
from bench.result import Candidate, Outcome, Training
from bench.run.events import CostsMeasured, Ended, Noted, PhaseEntered, Probed, RungScored, StepMeasured
from bench.run.executor import JobEvent, LocalExecutor
from bench.run.wire import Forked
from models.config import configure


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> TrialPlan:
    with closing(open_pairs("synthetic:train=32,query=12,archive=20")) as pairs:
        folder = cache.prepare(pairs, progress=None, root=tmp_path_factory.mktemp("cache")).folder
        data = data_use(profile_dataset(pairs))
    return TrialPlan(
        trial_id="r-01",
        run_id="r",
        candidate=Candidate(variant="secd", size="nano"),
        seed=0,
        model=configure("secd", "nano", bands={"s1": 2, "s2": 10}, image_pixels=64),
        training=Training(steps=4, batch_pairs=8),
        k=5,
        data=data,
        cache=str(folder),
        device="cpu",
        precision="fp32",
        threads=1,
        predicted_seconds=1,
        timeout_seconds=60,
    )


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalExecutor]:
    with closing(LocalExecutor(tmp_path_factory.mktemp("log") / "run.log")) as executor:
        yield executor


def told(executor: LocalExecutor, plan: TrialPlan, timeout: float = 60) -> list[JobEvent]:
    with closing(executor.run(plan, timeout_seconds=timeout)) as events:
        return list(events)


def ending(events: list[JobEvent]) -> Ended:
    assert [type(event) for event in events].count(Ended) == 1
    last = events[-1]
    assert isinstance(last, Ended)
    return last


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_trial_tells_its_story_in_order(executor: LocalExecutor, plan: TrialPlan) -> None:
    events = told(executor, plan)
    assert isinstance(events[0], Forked)
    phases = [event.phase for event in events if isinstance(event, PhaseEntered)]
    assert phases == ["loading", "training", "embedding", "searching"]
    assert [event.losses.step for event in events if isinstance(event, StepMeasured)] == [1, 2, 3, 4]
    rungs = [event for event in events if isinstance(event, RungScored)]
    assert [rung.step for rung in rungs] == [0, 4]
    assert {score.subject for score in rungs[0].scores} == {"band_statistics", "chance", "thumbnail", "untrained"}
    assert {score.subject for score in rungs[1].scores} == {"trained"}
    assert {len(scores.values) for scores in rungs[1].query_scores} == {12}
    assert ending(events) == Ended(trial_id="r-01", outcome=Outcome.COMPLETED, cause="")


def test_the_same_seed_gives_the_same_scores(executor: LocalExecutor, plan: TrialPlan) -> None:
    def scores(seed: int) -> list[float]:
        events = told(executor, replace(plan, seed=seed))
        return [score.value for event in events if isinstance(event, RungScored) for score in event.scores]

    assert scores(1) == scores(1)
    assert scores(1) != scores(2)


def test_two_threads_give_the_same_scores_every_time(executor: LocalExecutor, plan: TrialPlan) -> None:
    first, second = (told(executor, replace(plan, threads=2, rungs=(2,))) for _ in range(2))
    rungs = [[event for event in events if isinstance(event, RungScored)] for events in (first, second)]
    assert [replace(rung, seconds=0) for rung in rungs[0]] == [replace(rung, seconds=0) for rung in rungs[1]]
    assert [rung.step for rung in rungs[0]] == [0, 2, 4]


def test_a_trial_that_is_asked_to_stop_ends_itself_and_goes_on_exactly(
    executor: LocalExecutor, plan: TrialPlan, tmp_path: Path
) -> None:
    kept = replace(plan, training=Training(steps=60, batch_pairs=8), checkpoints=str(tmp_path))
    events: list[JobEvent] = []
    with closing(executor.run(kept, timeout_seconds=60)) as run:
        for event in run:
            events.append(event)
            if isinstance(event, StepMeasured) and event.losses.step == 5:
                forked = events[0]
                assert isinstance(forked, Forked)
                os.kill(forked.pid, signal.SIGTERM)
    assert ending(events) == Ended(trial_id="r-01", outcome=Outcome.CANCELLED, cause="stopped by the user")
    assert isinstance(events[-2], CostsMeasured)
    assert (events[-2].costs.train_seconds or 0) > 0
    resumed, straight = told(executor, kept), told(executor, replace(kept, checkpoints=""))
    notes = [event.note for event in resumed if isinstance(event, Noted)]
    assert len(notes) == 1
    assert notes[0].startswith("went on from a checkpoint at step ")
    scores = [[e.scores for e in events if isinstance(e, RungScored)] for events in (resumed, straight)]
    assert scores[0] == scores[1]


def test_a_killed_trial_is_named_and_the_next_one_runs(executor: LocalExecutor, plan: TrialPlan) -> None:
    events: list[JobEvent] = []
    with closing(executor.run(replace(plan, training=Training(steps=10**6, batch_pairs=8)), timeout_seconds=60)) as run:
        for event in run:
            events.append(event)
            if isinstance(event, PhaseEntered) and event.phase == "training":
                forked = events[0]
                assert isinstance(forked, Forked)
                os.kill(forked.pid, signal.SIGKILL)
    assert ending(events).outcome is Outcome.FAILED
    assert "signal 9 (SIGKILL)" in ending(events).cause
    assert ending(told(executor, plan)).outcome is Outcome.COMPLETED


def test_a_trial_past_its_time_is_stopped_and_the_next_one_runs(executor: LocalExecutor, plan: TrialPlan) -> None:
    events = told(executor, replace(plan, training=Training(steps=10**6, batch_pairs=8)), timeout=1)
    assert ending(events).outcome is Outcome.TIMED_OUT
    assert "stopped after 1 s" in ending(events).cause
    forked = events[0]
    assert isinstance(forked, Forked)
    assert gone(forked.pid)
    assert ending(told(executor, plan)).outcome is Outcome.COMPLETED


def test_closing_the_events_kills_the_trial(executor: LocalExecutor, plan: TrialPlan) -> None:
    run = executor.run(replace(plan, training=Training(steps=10**6, batch_pairs=8)), timeout_seconds=60)
    forked = next(run)
    assert isinstance(forked, Forked)
    run.close()
    assert gone(forked.pid)


def test_an_exception_in_the_trial_is_its_cause_and_its_traceback_is_in_the_log(
    executor: LocalExecutor, plan: TrialPlan
) -> None:
    end = ending(told(executor, replace(plan, cache="/nowhere")))
    assert end.outcome is Outcome.FAILED
    assert "/nowhere" in end.cause
    assert "Traceback" in executor.log_file.read_text()


def test_memory_that_is_not_there_is_its_own_outcome(executor: LocalExecutor, plan: TrialPlan) -> None:
    huge = configure("secd", "nano", bands={"s1": 2, "s2": 10**12}, image_pixels=64)
    end = ending(told(executor, replace(plan, model=huge)))
    assert end.outcome is Outcome.OUT_OF_MEMORY
    assert end.cause.startswith("memory ran out")


def test_the_death_of_the_warmed_process_costs_one_trial(plan: TrialPlan, tmp_path: Path) -> None:
    with closing(LocalExecutor(tmp_path / "log")) as executor:
        endless = replace(plan, training=Training(steps=10**6, batch_pairs=8))
        events: list[JobEvent] = []
        with closing(executor.run(endless, timeout_seconds=60)) as run:
            for event in run:
                events.append(event)
                if isinstance(event, PhaseEntered) and event.phase == "training":
                    os.kill(executor.pid, signal.SIGKILL)
        assert ending(events).outcome is Outcome.FAILED
        assert "SIGKILL" in ending(events).cause
        assert ending(told(executor, plan)).outcome is Outcome.COMPLETED


def test_a_probe_measures_the_step_and_chooses_the_arithmetic(executor: LocalExecutor, plan: TrialPlan) -> None:
    job = ProbePlan(
        candidate=plan.candidate,
        model=plan.model,
        training=plan.training,
        cache=plan.cache,
        device="cpu",
        precisions=("fp32", "bf16"),
        threads=1,
        budget_seconds=0.2,
    )
    probes = [event.probe for event in executor.run(job, timeout_seconds=60) if isinstance(event, Probed)]
    assert len(probes) == 1
    assert probes[0].step_seconds > 0
    assert probes[0].steps >= 1
    assert set(probes[0].matmul_flops) == {"fp32", "bf16"}
    slow = probes[0].matmul_flops["bf16"] < 0.5 * probes[0].matmul_flops["fp32"]
    assert probes[0].precision == "fp32" or not slow
