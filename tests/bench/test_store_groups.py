"""Which classes, countries, seasons and tiles are hard: the views over groups of queries."""

import math
import statistics
from collections import defaultdict
from dataclasses import replace
from datetime import date

import pytest
from stores import searched, values, view

import fakes
from bench.data.places import Place, Queries
from bench.result import CROSS_DIRECTIONS, DIRECTIONS, MIXED_DIRECTIONS, ClassScore, Outcome, QueryScores, TrialResult
from bench.store.results import Results

SEASONS = {"2017-06-13": "Jun-Aug", "2017-12-30": "Dec-Feb", "2018-02-04": "Dec-Feb"}


def groups() -> dict[tuple[str, str], list[int]]:
    """Positions, from 0, of the queries in each group."""
    found = defaultdict(list)
    for position, (place, labels) in enumerate(zip(fakes.REAL_QUERIES.places, fakes.REAL_QUERIES.labels, strict=True)):
        for label in labels:
            found["class", fakes.CLASSES[label]].append(position)
        if place.country:
            found["country", place.country].append(position)
        if place.tile:
            found["tile", place.tile].append(position)
        if place.date:
            found["season", SEASONS[place.date]].append(position)
    return dict(found)


def test_scores_are_averaged_over_the_queries_of_each_group(known: Results) -> None:
    trials = [searched(0), searched(1), replace(searched(7), trial_id="again", seed=1), searched(2)]
    found = view(known, "FROM scores_by_group WHERE metric = 'ndcg'", *trials)
    expected = {}
    for (kind, name), positions in groups().items():
        for query, archive in (*DIRECTIONS, *MIXED_DIRECTIONS):
            by_seed = defaultdict(list)
            for trial in trials:
                own = values(trial, query, archive, "ndcg")
                by_seed[trial.seed].append(statistics.mean(own[position] for position in positions))
            means = [statistics.mean(own) for own in by_seed.values()]
            expected[kind, name, query, archive] = (len(positions), statistics.mean(means), statistics.stdev(means))
    assert {
        (row["kind"], row["name"], row["query"], row["archive"]): (row["queries"], row["mean"], row["sd"])
        for row in found
    } == {group: pytest.approx(numbers) for group, numbers in expected.items()}
    assert {row["seeds"] for row in found} == {3}


@pytest.mark.parametrize("month", range(1, 13))
def test_a_season_is_three_months(store: Results, month: int) -> None:
    day = date(2017, month, 28).isoformat()
    queries = Queries(fingerprint=fakes.REAL_DATASET.fingerprint, places=(Place(pair_id="q", date=day),))
    store.add_queries(queries)
    scores = (QueryScores(query="s1", archive="s2", metric="ndcg", k=10, values=(0.5,)),)
    (row,) = view(store, "FROM scores_by_group", searched(1, scores=scores))
    names = ("Dec-Feb", "Mar-May", "Jun-Aug", "Sep-Nov")
    assert (row["kind"], row["name"]) == ("season", names[math.floor(month % 12 / 3)])


def by_class(trial: TrialResult, value: float) -> TrialResult:
    """The trial with numbers of two classes in the cross-sensor directions; the second direction a little higher."""
    scores = tuple(
        ClassScore(
            subject="trained",
            step=100,
            query=query,
            archive=archive,
            metric="class_map",
            k=10,
            label=label,
            queries=9 - label,
            value=value + 0.1 * label + 0.01 * number,
        )
        for number, (query, archive) in enumerate(CROSS_DIRECTIONS)
        for label in (0, 3)
    )
    return replace(trial, class_scores=scores)


def test_classes_have_their_names_and_a_mean_over_seeds(known: Results) -> None:
    trials = (
        by_class(searched(0), 0.2),
        by_class(searched(1), 0.3),
        by_class(replace(searched(1), trial_id="again"), 0.5),
        by_class(searched(2, outcome=Outcome.TIMED_OUT), 0.9),
    )
    found = view(known, "FROM per_class ORDER BY query, label", *trials)
    assert [(row["query"], row["archive"], row["label"], row["class"], row["queries"]) for row in found] == [
        ("s1", "s2", 0, "Arable land", 9),
        ("s1", "s2", 3, "Urban fabric", 6),
        ("s2", "s1", 0, "Arable land", 9),
        ("s2", "s1", 3, "Urban fabric", 6),
    ]
    assert [row["mean"] for row in found] == pytest.approx([0.3, 0.6, 0.31, 0.61])
    assert found[0]["sd"] == pytest.approx(statistics.stdev([0.2, 0.4]))
    assert {(row["seeds"], row["metric"], row["k"], row["synthetic"]) for row in found} == {(2, "class_map", 10, False)}


def test_classes_of_a_run_that_is_not_there_have_no_names(store: Results) -> None:
    found = view(store, "FROM per_class ORDER BY query, label", by_class(searched(0), 0.2))
    assert [(row["label"], row["class"]) for row in found] == [(0, None), (3, None), (0, None), (3, None)]
