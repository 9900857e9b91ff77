"""Goals as they are asked for, and what trials score by them."""

from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from bench.errors import UsageError
from bench.result import CROSS_DIRECTIONS, Gallery, QueryScores
from bench.score.goal import GOALS, WAYS, Goal, labelled, read_goal, unlabelled, weighted
from bench.score.interval import mean_statistic
from fakes import trial_result
from models.config import Sensor


@pytest.mark.parametrize(
    ("text", "name", "weights"),
    [
        ("s1-s2=3,s2-s1=1", "weighted (S1 to S2 3, S2 to S1 1)", {("s1", "s2"): 3, ("s2", "s1"): 1}),
        ("s2-s1=1, S1-S2=3", "weighted (S1 to S2 3, S2 to S1 1)", {("s1", "s2"): 3, ("s2", "s1"): 1}),
        ("s2-both=0.5,s1-s1=0", "weighted (S2 to both 0.5)", {("s2", "both"): 0.5}),
    ],
)
def test_weights_make_a_goal_in_one_order(text: str, name: str, weights: dict[tuple[Sensor, Gallery], float]) -> None:
    found = read_goal(text)
    assert (found.name, dict(zip(found.directions, found.weights, strict=True))) == (name, weights)
    assert read_goal(found.key) == found


@pytest.mark.parametrize("key", GOALS)
def test_equal_weights_of_a_presets_directions_are_the_preset(key: str) -> None:
    goal = GOALS[key]
    assert (goal.key, read_goal(key)) == (key, goal)
    assert read_goal(",".join(f"{a}-{b}=2" for a, b in reversed(goal.directions))) == goal


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("corss", "there is no goal 'corss'; there are cross, uni, all, or weights of s1-s1, s2-s2, s1-s2"),
        ("s1-s3=1", "there is no goal 's1-s3=1'"),
        ("s1-s2", "there is no goal 's1-s2'"),
        ("", "there is no goal ''"),
        ("s1-s2=1,s1-s2=2", "names s1-s2 twice"),
        ("s1-s2=-1", "'-1' is no weight for s1-s2"),
        ("s1-s2=nan", "'nan' is no weight"),
        ("s1-s2=0,s2-s1=0", "gives no direction a weight above 0"),
    ],
)
def test_a_goal_that_says_nothing_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=r"^[^\n]*$") as caught:
        read_goal(text)
    assert said in str(caught.value)


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 0.0)])
def test_a_goal_with_weights_of_other_directions_is_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="need one each, above 0"):
        Goal(name="wrong", directions=CROSS_DIRECTIONS, weights=weights)


def test_a_weighted_score_is_the_weighted_mean_of_the_directions() -> None:
    random = np.random.default_rng(0)
    weights = {way: float(weight) for way, weight in zip(WAYS.values(), (0, 2, 3, 1, 0.5, 4), strict=True)}
    rows = [
        QueryScores(query=a, archive=b, metric=metric, k=10, values=tuple(random.random(9).tolist()))
        for a, b in WAYS.values()
        for metric in ("precision", "recall")
    ]
    yardstick = labelled(weighted(weights), 10)
    sample = yardstick.sample([trial_result(query_scores=tuple(rows))])
    assert sample is not None
    means = {(row.query, row.archive, row.metric): fmean(row.values) for row in rows}
    parts = {(a, b): (means[a, b, "precision"], means[a, b, "recall"]) for a, b in WAYS.values()}
    expected = sum(w * 2 * parts[way][0] * parts[way][1] / sum(parts[way]) for way, w in weights.items()) / 10.5
    assert float(yardstick.statistic(sample.mean(axis=1))[0]) == pytest.approx(expected)


def test_the_untrained_score_is_weighted_alike() -> None:
    trial = trial_result()
    goal = read_goal("s1-s1=3,s1-s2=1")
    within, cross = (trial.score("s1", b, "f1_of_means", subject="untrained") or 0.0 for b in ("s1", "s2"))
    assert labelled(goal, 10).untrained([trial, trial]) == pytest.approx((3 * within + cross) / 4)


def test_a_direction_that_old_trials_lack_is_named_in_one_line() -> None:
    with pytest.raises(UsageError, match=r"^CECD nano seed 0 .* query by query in S1 to both and S2 to both: ask.*$"):
        labelled(read_goal("s1-both=1,s2-both=1,s1-s2=1"), 10).sample([trial_result()])


@pytest.mark.parametrize(
    ("asked", "left"),
    [("uni", "cross"), ("all", "cross"), ("s1-both=1", "cross"), ("s1-s2=3,s2-s1=1,s1-s1=9", "s1-s2=3,s2-s1=1")],
)
def test_without_labels_only_the_weights_across_sensors_count(asked: str, left: str) -> None:
    assert unlabelled(10, read_goal(asked)).goal == read_goal(left)


def test_partner_recall_is_weighted_by_direction() -> None:
    values = np.array([[0.2, 0.6], [0.4, 0.0]])
    assert unlabelled(10, read_goal("s1-s2=3,s2-s1=1")).statistic(values) == pytest.approx([0.3, 0.3])
    assert unlabelled(10).statistic(values).tolist() == mean_statistic(values).tolist()


def test_a_value_of_each_direction_has_its_weight() -> None:
    assert read_goal("s1-s2=3,s2-s1=1").mean([0.2, 0.6]) == pytest.approx(0.3)
    assert replace(GOALS["all"]).mean([0.1, 0.2, 0.3, 0.6]) == fmean([0.1, 0.2, 0.3, 0.6])
