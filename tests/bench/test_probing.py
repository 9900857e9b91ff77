"""A candidate's probe, answered by a played executor."""

from collections.abc import Generator
from dataclasses import dataclass, field

from bench.plan.forecast import Setting
from bench.plan.plan import Probe, ProbePlan, Refusal, Request
from bench.result import Candidate, Outcome, Precision, Training
from bench.run.deadline import Deadline
from bench.run.events import Ended, Probed
from bench.run.executor import JobEvent
from bench.run.probing import probing
from bench.run.wire import Job
from fakes import DATASET, data_use
from models.config import configure

CECD = Candidate(variant="cecd", size="nano")
MODELS = {CECD: configure("cecd", "nano", bands={"s1": 2, "s2": 10}, image_pixels=64)}
OUT_OF_MEMORY = Ended(trial_id="", outcome=Outcome.OUT_OF_MEMORY, cause="memory ran out")


@dataclass
class Machine:
    """Trains batches up to a size."""

    most_pairs: int
    failure: Ended = OUT_OF_MEMORY
    tried: list[int] = field(default_factory=list)

    def run(self, job: Job, *, timeout_seconds: float) -> Generator[JobEvent]:  # noqa: ARG002  the protocol's
        assert isinstance(job, ProbePlan)
        self.tried.append(job.training.batch_pairs)
        if job.training.batch_pairs > self.most_pairs:
            yield self.failure
            return
        yield Probed(
            probe=Probe(
                candidate=job.candidate,
                precision="fp32",
                matmul_flops={"fp32": 1e9},
                step_seconds=0.1,
                embed_pairs_per_second=100.0,
                start_seconds=0.1,
                steps=3,
                batch_pairs=job.training.batch_pairs,
            )
        )

    def stop(self, grace_seconds: float = 0.0) -> None:  # noqa: ARG002  the same
        raise AssertionError

    def close(self) -> None:
        raise AssertionError


def probed(machine: Machine) -> tuple[list[Probe], dict[Candidate, int], list[Refusal]]:
    models, refusals = dict(MODELS), list[Refusal]()
    setting = Setting(
        run_id="r",
        data=data_use(DATASET),
        cache="",
        device="cpu",
        precision="fp32",
        threads=1,
        training=Training(steps=100, batch_pairs=64),
        parts={CECD: 1},
    )
    precision: Precision
    probes: list[Probe] = []
    parts: dict[Candidate, int] = {}

    def drive() -> Generator[object]:
        nonlocal probes, precision, parts
        probes, precision, parts, _ = yield from probing(
            Request(precision="fp32"),
            models,
            setting,
            executor=machine,
            refusals=refusals,
            deadline=Deadline(None),
            history=(),
        )

    list(drive())
    assert (CECD in models) == (not refusals)
    return probes, parts, refusals


def test_a_batch_that_fits_is_probed_whole() -> None:
    machine = Machine(most_pairs=64)
    probes, parts, refusals = probed(machine)
    assert (machine.tried, parts, refusals) == ([64], {CECD: 1}, [])
    assert [probe.batch_pairs for probe in probes] == [64]


def test_a_batch_that_runs_out_of_memory_is_probed_in_more_parts_until_it_fits() -> None:
    machine = Machine(most_pairs=20)
    probes, parts, refusals = probed(machine)
    assert (machine.tried, parts, refusals) == ([64, 32, 16], {CECD: 4}, [])
    assert [probe.batch_pairs for probe in probes] == [16]


def test_a_candidate_that_fits_in_no_parts_is_refused_with_the_cause() -> None:
    machine = Machine(most_pairs=1)
    _, _, refusals = probed(machine)
    assert machine.tried == [64, 32, 16, 8]
    assert refusals == [Refusal(candidate=CECD, reason="its probe failed: memory ran out")]


def test_a_probe_that_fails_otherwise_is_not_tried_again() -> None:
    machine = Machine(most_pairs=1, failure=Ended(trial_id="", outcome=Outcome.FAILED, cause="a disk is full"))
    _, _, refusals = probed(machine)
    assert machine.tried == [64]
    assert refusals == [Refusal(candidate=CECD, reason="its probe failed: a disk is full")]
