"""What a run begins with: held against data and machine, and planned by a played executor."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bench.data.descriptors import descriptor_root
from bench.data.pairs import open_pairs
from bench.data.places import Place, Queries
from bench.errors import UnfitError
from bench.plan.forecast import unfit
from bench.plan.plan import CONTENDERS, ProbePlan, Request
from bench.profile.dataset import profile_dataset, queries_of
from bench.profile.hardware import HardwareProfile
from bench.result import Candidate
from bench.run import settle as settling
from bench.run.deadline import Deadline
from bench.run.events import Event, Planned, Probed, Profiled
from bench.run.executor import JobEvent
from bench.run.prepare import Prepared, imagine, prepare
from bench.run.settle import Settled, neighbours, settle
from bench.run.wire import Job
from fakes import DATASET, GPU_HARDWARE, HARDWARE, data_use
from models.config import configure
from plan_fakes import MAE, MODELS, probe_of

DATA = "synthetic:train=20,query=6,archive=30"
REQUEST = Request(data=DATA, steps=20, device="cpu", precision="fp32")


def queries(*tiles: str | None) -> Queries:
    places = tuple(Place(pair_id=str(number), tile=tile) for number, tile in enumerate(tiles))
    return Queries(fingerprint=DATASET.fingerprint, places=places)


def settled(request: Request = REQUEST, of: Queries | None = None) -> Settled:
    found = of or queries(None)
    return settle(
        request, DATASET, found, HARDWARE, devices=("cpu",), cache="decoded", checkpoints="trunks", run_id="r"
    )


@dataclass
class Played:
    """Tells made-up probes."""

    probed: list[Candidate] = field(default_factory=list)

    def run(self, job: Job, *, timeout_seconds: float) -> Generator[JobEvent]:  # noqa: ARG002  the protocol's
        assert isinstance(job, ProbePlan)
        self.probed.append(job.candidate)
        made_up = replace(probe_of(job.candidate), model=job.model, batch_pairs=job.training.batch_pairs)
        yield Probed(probe=replace(made_up, threads=job.threads))

    def stop(self, grace_seconds: float = 0.0) -> None:  # noqa: ARG002  the same
        raise AssertionError

    def close(self) -> None:
        raise AssertionError


def prepared(request: Request, executor: Played) -> tuple[list[Event], Prepared]:
    events: list[Event] = []

    def drive() -> Generator[Event, None, Prepared]:
        return (yield from prepare(request, executor, "r", Deadline(None), known=lambda _: ()))

    going = drive()
    while True:
        try:
            events.append(next(going))
        except StopIteration as end:
            return events, end.value


@pytest.mark.parametrize(("archive", "k"), [(1000, 10), (20, 10), (9, 4), (2, 1), (1, 1)])
def test_no_more_than_half_of_a_labelled_archive_is_looked_at(archive: int, k: int) -> None:
    assert neighbours(10, replace(data_use(DATASET), archive_pairs=archive)) == k


def test_partners_are_looked_for_as_far_as_asked() -> None:
    assert neighbours(10, replace(data_use(DATASET), archive_pairs=9, labelled=False)) == 10


def test_a_smaller_k_is_said() -> None:
    found = settled(replace(REQUEST, k=20))
    assert found.request.k == 16
    assert found.notes == ("k 16 instead of 20: the archive holds 32 pairs, half are looked at",)
    assert settled().notes == ()


@pytest.mark.parametrize(
    ("tiles", "groups"),
    [(("b", "a", "b"), (1, 0, 1)), (("a", "b", "c"), None), (("a", None, "a"), None)],
    ids=["known", "each its own", "not all known"],
)
def test_the_tiles_of_the_queries_are_in_the_setting(tiles: tuple[str | None, ...], groups: tuple[int, ...]) -> None:
    assert settled(of=queries(*tiles)).setting.query_groups == groups


def test_descriptors_and_checkpoints_have_their_folders() -> None:
    setting = settled().setting
    assert (setting.descriptors, setting.checkpoints, setting.cache) == (str(descriptor_root()), "trunks", "decoded")


def test_baselines_are_beside_the_candidates_of_their_size() -> None:
    found = settled(replace(REQUEST, sizes=("nano", "tiny")))
    small = replace(MAE, size="tiny")
    assert {*found.models} == {Candidate(variant=v, size=size) for v in CONTENDERS for size in ("nano", "tiny")}
    assert [*found.baselines] == [*found.kept_baselines()] == [MAE, small]
    for candidate in [candidate for candidate in found.models if candidate.size == "tiny"]:
        del found.models[candidate]  # as a probe does that fails
    assert [*found.kept_baselines()] == [MAE]


def test_a_baseline_is_split_into_no_fewer_parts_than_the_candidates_of_its_size() -> None:
    found = settled(replace(REQUEST, sizes=("nano", "tiny")))
    probed = dict.fromkeys(found.setting.parts, 1) | {Candidate(variant="sesd", size="nano"): 4}
    parts = found.parts(probed)
    assert parts == probed | {MAE: 4}
    del found.models[Candidate(variant="sesd", size="nano")]  # it did not fit in four parts either
    assert found.parts(probed)[MAE] == 1


def test_a_baseline_that_does_not_fit_is_no_refusal_but_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = {**MODELS, MAE: configure("mae", "base", bands={"s1": 2, "s2": 10}, image_pixels=32)}
    memory = 100_000_000
    monkeypatch.setattr(settling, "headroom", lambda _: memory)
    monkeypatch.setattr(
        settling, "configure", lambda variant, size, **_: networks[Candidate(variant=variant, size=size)]
    )
    found = settled()
    reason = unfit(networks[MAE], precision="fp32", memory_bytes=memory)
    assert (len(found.models), found.refusals, dict(found.baselines)) == (4, [], {})
    assert found.notes == (f"2 x MAE nano is not trained as a baseline: it {reason}",)


def test_without_a_candidate_that_fits_there_is_no_run_even_if_a_baseline_would_fit() -> None:
    found = settled()
    found.models.clear()
    with pytest.raises(UnfitError, match="no candidate can be trained here"):
        found.check()


def test_a_run_is_planned_with_its_baseline_which_costs_no_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    executor = Played()
    events, made = prepared(REQUEST, executor)
    contenders = [Candidate(variant=variant, size="nano") for variant in CONTENDERS]
    assert executor.probed == contenders
    (planned,) = (event.plan for event in events if isinstance(event, Planned))
    assert [trial.candidate for trial in planned.trials[:5]] == [*contenders, MAE]
    times = [trial.predicted_seconds for trial in planned.trials[:5]]
    assert 0.3 * min(times) < times[4] < 3 * max(times)
    assert {trial.descriptors for trial in planned.trials} == {str(tmp_path / "csmae-advisor" / "descriptors")}
    assert made.forecast.baselines == (MAE,)
    with closing(open_pairs(DATA)) as pairs:
        dataset = profile_dataset(pairs)
        expected = queries_of(pairs, dataset.fingerprint)
    (profiled,) = (event for event in events if isinstance(event, Profiled))
    assert profiled.queries == expected
    assert expected.fingerprint == dataset.fingerprint
    assert len(expected.places) == len(expected.labels) == 6


def test_a_simulated_run_is_planned_with_its_baseline_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    gpu = replace(GPU_HARDWARE.gpus[0], name="NVIDIA A100-SXM4-80GB")
    hardware: HardwareProfile = replace(GPU_HARDWARE, gpus=(gpu,), simulated="made up")
    profiled, planned = imagine(replace(REQUEST, device="auto"), hardware, "r")
    assert isinstance(profiled, Profiled)
    assert isinstance(planned, Planned)
    assert len(profiled.queries.places) == 6
    assert [trial.candidate for trial in planned.plan.trials].count(MAE) == 1
