from dataclasses import replace
from typing import Any

import duckdb
import pytest

from bench.errors import StoreError
from bench.plan.edge import EdgeTry
from bench.result import Candidate
from bench.store.results import Results
from models.config import configure

NANO = Candidate(variant="cecd", size="nano")
TINY = Candidate(variant="cecd", size="tiny")


def tried(batch_pairs: int, *, fits: bool = True, **changes: Any) -> EdgeTry:  # noqa: ANN401  any field of the record
    made = EdgeTry(
        machine="here",
        device="cuda:0",
        precision="bf16",
        candidate=NANO,
        model=configure("cecd", "nano", bands={"s1": 2, "s2": 10}, image_pixels=32),
        batch_pairs=batch_pairs,
        fits=fits,
        cause="" if fits else "the GPU has no memory left",
        peak_bytes=batch_pairs * 2**20 if fits else None,
        memory_limit_bytes=None,
        steps=3 if fits else 0,
        seconds=4.5,
        measured_at=f"2026-01-02T03:{batch_pairs % 60:02d}:05+00:00",
        tool_version="0.1.0",
    )
    return replace(made, **changes)


def test_a_try_comes_back_as_it_went_in(store: Results) -> None:
    tries = (
        tried(1, peak_bytes=2**40, memory_limit_bytes=2**33, device="cpu", precision="fp32"),
        tried(2, fits=False),
        tried(3, candidate=TINY, model=configure("cecd", "tiny", bands={"s1": 2, "s2": 10}, image_pixels=120)),
    )
    store.add_edge_tries(tries)
    assert store.edge_tries() == tries


def test_the_very_same_try_is_kept_once_and_another_of_the_same_size_too(store: Results) -> None:
    again = tried(8, seconds=4.6)
    store.add_edge_tries([tried(8), again])
    store.add_edge_tries([tried(8), tried(9, fits=False)])
    store.add_edge_tries([tried(9, fits=False)])
    assert store.edge_tries() == (tried(8), again, tried(9, fits=False))


def test_no_tries_are_no_work(store: Results) -> None:
    store.add_edge_tries([])
    assert store.edge_tries() == ()


def test_tries_are_chosen_by_machine_and_candidate_and_come_by_time(store: Results) -> None:
    here, there, other = tried(3), tried(2, machine="there"), tried(1, candidate=TINY)
    store.add_edge_tries([here, there, other])
    assert store.edge_tries() == (other, there, here)
    assert store.edge_tries(machine="here") == (other, here)
    assert store.edge_tries(candidate=NANO) == (there, here)
    assert store.edge_tries(machine="there", candidate=TINY) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": 0}, r"batch_pairs=8 was not run \(steps=0\): it is not known to fit"),
        ({"cause": "no memory"}, "fits=True, cause='no memory'"),
        ({"fits": False, "cause": ""}, "fits=False, cause=''"),
    ],
)
def test_a_verdict_without_its_evidence_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tried(8, **changes)


def test_tries_of_an_unknown_form_are_refused_in_words(store: Results) -> None:
    store.add_edge_tries([tried(8)])
    with duckdb.connect(store.path) as connection:
        connection.execute("UPDATE batch_edges SET precision = 'fp4'")
    with pytest.raises(StoreError, match="a batch size tried at 2026-01-02 03:08:05 is stored in a form"):
        store.edge_tries()


def edges(store: Results) -> list[dict[str, Any]]:
    table = store.query("FROM batch_edge ORDER BY ALL", max_rows=99)
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_the_edge_lies_between_the_largest_that_fits_and_the_smallest_that_does_not(store: Results) -> None:
    store.add_edge_tries(
        [
            tried(16),
            tried(32, peak_bytes=500),
            tried(32, peak_bytes=600, seconds=5.0),
            tried(64, fits=False, cause="no memory for the second step", steps=1),
            tried(128, fits=False),
        ]
    )
    (row,) = edges(store)
    assert (row["fits_at"], row["fits_times"], row["peak_bytes"]) == (32, 2, 600)
    assert (row["fails_at"], row["cause"]) == (64, "no memory for the second step")
    assert (row["image_pixels"], row["memory_limit_bytes"], row["protocol"]) == (32, None, 1)


@pytest.mark.parametrize(
    ("tries", "edge"),
    [
        ([tried(4)], (4, 1, 4 * 2**20, None, None)),
        ([tried(4, fits=False)], (None, 0, None, 4, "the GPU has no memory left")),
        ([tried(2), tried(4, peak_bytes=None)], (4, 1, None, None, None)),
    ],
    ids=["all fit", "none fits", "peak not measured"],
)
def test_what_is_not_known_of_an_edge_is_null(store: Results, tries: list[EdgeTry], edge: tuple[object, ...]) -> None:
    store.add_edge_tries(tries)
    (row,) = edges(store)
    assert tuple(row[name] for name in ("fits_at", "fits_times", "peak_bytes", "fails_at", "cause")) == edge


@pytest.mark.parametrize(
    "other",
    [
        {"machine": "there"},
        {"device": "cpu"},
        {"precision": "fp32"},
        {"candidate": TINY},
        {"memory_limit_bytes": 2**33},
        {"model": configure("cecd", "nano", bands={"s1": 2, "s2": 10}, image_pixels=120)},
        {"model": replace(tried(1).model, mask_ratio=0.75)},
        {"protocol": 99},
    ],
    ids=lambda other: next(iter(other)),
)
def test_edges_of_unlike_networks_and_machines_are_not_mixed(store: Results, other: dict[str, Any]) -> None:
    store.add_edge_tries([tried(4), tried(8, fits=False, **other)])
    assert sorted((row["fits_at"] or 0, row["fails_at"] or 0) for row in edges(store)) == [(0, 8), (4, 0)]
