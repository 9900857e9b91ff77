"""Which queries are shown: tables of scores and the names that come out."""

from typing import Any

import pytest

import fakes
from bench.errors import UsageError
from bench.gallery.choose import Choice, Rule, choose, name_of
from bench.result import Direction, QueryScores, TrialResult

IDS = ("a1", "a2", "b1", "b2")

PRECISION: dict[Direction, tuple[float, ...]] = {
    ("s1", "s1"): (0.9, 0.5, 0.5, 0.5),
    ("s2", "s2"): (0.5, 0.5, 0.6, 0.5),
    ("s1", "s2"): (0.4, 0.2, 0.5, 0.2),
    ("s2", "s1"): (0.4, 0.2, 0.1, 0.2),
}


def trial(metric: str = "precision", k: int | None = 10, **changes: Any) -> TrialResult:  # noqa: ANN401  any field
    scores = tuple(
        QueryScores(query=query, archive=archive, metric=metric, k=k, values=values)
        for (query, archive), values in PRECISION.items()
    )
    return fakes.trial_result(**{"query_scores": scores, **changes})


def names(choice: Choice) -> list[str]:
    return [IDS[pick.row] for pick in choice.picks]


@pytest.mark.parametrize(
    ("rule", "directions", "expected"),
    [
        ("worst", None, ["a2", "b2", "b1", "a1"]),
        ("best", None, ["a1", "b1", "a2", "b2"]),
        ("divided", None, ["a1", "b1", "a2", "b2"]),
        ("worst", (("s2", "s1"),), ["b1", "a2", "b2", "a1"]),
        ("divided", (("s1", "s2"), ("s2", "s1")), ["b1", "a1", "a2", "b2"]),
    ],
)
def test_a_rule_orders_queries_and_ties_go_by_name(
    rule: Rule, directions: tuple[Direction, ...] | None, expected: list[str]
) -> None:
    assert names(choose(trial(), IDS, rule, directions=directions)) == expected
    assert names(choose(trial(), IDS, rule, directions=directions, count=2)) == expected[:2]


@pytest.mark.parametrize(
    ("rule", "value", "words"),
    [
        ("worst", 0.2, "lowest mean precision@10 over S1 to S2, S2 to S1"),
        ("best", 0.4, "highest mean precision@10 over S1 to S2, S2 to S1"),
        ("divided", 0.5, "largest gap in precision@10 between S1 to S1, S2 to S2, S1 to S2, S2 to S1"),
    ],
)
def test_it_is_said_what_a_query_was_chosen_by(rule: Rule, value: float, words: str) -> None:
    choice = choose(trial(), IDS, rule)
    assert choice.picks[0].value == pytest.approx(value)
    assert choice.words == words
    assert choice.judged in words


def test_a_metric_that_is_better_low_turns_worst_around() -> None:
    assert names(choose(trial("partner_median_rank", k=None), IDS, "worst"))[0] == "a1"


def test_a_query_without_a_value_is_not_compared() -> None:
    scores = [QueryScores(query="s1", archive="s2", metric="map", k=10, values=(float("nan"), 0.5, 0.1, 0.9))]
    assert names(choose(trial(query_scores=tuple(scores)), IDS, "worst")) == ["b1", "a2", "b2"]


def test_the_metric_is_the_finest_that_was_measured_or_the_one_asked_for() -> None:
    scores = [
        QueryScores(query="s1", archive="s2", metric=metric, k=k, values=values)
        for metric, k, values in (
            ("precision", 10, (0.1, 0.2, 0.3, 0.4)),
            ("ndcg", 10, (0.4, 0.3, 0.2, 0.1)),
            ("ndcg", 5, (0.0, 0.0, 0.0, 0.0)),
            ("partner_mrr", None, (0.5, 0.1, 0.5, 0.5)),
        )
    ]
    shown = trial(query_scores=tuple(scores))
    assert names(choose(shown, IDS, "worst", count=1)) == ["b2"]
    assert names(choose(shown, IDS, "worst", count=1, metric="precision")) == ["a1"]
    assert choose(shown, IDS, "worst", metric="partner_mrr").words == "lowest partner MRR over S1 to S2"


def test_an_archive_of_both_sensors_is_no_direction_to_compare() -> None:
    scores = (QueryScores(query="s1", archive="both", metric="own_sensor_share", k=10, values=(0.1, 0.2, 0.3, 0.4)),)
    with pytest.raises(UsageError, match="keeps no scores of single queries"):
        choose(trial(query_scores=scores), IDS, "worst")


def test_random_queries_depend_on_the_seed_alone() -> None:
    draws = {seed: names(choose(trial(), IDS, "random", count=3, seed=seed)) for seed in range(8)}
    assert all(len(set(drawn)) == 3 for drawn in draws.values())
    assert len({tuple(drawn) for drawn in draws.values()}) > 1
    assert names(choose(trial(query_scores=()), IDS, "random", count=3, seed=5)) == draws[5]
    assert choose(trial(), IDS, "random", seed=5).words == "drawn by lot, seed 5"


def test_queries_are_named_wholly_or_by_a_beginning_and_once() -> None:
    ids = ("S2A_17_1", "S2A_17_10", "S2B_3")
    choice = choose(trial(query_scores=()), ids, ["S2B", "S2A_17_1", "S2B_3"])
    assert [pick.row for pick in choice.picks] == [2, 0]
    assert (choice.words, choice.basis) == ("chosen by name", None)


def test_named_queries_have_their_values_too() -> None:
    basis = choose(trial(), IDS, ["b1"]).basis
    assert basis
    assert (basis.title, basis.values["s1", "s2"][2]) == ("precision@10", 0.5)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("S2A_17", "the name of more than one query begins with 'S2A_17', as S2A_17_1 and S2A_17_10: write more of it"),
        ("S2C_3", "there is no query 'S2C_3': did you mean S2B_3"),
        ("x", "there is no query 'x'$"),
    ],
)
def test_a_name_that_is_not_one_is_told(name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        name_of(name, ("S2A_17_1", "S2A_17_10", "S2B_3"), kind="query")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"metric": "map"}, "has no map of single queries; it has precision"),
        ({"directions": (("s1", "s2"),), "metric": "precision"}, "compare at least two directions"),
    ],
)
def test_what_cannot_be_compared_is_told(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        choose(trial(), IDS, "divided", **asked)


def test_a_direction_without_scores_is_named() -> None:
    scores = tuple(scores for scores in trial().query_scores if scores.query != scores.archive)
    with pytest.raises(UsageError, match="has no precision of single queries for s2-s2"):
        choose(trial(query_scores=scores), IDS, "worst", directions=(("s1", "s2"), ("s2", "s2")))


def test_queries_without_any_value_are_told() -> None:
    nothing = (QueryScores(query="s1", archive="s2", metric="map", k=10, values=(float("nan"),) * 4),)
    with pytest.raises(UsageError, match="no query has a mAP@10"):
        choose(trial(query_scores=nothing), IDS, "best")
