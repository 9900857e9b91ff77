"""Learning curves put together from trials that are made up."""

from dataclasses import replace

import pytest

from advisor.curves import Spread, curves
from bench.result import CROSS_DIRECTIONS, DIRECTIONS, Rung, TrialResult
from fakes import matrix, trial_result


def trial(scores: dict[int, float], *, variant: str = "cecd", seed: int = 0, pairs: int = 64) -> TrialResult:
    """A trial scored at these steps, 0.1 seconds a step and one more a seed."""
    made = trial_result(variant=variant, seed=seed, steps=max(scores))
    return replace(
        made,
        trial_id=f"{variant}-{seed}-{pairs}-{max(scores)}",
        data=replace(made.data, train_pairs=pairs),
        scores=(
            *matrix("untrained", 0.1, step=0),
            *(score for step, value in scores.items() for score in matrix("trained", value, step=step)),
        ),
        rungs=tuple(Rung(step=step, seconds=0.1 * step + seed) for step in scores),
    )


FIRST, SECOND = trial({25: 0.2, 100: 0.3}), trial({100: 0.4}, seed=1)


def test_each_rung_is_a_point_with_its_seeds() -> None:
    (curve,) = curves([FIRST, SECOND], "f1_of_means", CROSS_DIRECTIONS)
    assert (curve.candidate, curve.train_pairs, curve.batch_pairs) == (FIRST.candidate, 64, 16)
    early, late = curve.points
    assert (early.steps, early.pairs, early.seconds, early.seeds) == (25, 400, 2.5, 1)
    assert early.scores == (Spread(mean=0.2, deviation=None),) * 2
    assert (late.steps, late.pairs, late.seconds, late.seeds) == (100, 1600, 10.5, 2)
    assert late.mean.mean == pytest.approx(0.35)
    assert late.mean.deviation == pytest.approx(0.1 / 2**0.5)


def test_the_mean_is_over_the_directions() -> None:
    (curve,) = curves([FIRST], "f1_of_means", DIRECTIONS)
    assert curve.directions == DIRECTIONS
    assert [spread.mean for spread in curve.points[0].scores] == pytest.approx([0.3, 0.3, 0.2, 0.2])
    assert curve.points[0].mean.mean == pytest.approx(0.25)


def test_trainings_of_other_length_are_points_of_one_curve() -> None:
    longer = trial({200: 0.5})
    (curve,) = curves([longer, FIRST], "f1_of_means", CROSS_DIRECTIONS)
    assert [(point.steps, point.mean.mean) for point in curve.points] == [(25, 0.2), (100, 0.3), (200, 0.5)]


def test_a_seed_trained_again_counts_the_newest_time() -> None:
    later = replace(FIRST.provenance, started_at="2027-01-01T00:00:00+00:00")
    again = replace(trial({100: 0.6}), trial_id="again", provenance=later)
    (curve,) = curves([again, FIRST], "f1_of_means", CROSS_DIRECTIONS)
    assert [(point.seeds, point.mean.mean) for point in curve.points] == [(1, 0.2), (1, 0.6)]


def test_subsets_and_candidates_have_curves_of_their_own_and_the_whole_comes_first() -> None:
    trials = [trial({100: 0.3}, pairs=32), trial({100: 0.3}, variant="sesd"), FIRST]
    found = curves(trials, "f1_of_means", CROSS_DIRECTIONS)
    assert [(curve.train_pairs, curve.candidate.variant) for curve in found] == [
        (64, "cecd"),
        (64, "sesd"),
        (32, "cecd"),
    ]
    assert curves(trials[::-1], "f1_of_means", CROSS_DIRECTIONS) == found


def test_of_several_neighbours_those_of_the_trial_count() -> None:
    (curve,) = curves([FIRST], "partner_recall", CROSS_DIRECTIONS)
    assert curve.k == 10
    assert curve.points[0].mean.mean == pytest.approx(0.2)  # at 1 it is a quarter of that, at 5 half


def test_what_looks_at_all_neighbours_has_no_number_of_them() -> None:
    (curve,) = curves([FIRST], "partner_mrr", CROSS_DIRECTIONS)
    assert curve.k is None


def test_a_direction_that_was_not_scored_is_left_out() -> None:
    (curve,) = curves([FIRST], "partner_recall", DIRECTIONS)
    assert curve.directions == CROSS_DIRECTIONS
    assert curves([FIRST], "partner_recall", DIRECTIONS[:2]) == ()


def test_without_scores_there_is_no_curve() -> None:
    assert curves([], "f1_of_means", DIRECTIONS) == ()
    assert curves([replace(FIRST, scores=())], "f1_of_means", DIRECTIONS) == ()
