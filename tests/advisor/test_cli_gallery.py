"""csmae-bench gallery: which trial, which queries, which files; and one line where something is missing."""

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import fakes
from bench.data import descriptors
from bench.data.descriptors import Descriptors, descriptor_root
from bench.data.pairs import open_pairs
from bench.errors import ExitCode
from bench.plan.plan import Request
from bench.profile.dataset import DatasetProfile, profile_dataset
from bench.result import Outcome, TrialResult
from bench.store.results import Results
from models.config import SENSORS, Sensor

Ask = Callable[..., Any]

DATA = "synthetic:train=6,query=8,archive=12,pixels=16"


@pytest.fixture(scope="session")
def dataset() -> DatasetProfile:
    with closing(open_pairs(DATA)) as pairs:
        return profile_dataset(pairs)


def trial(dataset: DatasetProfile, number: int, **changes: Any) -> TrialResult:  # noqa: ANN401  any field
    made = fakes.trial_result(dataset=dataset, seed=number, **changes)
    started = replace(fakes.PROVENANCE, started_at=f"2026-01-02T03:0{number}:00+00:00")
    return replace(made, trial_id=f"run-0{number}", provenance=started)


def leave_descriptors(trial_id: str, dataset: DatasetProfile) -> None:
    rng = np.random.default_rng(0)

    def some(count: int) -> dict[Sensor, NDArray[np.float32]]:
        return {sensor: rng.normal(size=(count, 4)).astype(np.float32) for sensor in SENSORS}

    found = Descriptors(query=some(dataset.pairs["query"]), archive=some(dataset.pairs["archive"]))
    descriptors.save(trial_id, found, root=descriptor_root())


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A store with three trials, and a folder to write into."""

    store: Results
    folder: Path
    ask: Ask
    dataset: DatasetProfile

    def gallery(self, *words: str) -> Any:  # noqa: ANN401  an answer
        return self.ask("gallery", *words, "--db", str(self.store.path), *self._out(words))

    def _out(self, words: tuple[str, ...]) -> tuple[str, ...]:
        return () if "--out" in words else ("--out", str(self.folder / "found.html"))


@pytest.fixture
def desk(tmp_path: Path, store: Results, ask: Ask, dataset: DatasetProfile, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Trials 1 and 2 were completed, 3 was not; 1 and 2 left descriptors."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    results = [
        trial(dataset, 1),
        trial(dataset, 2, variant="secd"),
        trial(dataset, 3, outcome=Outcome.DIVERGED),
    ]
    store.add_run(
        "run",
        started_at=fakes.PROVENANCE.started_at,
        command="csmae-bench run",
        hardware=fakes.HARDWARE,
        dataset=dataset,
        plan=fakes.run_plan(*results, request=Request(data=DATA)),
    )
    for result in results:
        store.add_trial(result)
    for number in (1, 2):
        leave_descriptors(f"run-0{number}", dataset)
    return Desk(store=store, folder=tmp_path, ask=ask, dataset=dataset)


def document(answer: Any) -> dict[str, Any]:  # noqa: ANN401  an answer
    assert answer.code == ExitCode.DONE, answer.err
    data: dict[str, Any] = json.loads(answer.out)["data"]
    return data


def test_the_worst_queries_of_the_newest_trial_are_written_and_told(desk: Desk) -> None:
    answer = desk.gallery()
    assert answer.code == ExitCode.DONE, answer.err
    text = (desk.folder / "found.html").read_text(encoding="utf-8")
    assert "What SECD nano finds on synthetic data" in text
    assert text.count("<section>") == 4
    assert "Trial run-02: SECD nano, seed 2" in answer.out
    assert "lowest mean precision@10 over S1 to S2, S2 to S1" in answer.out
    assert f"Written: {desk.folder / 'found.html'}" in answer.out
    assert answer.out.count("-query-00000") == 4


def test_without_descriptors_of_the_newest_the_one_before_is_taken(desk: Desk) -> None:
    shutil.rmtree(descriptor_root() / "run-02")
    assert document(desk.gallery("--json"))["gallery"]["trial_id"] == "run-01"


def test_a_baseline_is_taken_only_where_there_is_no_other(desk: Desk) -> None:
    for number in (4, 5):
        desk.store.add_trial(trial(desk.dataset, number, variant="mae"))
        leave_descriptors(f"run-0{number}", desk.dataset)
    assert document(desk.gallery("--json"))["gallery"]["trial_id"] == "run-02"
    for number in (1, 2):
        shutil.rmtree(descriptor_root() / f"run-0{number}")
    assert document(desk.gallery("--force", "--json"))["gallery"]["trial_id"] == "run-05"


def test_everything_that_is_asked_arrives(desk: Desk) -> None:
    words = ("run-01", "--queries", "divided", "--count", "2", "--direction", "s1-s2,S2-S2", "--results", "3")
    found = document(desk.gallery(*words, "--metric", "recall", "--json"))["gallery"]
    assert (found["trial_id"], found["metric"]) == ("run-01", "recall@10")
    assert found["chosen"] == "largest gap in recall@10 between S1 to S2, S2 to S2"
    assert len(found["blocks"]) == 2
    for block in found["blocks"]:
        assert [ranking["direction"] for ranking in block["rankings"]] == [["s1", "s2"], ["s2", "s2"]]
        assert [len(ranking["hits"]) for ranking in block["rankings"]] == [3, 3]


def test_queries_can_be_named_by_their_beginnings(desk: Desk) -> None:
    with closing(open_pairs(DATA)) as pairs:
        ids = pairs.ids("query")
    found = document(desk.gallery("--queries", f"{ids[5]},{ids[2]}", "--json"))["gallery"]
    assert [block["query"]["pair_id"] for block in found["blocks"]] == [ids[5], ids[2]]


def test_random_queries_are_those_of_the_seed(desk: Desk) -> None:
    def drawn(seed: str) -> list[str]:
        answer = desk.gallery("--queries", "random", "--seed", seed, "--results", "1", "--force", "--json")
        return [block["query"]["pair_id"] for block in document(answer)["gallery"]["blocks"]]

    assert drawn("1") == drawn("1")
    assert drawn("1") != drawn("2")


def test_a_sheet_is_written_where_the_name_ends_in_png(desk: Desk) -> None:
    found = document(desk.gallery("--out", str(desk.folder / "sheet.PNG"), "--json"))
    assert found["written"] == [str(desk.folder / "sheet.PNG")]
    with Image.open(desk.folder / "sheet.PNG") as image:
        assert image.format == "PNG"
        assert image.height > image.width / 2 > 300


def test_a_folder_gets_both(desk: Desk) -> None:
    out = desk.folder / "new" / "gallery"
    document(desk.gallery("--count", "1", "--out", str(out), "--json"))
    assert sorted(file.name for file in out.iterdir()) == ["gallery.html", "gallery.png"]


def test_a_file_that_is_there_is_replaced_only_by_force(desk: Desk) -> None:
    there = desk.folder / "found.html"
    there.write_text("mine")
    answer = desk.gallery()
    assert answer.code == ExitCode.USAGE
    assert f"{there} is there already: --force replaces it" in answer.err
    assert there.read_text() == "mine"
    assert desk.gallery("--force").code == ExitCode.DONE
    assert there.read_text() != "mine"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run-03",), "trial run-03 has left no descriptors in"),
        (("run-1",), "there is no trial 'run-1': did you mean run-01?"),
        (("run",), "the name of more than one trial begins with 'run', as run-03 and run-02"),
        (("--queries", "wrst"), "there is no query 'wrst': did you mean worst?"),
        (("--queries", "x"), "there is no query 'x'"),
        (("--metric", "presision"), "there is no metric 'presision' (did you mean precision?)"),
        (("--metric", "modality_gap"), "has no modality_gap of single queries; it has"),
        (("--direction", "s1-s3"), "there is no direction 's1-s3' (did you mean s1-s2?)"),
        (("--direction", "s1-s2", "--queries", "divided"), "compare at least two directions"),
        (("--out", "found.pdf"), "--out found.pdf: name a file that ends in .html or .png, or a folder"),
        (("--data", "synthetic:query=8"), "synthetic:query=8 is not what the trial was searched on"),
        (("--data", "nowhere"), "nowhere does not exist"),
        (("--count", "0"), "0"),
    ],
)
def test_what_cannot_be_shown_is_a_line_and_code_2(desk: Desk, words: tuple[str, ...], told: str) -> None:
    answer = desk.gallery(*words)
    assert answer.code == ExitCode.USAGE
    (line,) = answer.err.splitlines()
    assert told in line
    assert list(desk.folder.glob("*.html")) == []


def test_a_folder_that_is_not_there_is_told(desk: Desk) -> None:
    answer = desk.gallery("--out", str(desk.folder / "nowhere" / "found.png"))
    assert answer.code == ExitCode.USAGE
    assert "found.png cannot be written: No such file or directory" in answer.err


def test_descriptors_that_are_all_gone_are_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(desk.folder / "empty"))
    answer = desk.gallery()
    assert answer.code == ExitCode.USAGE
    assert "no completed trial in" in answer.err
    assert "csmae-bench run makes new ones" in answer.err


def test_a_store_without_trials_is_told(tmp_path: Path, store: Results, ask: Ask) -> None:
    answer = ask("gallery", "--db", str(store.path), "--out", str(tmp_path / "found.html"))
    assert answer.code == ExitCode.USAGE
    assert "holds no trial yet: csmae-bench run makes some" in answer.err
