"""Indexes are measured against brute force, in a process of their own."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import index_fakes
from bench.data.descriptors import load
from bench.errors import BenchError, DataError
from bench.index.build import BUILDERS, built, serialized_bytes, tune
from bench.index.kinds import KINDS, PART_CENTROIDS, POINTS_A_CENTROID, exact_bytes
from bench.index.launch import Told, launch
from bench.index.measure import measure
from bench.index.recall import cosines_of_found, recall_of
from bench.index.sizes import GROWTH, enlarged_sizes, real_sizes
from bench.index.vectors import Enlarged, archive_vectors, neighbour_steps, query_vectors
from bench.index.wire import IndexEvent, IndexProgress, IndexSkipped, decode, encode
from bench.plan.index import IndexMeasurement
from bench.score.descriptors import ScoreError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    index_fakes.leave_descriptors(tmp_path, "trial", archive=400)
    return tmp_path


def told_by(run: Callable[[Callable[[IndexEvent], None]], None]) -> list[IndexEvent]:
    told: list[IndexEvent] = []
    run(told.append)
    return told


def only_measured(told: list[IndexEvent] | list[Told]) -> list[IndexMeasurement]:
    return [one for one in told if isinstance(one, IndexMeasurement)]


def test_every_kind_has_a_builder_and_a_setting() -> None:
    assert list(KINDS) == list(BUILDERS)
    assert all(kind.settings(kind.least_items) for kind in KINDS.values())


@pytest.mark.parametrize("kind", KINDS)
def test_the_formula_gives_the_size_of_a_serialized_index(kind: str) -> None:
    items, width = (PART_CENTROIDS * POINTS_A_CENTROID if kind == "ivf_pq" else 3000), 8
    vectors = np.random.default_rng(0).normal(size=(items, width)).astype(np.float32)
    size = serialized_bytes(built(kind, vectors))
    assert KINDS[kind].size_bytes(items, width) == pytest.approx(size, rel=0.01)


def test_exact_search_takes_four_bytes_a_component() -> None:
    assert exact_bytes(480_038, 768) == 480_038 * 768 * 4


def test_recall_is_the_share_of_what_brute_force_finds(root: Path) -> None:
    (one,) = [
        one
        for one in only_measured(told_by(lambda tell: measure(index_fakes.plan(root, items=400), tell)))
        if (one.kind, one.parameter, one.direction, one.items) == ("ivf_flat", 1, ("s1", "s2"), 400)
    ]
    kept = load("trial", root=root)
    archive, queries = archive_vectors(kept, "s2"), query_vectors(kept, ("s1", "s2"))
    index = built("ivf_flat", archive)
    tune(index, "nprobe", 1)
    shares = []
    for query, found in zip(queries, index.search(queries, 10)[1], strict=True):
        nearest = np.argsort(-(archive @ query))[:10]
        shares.append(len(set(nearest.tolist()) & set(found.tolist())) / 10)
    assert one.recall_at_k == pytest.approx(np.mean(shares))
    assert one.recall_standard_error == pytest.approx(np.std(shares, ddof=1) / len(shares) ** 0.5)
    assert np.mean(shares) < 1


def test_equal_neighbours_may_take_each_others_place() -> None:
    archive = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (4, 1))
    found = cosines_of_found(archive[:1], archive, np.array([[2, 3]]))
    assert recall_of(found, np.array([1.0])) == (1.0, 0.5)


def test_a_neighbour_that_was_not_found_is_missed() -> None:
    archive = np.eye(2, dtype=np.float32)
    found = cosines_of_found(archive, archive, np.array([[0, 1], [1, -1]]))
    assert recall_of(found, np.array([0.0, 0.0]))[0] == 0.75


def test_finding_all_still_leaves_an_error() -> None:
    assert recall_of(np.ones((50, 10)), np.ones(50)) == (1.0, 1 / 500)


def test_a_real_archive_is_measured_in_parts_up_to_all_of_it() -> None:
    assert real_sizes(400) == (50, 100, 200, 400)
    assert real_sizes(20) == (20,)
    assert real_sizes(65_536) == (1024, 4096, 16_384, 65_536)


@pytest.mark.parametrize(("real", "items"), [(400, 480_038), (65_536, 480_038), (400, 401)])
def test_an_enlarged_archive_grows_in_steps_to_the_size_asked_for(real: int, items: int) -> None:
    sizes = (real, *enlarged_sizes(real, items))
    assert sizes[-1] == items
    assert all(1 < after / before <= GROWTH + 0.01 for before, after in pairwise(sizes))


def test_an_archive_that_is_large_enough_is_not_enlarged() -> None:
    assert enlarged_sizes(400, 400) == enlarged_sizes(400, 100) == ()


def test_drawn_vectors_are_as_near_to_real_ones_as_real_neighbours(root: Path) -> None:
    real = archive_vectors(load("trial", root=root), "s2")
    steps = neighbour_steps(real)
    some, many = (Enlarged(real, steps, 2000).first(count) for count in (500, 2000))
    np.testing.assert_array_equal(some, many[:500])
    np.testing.assert_array_equal(real, many[:400])
    np.testing.assert_allclose(np.linalg.norm(many, axis=1), 1, rtol=1e-5)
    to_real = np.sqrt(np.maximum(2 - 2 * (many[400:] @ real.T).max(axis=1), 0))
    between_real = np.linalg.norm(steps, axis=1)
    assert 0.3 < np.median(to_real) / np.median(between_real) < 1.2


def test_recall_is_measured_on_real_descriptors_only(root: Path) -> None:
    found = only_measured(told_by(lambda tell: measure(index_fakes.plan(root, items=1000), tell)))
    assert {one.items for one in found if one.source == "real"} == {50, 100, 200, 400}
    assert {one.items for one in found if one.source == "enlarged"} == {1000}
    assert all((one.recall_at_k is None) == (one.source == "enlarged") for one in found)
    assert {one.direction for one in found if one.source == "real"} == {("s1", "s2"), ("s2", "s1")}
    assert all(one.recall_at_k == 1 for one in found if one.kind == "exact" and one.source == "real")


def test_one_archive_can_hold_both_sensors(root: Path) -> None:
    plan = replace(index_fakes.plan(root, items=10_000, kinds=("exact",)), directions=(("s1", "both"),))
    found = only_measured(told_by(lambda tell: measure(plan, tell)))
    assert max(one.items for one in found if one.source == "real") == 800


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"time_limit_seconds": 1e-9}, "time limit"),
        ({"memory_limit_bytes": 1000}, "memory"),
        ({"kinds": ("ivf_pq",)}, "9,984"),
    ],
)
def test_what_is_not_measured_is_told_with_its_reason(root: Path, change: dict[str, object], reason: str) -> None:
    plan = replace(index_fakes.plan(root, items=400), **change)  # type: ignore[arg-type]  # a field of the plan
    told = told_by(lambda tell: measure(plan, tell))
    assert not only_measured(told)
    skipped = [one for one in told if isinstance(one, IndexSkipped)]
    assert skipped
    assert all(reason in one.words for one in skipped)


def test_an_archive_beyond_all_memory_ends_at_what_fits(root: Path) -> None:
    plan = replace(index_fakes.plan(root, items=10**12, kinds=("exact",)), memory_limit_bytes=2 * 10**6)
    told = told_by(lambda tell: measure(plan, tell))
    assert max(one.items for one in only_measured(told)) * 16 * 4 * 2 < 0.8 * 2e6
    assert isinstance(told[-1], IndexSkipped)


def test_sensors_of_different_width_are_searched_within_themselves(root: Path) -> None:
    folder = root / "trial"
    for split in ("query", "archive"):
        np.save(folder / f"{split}_s2.npy", np.load(folder / f"{split}_s2.npy")[:, :8])
    crossed = index_fakes.plan(root, items=100, kinds=("exact",))
    with pytest.raises(DataError, match="16 components, of s2 8"):
        measure(crossed, lambda _: None)
    within = replace(crossed, directions=(("s2", "s1"), ("s2", "s2")))
    assert {one.width for one in only_measured(told_by(lambda tell: measure(within, tell)))} == {8}


def test_descriptors_that_are_no_numbers_are_refused(root: Path) -> None:
    np.save(root / "trial" / "archive_s2.npy", np.full((400, 16), np.nan, dtype=np.float32))
    with pytest.raises(ScoreError, match="NaN"):
        measure(index_fakes.plan(root, items=400), lambda _: None)


@pytest.mark.parametrize(
    "event",
    [IndexProgress(what="HNSW"), IndexSkipped(what="HNSW", reason="no time"), index_fakes.PLAIN],
)
def test_events_travel_as_lines(event: IndexEvent) -> None:
    assert decode(encode(event)) == event
    with pytest.raises(ValueError, match="not an event"):
        decode(encode(event)[:-5])


def test_the_process_tells_what_it_measures(root: Path, tmp_path: Path) -> None:
    told = list(launch(index_fakes.plan(root, items=100, kinds=("exact",)), log_file=tmp_path / "log" / "index.log"))
    assert {one.items for one in only_measured(told)} == {50, 63, 79, 100}


def test_a_damaged_folder_is_one_clear_line(root: Path, tmp_path: Path) -> None:
    (root / "trial" / "query_s1.npy").write_bytes(b"no array")
    with pytest.raises(DataError, match="cannot be read") as caught:
        list(launch(index_fakes.plan(root, items=100), log_file=tmp_path / "index.log"))
    assert "\n" not in str(caught.value)


def test_a_time_limit_ends_what_is_being_measured(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _stand_in(monkeypatch, tmp_path, "told(IndexProgress(what='HNSW')); select.select([], [], [])")
    plan = replace(index_fakes.plan(root, items=100), time_limit_seconds=0.1)
    assert list(launch(plan, log_file=tmp_path / "index.log"))[-1] == IndexSkipped(
        what="HNSW", reason="the time limit ended it"
    )


def test_a_killed_process_is_told_with_what_it_was_doing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_in(monkeypatch, tmp_path, "told(IndexProgress(what='HNSW')); os.kill(os.getpid(), 9)")
    with pytest.raises(BenchError, match=r"SIGKILL: most likely memory ran out\) during HNSW"):
        list(launch(index_fakes.plan(root, items=100), log_file=tmp_path / "index.log"))


def _stand_in(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str) -> None:
    """Let another script be the process that measures."""
    script = folder / "stand_in"
    lines = [
        "#!/bin/sh",
        f'exec "{sys.executable}" -c "',
        "import os, select",
        "from bench.index.wire import IndexProgress, encode",
        "told = lambda event: os.write(1, encode(event))",
        body + '"',
    ]
    script.write_text("\n".join(lines))
    script.chmod(0o755)
    monkeypatch.setattr("bench.index.launch.sys.executable", str(script))


def test_the_process_ends_with_the_one_that_started_it(root: Path) -> None:
    asked = encode(index_fakes.plan(root, items=400))
    ended = subprocess.run([sys.executable, "-m", "bench.index.child"], input=asked, capture_output=True, check=False)
    assert ended.returncode == 1
