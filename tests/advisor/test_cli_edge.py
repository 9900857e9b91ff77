"""csmae-bench edge: what is printed, stored and returned for a search whose tries are known."""

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

import fakes
from bench.errors import ExitCode
from bench.plan.edge import EdgeTry
from bench.result import Candidate
from bench.run.edge import Edge
from bench.run.events import Preparing
from bench.run.survey import Surveyed, SurveyRequest
from bench.store.results import Results
from models.config import configure

Ask = Callable[..., Any]

SECD = Candidate(variant="secd", size="nano")


def tried(batch_pairs: int, *, fits: bool = True, steps: int = 3) -> EdgeTry:
    return EdgeTry(
        machine=fakes.HARDWARE.id,
        device="cpu",
        precision="fp32",
        candidate=SECD,
        model=configure("secd", "nano", bands={"s1": 2, "s2": 10}, image_pixels=64),
        batch_pairs=batch_pairs,
        fits=fits,
        cause="" if fits else "memory ran out: no 8 bytes",
        peak_bytes=batch_pairs * 2**20 if fits else None,
        memory_limit_bytes=4 * 10**9,
        steps=steps if fits else 0,
        seconds=2.0,
        measured_at="2026-01-02T03:04:05+00:00",
        tool_version="0.1.0",
    )


FOUND = Edge(
    candidate=SECD,
    tries=(tried(512), tried(1024, fits=False), tried(512, steps=8)),
    bound="memory: 1024 pairs do not fit",
)
NONE = Edge(candidate=SECD, tries=(tried(2, fits=False),), bound="memory: 2 pairs do not fit")
LATE = Edge(candidate=SECD, tries=(), bound="nothing yet", problem="the time ended (5 s)", out_of_time=True)
BROKEN = Edge(candidate=SECD, tries=(tried(64),), bound="nothing yet", problem="batch 128 proved nothing: KeyError")


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[SurveyRequest]]:
    """Let every search find these edges; an exception among them ends it there."""

    def set_up(*edges: Edge | BaseException) -> list[SurveyRequest]:
        asked: list[SurveyRequest] = []

        def survey(request: SurveyRequest, _executor: object) -> Generator[object]:
            asked.append(request)
            yield Surveyed(
                hardware=fakes.HARDWARE,
                device="cpu",
                memory_limit_bytes=4 * 10**9,
                memory_origin="as asked",
                data="synthetic (mid)",
                synthetic=True,
                train_pairs=1024,
            )
            for edge in edges:
                if isinstance(edge, BaseException):
                    raise edge
                for one in edge.tries:
                    yield Preparing(what=f"{edge.candidate.title}: batch {one.batch_pairs}")
                    yield one
                yield edge

        class Nobody:
            def __init__(self, _log: Path) -> None: ...

            def close(self) -> None:
                """Nothing is open."""

        monkeypatch.setattr("advisor.cli.edges.survey", survey)
        monkeypatch.setattr("advisor.cli.edges.LocalExecutor", Nobody)
        return asked

    return set_up


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "results.duckdb"


def test_the_edge_is_a_row_of_a_table_and_what_bounds_it_a_sentence(ask: Ask, search: Ask, store: Path) -> None:
    search(FOUND)
    answer = ask("edge", "--db", str(store))
    assert answer.code == ExitCode.DONE
    rows = [line.split() for line in answer.out.splitlines()]
    assert ["SECD", "nano", "512", "2", "0.5", "GiB", "1024", "3", "6.0", "s"] in rows
    flat = " ".join(answer.out.split())
    assert "trained on cpu, synthetic (mid) data" in flat
    assert "SECD nano, bound by memory: 1024 pairs do not fit (memory ran out: no 8 bytes)" in flat
    assert "SECD nano: batch 512 fits, peak 0.5 GiB (8 steps, 2.0 s)" in answer.err
    assert "SECD nano: batch 1024 does not fit: memory ran out: no 8 bytes (0 steps, 2.0 s)" in answer.err


def test_every_try_is_in_the_store(ask: Ask, search: Ask, store: Path) -> None:
    search(FOUND)
    ask("edge", "--db", str(store))
    kept = Results(store).edge_tries(candidate=SECD)
    assert sorted(kept, key=lambda one: (one.batch_pairs, one.steps)) == [
        tried(512),
        tried(512, steps=8),
        tried(1024, fits=False),
    ]


def test_in_json_every_try_is_told(ask: Ask, search: Ask, store: Path) -> None:
    search(FOUND)
    document = json.loads(ask("edge", "--json", "--db", str(store)).out)
    assert (document["command"], document["status"], document["warnings"]) == ("edge", "done", [])
    (edge,) = document["data"]["edges"]
    assert (edge["batch_pairs"], edge["runs"], edge["fails_at"]) == (512, 2, 1024)
    assert [one["steps"] for one in edge["tries"]] == [3, 0, 8]
    assert document["data"]["setting"]["memory_limit_bytes"] == 4 * 10**9


@pytest.mark.parametrize(
    ("edges", "code"),
    [
        ((FOUND,), ExitCode.DONE),
        ((FOUND, NONE), ExitCode.DONE),
        ((NONE,), ExitCode.UNFIT),
        ((LATE,), ExitCode.BUDGET),
        ((FOUND, LATE), ExitCode.FAILED),
        ((BROKEN,), ExitCode.FAILED),
    ],
)
def test_the_exit_code_says_how_it_ended(
    ask: Ask, search: Ask, store: Path, edges: tuple[Edge, ...], code: ExitCode
) -> None:
    search(*edges)
    answer = ask("edge", "--db", str(store))
    assert answer.code == code
    problems = [edge.problem for edge in edges if edge.problem]
    assert answer.out.count("ended early: ") == len(problems)
    assert all(problem in " ".join(answer.out.split()) for problem in problems)


def test_what_was_tried_before_ctrl_c_is_shown_and_kept(ask: Ask, search: Ask, store: Path) -> None:
    search(FOUND, KeyboardInterrupt())
    answer = ask("edge", "--db", str(store))
    assert answer.code == ExitCode.INTERRUPTED
    assert "SECD nano" in answer.out
    assert f"Interrupted: 3 tried sizes kept in {store}." in answer.err
    assert len(Results(store).edge_tries()) == 3


def test_what_is_asked_arrives(ask: Ask, search: Ask, store: Path) -> None:
    asked = search(FOUND)
    words = ("--variants", "secd,sesd", "--memory-limit", "4GiB", "--max-batch", "64", "--time-budget", "90s")
    ask("edge", *words, "--precision", "bf16", "--data", "somewhere", "--db", str(store))
    assert asked == [
        SurveyRequest(
            data="somewhere",
            variants=("secd", "sesd"),
            sizes=("nano",),
            device="auto",
            precision="bf16",
            memory_limit_bytes=4 * 2**30,
            max_batch=64,
            seconds=90,
        )
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--memory-limit", "much"), "'much' is no size"),
        (("--max-batch", "1"), "1"),
        (("--precision", "auto"), "there is no precision 'auto'"),
    ],
)
def test_what_cannot_be_asked_is_a_line_and_code_2(ask: Ask, words: tuple[str, ...], told: str) -> None:
    answer = ask("edge", *words)
    assert answer.code == ExitCode.USAGE
    assert told in answer.err
