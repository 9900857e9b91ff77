"""Queries and what each of them found: kept once a data set, read query by query."""

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from stores import searched, values, view

import fakes
from bench.data.places import Place, Queries
from bench.result import CROSS_DIRECTIONS, Outcome, TrialResult
from bench.store.results import Results

PLACES = fakes.REAL_QUERIES.places
LABELS = fakes.REAL_QUERIES.labels


@pytest.mark.parametrize(
    "queries",
    [
        fakes.QUERIES,
        fakes.REAL_QUERIES,
        replace(fakes.REAL_QUERIES, labels=()),
        replace(fakes.REAL_QUERIES, labels=((), (0,), *LABELS[2:])),
        Queries(fingerprint="f", places=(Place(pair_id='it\'s "one" µ', country="Å"),), labels=((18,),)),
    ],
    ids=["synthetic", "real", "no labels", "an empty label set", "one"],
)
def test_queries_come_back_as_they_went_in(store: Results, queries: Queries) -> None:
    store.add_queries(queries)
    assert store.queries(queries.fingerprint) == queries


def test_queries_are_kept_once_and_those_of_other_data_stay_apart(store: Results) -> None:
    store.add_queries(fakes.QUERIES)
    store.add_queries(fakes.REAL_QUERIES)
    store.add_queries(replace(fakes.QUERIES, places=fakes.QUERIES.places[::-1]))
    assert store.queries(fakes.QUERIES.fingerprint) == fakes.QUERIES
    assert store.queries(fakes.REAL_QUERIES.fingerprint) == fakes.REAL_QUERIES
    assert store.queries("nobody's") is None
    assert store.query("SELECT count(*) FROM queries", max_rows=1).rows == ((16,),)


def test_what_a_swept_trial_measured_takes_the_place_of_its_row(known: Results) -> None:
    swept = searched(1, outcome=Outcome.INTERRUPTED)
    known.add_trial(swept)
    known.add_trial(searched(2))
    known.add_trial(searched(1))
    assert sorted(known.trials(), key=lambda trial: trial.seed) == [searched(1), searched(2)]
    counts = "SELECT (SELECT count(*) FROM query_scores), (SELECT count(*) FROM query_values)"
    assert known.query(counts, max_rows=1).rows == ((24, 24 * 8),)


def test_each_query_of_a_trial_is_a_row(known: Results) -> None:
    trial = searched(3)
    sql = "FROM query_results WHERE metric = 'ndcg' AND query = 's1' AND archive = 'both' ORDER BY position"
    found = view(known, sql, trial)
    assert [row["value"] for row in found] == list(values(trial, "s1", "both", "ndcg"))
    assert [
        Place(
            pair_id=row["pair_id"],
            tile=row["tile"],
            country=row["country"],
            date=row["date"].isoformat() if row["date"] else None,
        )
        for row in found
    ] == list(PLACES)
    assert {(row["trial_id"], row["variant"], row["seed"], row["k"]) for row in found} == {
        (trial.trial_id, "cecd", 3, 10)
    }
    assert len(view(known, "FROM query_results")) == 12 * len(PLACES)


def test_results_of_queries_that_nobody_noted_are_there_without_their_places(store: Results) -> None:
    found = view(store, "FROM query_results WHERE metric = 'ndcg' AND archive = 'both' ORDER BY ALL", searched(1))
    assert len(found) == 16
    assert {(row["pair_id"], row["tile"], row["country"], row["date"]) for row in found} == {(None,) * 4}
    assert len(view(store, "FROM hard_queries WHERE metric = 'ndcg'")) == 8
    assert view(store, "FROM scores_by_group") == []


@pytest.mark.parametrize("name", ["query_results", "hard_queries", "scores_by_group"])
def test_trials_that_did_not_complete_do_not_count(known: Results, name: str) -> None:
    cut = (searched(seed, outcome=outcome) for seed, outcome in enumerate(Outcome) if outcome is not Outcome.COMPLETED)
    assert view(known, f"FROM {name}", *cut) == []


def hardness(trials: Iterable[TrialResult], metric: str, position: int) -> float:
    """Mean of a query: over directions, then the trials of a seed, then seeds."""
    by_seed = defaultdict(list)
    for trial in trials:
        both = [values(trial, a, b, metric)[position] for a, b in CROSS_DIRECTIONS]
        by_seed[trial.seed].append(statistics.mean(both))
    return statistics.mean(statistics.mean(means) for means in by_seed.values())


@pytest.mark.parametrize(("metric", "k"), [("ndcg", 10), ("partner_mrr", None)])
def test_hard_queries_are_averaged_over_directions_and_seeds(known: Results, metric: str, k: int | None) -> None:
    common = [searched(0), searched(1), replace(searched(7), trial_id="again", seed=1)]
    specific = [searched(5, variant="sesd"), searched(6, variant="sesd")]
    sql = f"FROM hard_queries WHERE metric = '{metric}' ORDER BY variant, position"
    found = view(known, sql, *common, *specific)
    assert [(row["variant"], row["position"]) for row in found] == [
        (variant, position) for variant in ("cecd", "sesd") for position in range(1, 9)
    ]
    expected = [hardness(trials, metric, position) for trials in (common, specific) for position in range(8)]
    assert [row["mean"] for row in found] == pytest.approx(expected, rel=1e-12)
    assert {(row["seeds"], row["k"], row["synthetic"]) for row in found} == {(2, k, False)}
    assert [row["pair_id"] for row in found[:8]] == [place.pair_id for place in PLACES]
    assert [row["classes"] for row in found[:8]] == [[fakes.CLASSES[label] for label in own] for own in LABELS]


def test_a_query_of_one_direction_alone_has_no_cross_sensor_mean(known: Results) -> None:
    trial = searched(1)
    one = tuple(s for s in trial.query_scores if (s.query, s.archive) != ("s2", "s1"))
    assert view(known, "FROM hard_queries", replace(trial, query_scores=one)) == []


@pytest.mark.parametrize(
    "other",
    [{"steps": 200}, {"precision": "bf16"}, {"provenance": replace(fakes.PROVENANCE, protocol=99)}],
    ids=lambda other: next(iter(other)),
)
def test_queries_of_unlike_trials_are_not_averaged(known: Results, other: dict[str, Any]) -> None:
    trials = (searched(1), searched(2, **other))
    found = view(known, "FROM hard_queries WHERE metric = 'ndcg' AND position = 4", *trials)
    assert sorted(row["mean"] for row in found) == pytest.approx(sorted(hardness([t], "ndcg", 3) for t in trials))
    grouped = view(known, "FROM scores_by_group WHERE metric = 'ndcg' AND kind = 'country' AND name = 'Finland'")
    assert {row["seeds"] for row in grouped} == {1}
