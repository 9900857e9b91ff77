"""Equal time read off made-up curves."""

from dataclasses import replace

import pytest

from advisor.pace import equal_seconds
from bench.result import Candidate, Rung, TrialResult
from bench.score.goal import GOALS, labelled
from fakes import matrix, trial_result

YARDSTICK = labelled(GOALS["cross"], 10)
FAST, SLOW = (Candidate(variant=variant, size="nano") for variant in ("cecd", "sesd"))


def trial(variant: str, step_seconds: float, scores: dict[int, float], seed: int = 0) -> TrialResult:
    """A trial scored at these steps."""
    return replace(
        trial_result(variant=variant, seed=seed, steps=max(scores)),
        scores=tuple(s for step, value in scores.items() for s in matrix("trained", value, step=step)),
        rungs=tuple(Rung(step=step, seconds=step * step_seconds) for step in scores),
    )


CURVE = {50: 0.2, 100: 0.3, 200: 0.4}


def test_the_slower_candidate_is_read_off_before_its_end() -> None:
    found = equal_seconds([trial("cecd", 0.1, CURVE), trial("sesd", 0.2, CURVE)], YARDSTICK)
    assert found is not None
    assert found.seconds == pytest.approx(20.0)
    assert found.scores == {FAST: pytest.approx(0.4), SLOW: pytest.approx(0.3)}
    assert list(found.scores) == [FAST, SLOW]
    assert found.seeds == 1


def test_between_two_rungs_the_score_is_interpolated() -> None:
    found = equal_seconds([trial("cecd", 0.1, CURVE), trial("sesd", 0.125, CURVE)], YARDSTICK)
    assert found is not None
    assert found.scores[SLOW] == pytest.approx(0.3 + 0.1 * (160 - 100) / 100)


def test_seeds_are_averaged_and_those_without_rungs_left_out() -> None:
    other = {50: 0.2, 100: 0.3, 200: 0.5}
    trials = [trial("cecd", 0.1, CURVE), trial("cecd", 0.1, other, seed=1), trial("cecd", 0.1, {200: 0.9}, seed=2)]
    found = equal_seconds([*trials, trial("sesd", 0.1, CURVE)], YARDSTICK)
    assert found is not None
    assert found.scores[FAST] == pytest.approx(0.45)


@pytest.mark.parametrize(
    "trials",
    [
        [],
        [trial("cecd", 0.1, CURVE)],
        [trial("cecd", 0.1, CURVE), trial("sesd", 0.1, {200: 0.4})],
        [trial("cecd", 0.1, CURVE), trial("sesd", 1.0, CURVE)],
        [trial("cecd", 0.1, CURVE), trial("mae", 0.1, CURVE)],
        [trial("cecd", 0.1, CURVE), replace(trial("sesd", 0.1, CURVE), device="cuda:0")],
    ],
    ids=["nothing", "one candidate", "one rung", "too slow", "a baseline", "another device"],
)
def test_where_time_cannot_be_made_equal_nothing_is_said(trials: list[TrialResult]) -> None:
    assert equal_seconds(trials, YARDSTICK) is None
