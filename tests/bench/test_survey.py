"""A survey of edges: the limit that its tries run under, and the time that candidates share."""

from collections.abc import Generator
from dataclasses import replace

import pytest

import fakes
from bench.errors import UnfitError, UsageError
from bench.plan.attempt import EdgePlan, EdgeTried
from bench.plan.edge import EdgeTry
from bench.profile.hardware import HardwareProfile
from bench.result import Outcome
from bench.run.edge import Edge
from bench.run.events import Ended
from bench.run.executor import JobEvent
from bench.run.survey import Surveyed, SurveyRequest, survey
from bench.run.wire import Job

MIB = 1024**2

REQUEST = SurveyRequest(
    data="synthetic:train=40,query=12,archive=20",
    variants=("cecd", "sesd"),
    sizes=("nano",),
    device="auto",
    precision="fp32",
    memory_limit_bytes=None,
    max_batch=64,
    seconds=60,
)


class Roomy:
    """An executor in which everything fits."""

    def run(self, job: Job, *, timeout_seconds: float) -> Generator[JobEvent]:  # noqa: ARG002  the protocol's
        assert isinstance(job, EdgePlan)
        yield EdgeTried(steps=job.steps, embedded=True, peak_bytes=1)
        yield Ended(trial_id="", outcome=Outcome.COMPLETED, cause="")

    def stop(self, grace_seconds: float = 0) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr("bench.data.cache.user_cache_path", lambda _name: folder)


def told(monkeypatch: pytest.MonkeyPatch, machine: HardwareProfile, request: SurveyRequest = REQUEST) -> list[object]:
    monkeypatch.setattr("bench.run.survey.probe", lambda: machine)
    return list(survey(request, Roomy()))


def setting(events: list[object]) -> Surveyed:
    (found,) = (event for event in events if isinstance(event, Surveyed))
    return found


def test_each_candidate_is_tried_up_to_the_size_of_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    events = told(monkeypatch, fakes.HARDWARE)
    edges = [event for event in events if isinstance(event, Edge)]
    assert [edge.candidate.variant for edge in edges] == ["cecd", "sesd"]
    assert [edge.largest and edge.largest.batch_pairs for edge in edges] == [40, 40]
    tries = [event for event in events if isinstance(event, EdgeTry)]
    assert [one for edge in edges for one in edge.tries] == tries
    assert {one.machine for one in tries} == {fakes.HARDWARE.id}
    assert {one.memory_limit_bytes for one in tries} == {setting(events).memory_limit_bytes}
    assert setting(events).train_pairs == 40
    assert setting(events).synthetic


@pytest.mark.parametrize(
    ("machine", "asked", "limit", "origin"),
    [
        (fakes.HARDWARE, None, 5696 * MIB, "set by the machine"),  # 6144 free less a twentieth of 8192, to 64 MiB
        (replace(fakes.HARDWARE, memory_origin="cgroup v2"), None, 5696 * MIB, "set by cgroup v2"),
        (replace(fakes.HARDWARE, memory_origin="ulimit -v"), None, 5696 * MIB, "counts address space"),
        (fakes.HARDWARE, 10**9, 10**9, "as asked"),
        (fakes.HARDWARE, 7 * 10**9, 5696 * MIB, "; 6.5 GiB were asked"),
        (fakes.GPU_HARDWARE, None, fakes.GPU.memory_free_bytes, "free now on the GPU"),
        (fakes.GPU_HARDWARE, 10**9, 10**9, "as asked"),
        (
            replace(fakes.GPU_HARDWARE, gpus=(replace(fakes.GPU, memory_free_bytes=None),)),
            None,
            None,
            "free now on the GPU",
        ),
    ],
)
def test_a_try_may_hold_what_is_free_or_what_is_asked_if_that_is_less(
    monkeypatch: pytest.MonkeyPatch, machine: HardwareProfile, asked: int | None, limit: int | None, origin: str
) -> None:
    found = setting(told(monkeypatch, machine, replace(REQUEST, memory_limit_bytes=asked)))
    assert found.memory_limit_bytes == limit
    assert origin in found.memory_origin


def test_a_machine_without_free_memory_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnfitError, match="no memory is left for a trial: 100 MiB are free"):
        told(monkeypatch, replace(fakes.HARDWARE, memory_available_bytes=100 * MIB))


def test_a_limit_that_cannot_be_held_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.run.survey.CONFINES", False)
    with pytest.raises(UsageError, match="--memory-limit: this system cannot hold"):
        told(monkeypatch, fakes.HARDWARE, replace(REQUEST, memory_limit_bytes=10**9))


def test_a_network_that_does_not_fit_the_images_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_names: str, **_shapes: object) -> None:
        raise ValueError("patch_pixels=7 does not divide image_pixels=64")

    monkeypatch.setattr("bench.run.survey.configure", refuse)
    with pytest.raises(UsageError, match=r"CECD nano does not fit the images of synthetic .*patch_pixels=7"):
        told(monkeypatch, fakes.HARDWARE)
