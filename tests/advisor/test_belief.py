"""The posterior over candidates: what guideline and trials together say."""

from itertools import permutations

import numpy as np
import pytest

from advisor.belief import Lean, Measured, Model, PartBelief, Posterior, Relation, believe, stretch
from bench.result import Candidate

FOUR = tuple(Candidate(variant=variant, size="nano") for variant in ("cecd", "cesd", "secd", "sesd"))
SPECIFIC = (Lean(part="encoder", mean=0.005),)
COMMON = (Lean(part="encoder", mean=-0.005),)


def measured(*scores: float, error: float = 0.004, share: float = 0.05) -> Measured:
    """Independent errors of equal size."""
    own = FOUR[: len(scores)]
    cells = (np.eye(len(own)) * error**2).tolist()
    return Measured(candidates=own, scores=scores, covariance=tuple(map(tuple, cells)), share_of_full=share)


def part(posterior: Posterior, name: str) -> PartBelief:
    return next(p for p in posterior.parts if p.part == name)


def best(posterior: Posterior) -> dict[str, float]:
    return {belief.candidate.variant: belief.probability_best for belief in posterior.beliefs}


def test_without_trials_the_guideline_is_all_there_is() -> None:
    posterior = believe(FOUR, SPECIFIC, None)
    assert part(posterior, "encoder").mean == pytest.approx(0.005)
    assert part(posterior, "encoder").trials is None
    assert {round(100 * belief.advantage, 6) for belief in posterior.beliefs} == {0.25, -0.25}
    assert {belief.measured_share for belief in posterior.beliefs} == {0.0}
    assert posterior.share_of_full is None
    assert best(posterior)["secd"] + best(posterior)["sesd"] > 0.6


def test_without_trials_and_guideline_all_are_as_likely() -> None:
    posterior = believe(FOUR, (), None)
    assert list(best(posterior).values()) == pytest.approx([0.25] * 4, abs=0.02)
    assert [belief.advantage for belief in posterior.beliefs] == pytest.approx([0.0] * 4)


def test_exact_scores_of_full_trainings_leave_no_doubt() -> None:
    scores = (0.30, 0.31, 0.33, 0.32)
    posterior = believe(FOUR, COMMON, measured(*scores, error=1e-6, share=1.0))
    expected = dict(zip(("cecd", "cesd", "secd", "sesd"), np.array(scores) - np.mean(scores), strict=True))
    for belief in posterior.beliefs:
        assert belief.advantage == pytest.approx(expected[belief.candidate.variant], abs=1e-4)
        assert belief.measured_share == pytest.approx(1.0, abs=1e-4)
        assert belief.high - belief.low < 1e-4
    assert posterior.beliefs[0].candidate.variant == "secd"
    assert posterior.beliefs[0].probability_best == 1.0


def test_one_effect_is_the_textbook_mean_of_prior_and_measurement() -> None:
    # two candidates that differ in the encoder alone, at full length: a normal mean with known variances
    model = Model(encoder_deviation=0.01, own_deviation=1e-9, short_own=0.0)
    common, specific = FOUR[0], FOUR[2]
    error = 0.006
    found = Measured(
        candidates=(common, specific),
        scores=(0.30, 0.32),
        covariance=((error**2, 0.0), (0.0, error**2)),
        share_of_full=1.0,
    )
    encoder = part(believe((common, specific), SPECIFIC, found, model), "encoder")
    weight = 0.01**2 / (0.01**2 + 2 * error**2)
    assert encoder.mean == pytest.approx(0.005 + weight * (0.02 - 0.005), abs=1e-5)
    deviation = (1 / (1 / 0.01**2 + 1 / (2 * error**2))) ** 0.5
    assert encoder.high - encoder.low == pytest.approx(2 * 1.959964 * deviation, rel=1e-3)
    assert encoder.trials == pytest.approx(0.02)


def test_shorter_trials_say_less() -> None:
    widths = [
        part(believe(FOUR, (), measured(0.30, 0.30, 0.34, 0.34, share=share)), "encoder") for share in (1.0, 0.1, 0.001)
    ]
    assert [w.mean for w in widths] == sorted((w.mean for w in widths), reverse=True)
    assert [w.high - w.low for w in widths] == sorted(w.high - w.low for w in widths)


@pytest.mark.parametrize(("share", "expected"), [(1.0, 0.0), (0.1, 1.0), (0.0001, 2.0)])
def test_the_distortion_is_counted_in_tenths_of_the_full_training(share: float, expected: float) -> None:
    assert stretch(share) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("leans", "scores", "relation"),
    [
        (SPECIFIC, (0.30, 0.30, 0.32, 0.32), "agree"),
        (COMMON, (0.30, 0.30, 0.36, 0.36), "overruled"),
        (COMMON, (0.30, 0.30, 0.302, 0.302), "outweighs"),
        ((), (0.30, 0.30, 0.36, 0.36), "silent"),
    ],
)
def test_how_trials_and_guideline_stand_to_each_other(
    leans: tuple[Lean, ...], scores: tuple[float, ...], relation: Relation
) -> None:
    assert part(believe(FOUR, leans, measured(*scores)), "encoder").relation == relation


def test_trials_of_one_kind_say_nothing_of_the_other() -> None:
    encoder = part(believe(FOUR, SPECIFIC, measured(0.30, 0.31)), "encoder")
    assert (encoder.trials, encoder.relation) == (None, "silent")
    assert encoder.mean == pytest.approx(0.005)


def test_a_candidate_that_was_not_trained_is_expected_by_what_it_shares_with_others() -> None:
    posterior = believe(FOUR, (), measured(0.30, 0.34, 0.30, error=0.001, share=1.0))  # a specific decoder helps
    expected = {belief.candidate.variant: belief.advantage for belief in posterior.beliefs}
    assert expected["sesd"] > expected["secd"]
    spread = {belief.candidate.variant: belief.high - belief.low for belief in posterior.beliefs}
    assert spread["sesd"] > spread["cesd"]


def test_order_does_not_matter() -> None:
    found = measured(0.30, 0.31, 0.33, 0.32)
    answers = []
    for order in permutations(range(4)):
        shuffled = Measured(
            candidates=tuple(found.candidates[n] for n in order),
            scores=tuple(found.scores[n] for n in order),
            covariance=found.covariance,
            share_of_full=found.share_of_full,
        )
        answers.append(believe([FOUR[n] for n in order], COMMON, shuffled))
    for answer in answers[1:]:
        assert [b.candidate for b in answer.beliefs] == [b.candidate for b in answers[0].beliefs]
        assert [b.advantage for b in answer.beliefs] == pytest.approx([b.advantage for b in answers[0].beliefs])
        assert [b.probability_best for b in answer.beliefs] == pytest.approx(
            [b.probability_best for b in answers[0].beliefs], abs=1e-3
        )


def test_probabilities_add_up_and_intervals_hold_the_expectation() -> None:
    posterior = believe((*FOUR, Candidate(variant="secd", size="small")), COMMON, measured(0.30, 0.31, 0.33, 0.32))
    assert sum(belief.probability_best for belief in posterior.beliefs) == pytest.approx(1.0)
    assert all(belief.low < belief.advantage < belief.high for belief in posterior.beliefs)
    assert sum(belief.advantage for belief in posterior.beliefs) == pytest.approx(0.0, abs=1e-9)
