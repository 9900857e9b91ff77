from dataclasses import replace
from typing import Any

import duckdb
import pytest

from bench.errors import StoreError
from bench.plan.index import IndexMeasurement
from bench.store.results import Results


def measured(minute: int, **changes: Any) -> IndexMeasurement:  # noqa: ANN401  any field of the record
    one = IndexMeasurement(
        trial_id="r-01",
        kind="hnsw",
        parameter=64,
        query="s1",
        archive="s2",
        source="real",
        items=65_817,
        width=768,
        k=10,
        queries=500,
        recall_at_k=0.987,
        recall_standard_error=0.002,
        latency_seconds=0.0004,
        latency_p95_seconds=0.0007,
        batch_seconds=0.0001,
        build_seconds=12.5,
        index_bytes=2**33,
        threads=2,
        machine="here",
        tool_version="0.1.0",
        measured_at=f"2026-01-02T03:{minute:02d}:05+00:00",
    )
    return replace(one, **changes)


def test_measurements_come_back_as_they_went_in_by_time(store: Results) -> None:
    enlarged = measured(
        1, source="enlarged", items=10**9, recall_at_k=None, recall_standard_error=None, archive="both", parameter=0
    )
    store.add_index_measurements([measured(3), measured(2, kind="exact", query="s2", archive="s1"), enlarged])
    found = store.index_measurements()
    assert found == (enlarged, measured(2, kind="exact", query="s2", archive="s1"), measured(3))


def test_the_very_same_measurement_is_kept_once(store: Results) -> None:
    store.add_index_measurements([measured(1), measured(1, latency_seconds=0.0005)])
    store.add_index_measurements([measured(1), measured(2, recall_at_k=None)])
    store.add_index_measurements([measured(2, recall_at_k=None)])
    assert len(store.index_measurements()) == 3


def test_measurements_are_chosen_by_trial(store: Results) -> None:
    store.add_index_measurements([])
    assert store.index_measurements() == ()
    store.add_index_measurements([measured(1), measured(2, trial_id="r-02")])
    assert store.index_measurements("r-02") == (measured(2, trial_id="r-02"),)
    assert store.index_measurements("r-03") == ()


def test_measurements_of_an_unknown_form_are_refused_in_words(store: Results) -> None:
    store.add_index_measurements([measured(8)])
    with duckdb.connect(store.path) as connection:
        connection.execute("UPDATE index_measurements SET source = 'dreamt'")
    with pytest.raises(StoreError, match="an index measured at 2026-01-02 03:08:05 is stored in a form"):
        store.index_measurements()
