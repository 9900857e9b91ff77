"""Capacity or data in words, from records that are made up."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from advisor.diagnosis import growth_words
from advisor.growth import Crossing, Growth, Verdict
from advisor.line import Bounds
from bench.profile.dataset import DatasetProfile
from bench.result import Candidate, Outcome
from bench.score.goal import GOALS
from fakes import DATASET, REAL_DATASET, UNLABELLED_DATASET, trial_result

NANO, TINY = (Candidate(variant="cecd", size=size) for size in ("nano", "tiny"))
UP, LEVEL = Bounds(estimate=0.013, low=0.009, high=0.017), Bounds(estimate=0.001, low=-0.003, high=0.005)
DOWN = Bounds(estimate=-0.02, low=-0.03, high=-0.01)
WITH_PAIRS = Growth(
    over="pairs",
    candidates=(NANO,),
    levels=(64, 256, 512, 2048),
    pairs=2048,
    trainings=12,
    per_doubling=UP,
    verdict="rising",
    reason="",
)
WITH_WIDTH = replace(
    WITH_PAIRS, over="width", candidates=(NANO, TINY), levels=(96, 192), per_doubling=LEVEL, verdict="flat"
)
CROSSING = Crossing(
    small="nano",
    large="tiny",
    variants=("cecd",),
    measured=2048,
    ahead=DOWN,
    pairs=Bounds(estimate=12_345, low=8_123, high=17_000),
    refusal="",
)


Say = Callable[..., list[str]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    """The words for what is given as found in trials of two sizes on 64 and 2,048 pairs."""

    def words(*growths: Growth, crossing: Crossing | None = None, dataset: DatasetProfile = REAL_DATASET) -> list[str]:
        monkeypatch.setattr("advisor.diagnosis.growths", lambda *_, **__: growths)
        monkeypatch.setattr("advisor.diagnosis.crossings", lambda _: (crossing,) if crossing else ())
        made = [trial_result(dataset=dataset, size=size) for size in ("nano", "tiny")]
        on = [
            replace(t, trial_id=f"{t.trial_id}-{n}", data=replace(t.data, train_pairs=n)) for t in made for n in PAIRS
        ]
        return growth_words(on, GOALS["cross"])

    return words


PAIRS = (64, 2048)


def test_growth_is_a_number_an_interval_and_a_range(say: Say) -> None:
    first, second, *_ = say(WITH_PAIRS, WITH_WIDTH)
    assert first == (
        "The score rises with training pairs at nano size: +1.3 [+0.9, +1.7] points of cross-sensor F1@10 for each "
        "doubling, 64 to 2,048 pairs"
    )
    assert second == (
        "The score hardly changes with width on 2,048 pairs: +0.1 [−0.3, +0.5] points of cross-sensor F1@10 for each "
        "doubling, nano to tiny"
    )


def test_what_is_open_says_why(say: Say) -> None:
    wide = Bounds(estimate=0.004, low=-0.02, high=0.028)
    unsure = replace(WITH_PAIRS, per_doubling=wide, verdict="unknown", reason="that is why")
    refused = replace(unsure, per_doubling=None)
    head = "Whether the score rises with training pairs is open at nano size: "
    assert say(unsure)[0] == (
        f"{head}+0.4 [−2.0, +2.8] points of cross-sensor F1@10 for each doubling, 64 to 2,048 pairs: that is why"
    )
    assert say(refused)[0] == f"{head}that is why"


@pytest.mark.parametrize(
    ("pairs", "width", "answer"),
    [
        ("rising", "flat", "Data, not capacity, limits the score at 100 steps: more pairs before a larger network"),
        ("rising", "falling", "Data, not capacity, limits the score at 100 steps: more pairs before a larger network"),
        ("flat", "rising", "Capacity, not data, limits the score at 100 steps: a larger network before more pairs"),
        ("rising", "rising", "Both data and capacity limit the score at 100 steps: a doubling of the pairs adds more"),
        ("flat", "falling", "Neither data nor capacity limits the score at 100 steps"),
        ("unknown", "rising", None),
        ("rising", "unknown", None),
    ],
)
def test_data_or_capacity_is_answered_where_both_are_known(
    say: Say, pairs: Verdict, width: Verdict, answer: str | None
) -> None:
    bounds = {"rising": UP, "falling": DOWN, "flat": LEVEL, "unknown": LEVEL}
    lower = Bounds(estimate=0.01, low=0.005, high=0.015)
    words = say(
        replace(WITH_PAIRS, verdict=pairs, per_doubling=bounds[pairs]),
        replace(WITH_WIDTH, verdict=width, per_doubling=lower if width == "rising" else bounds[width]),
    )
    assert words[2:-1] == ([answer] if answer else [])


TINY_PAIRS = replace(WITH_PAIRS, candidates=(TINY,))
BESIDE = "; on 2,048 pairs tiny is −2.0 [−3.0, −1.0] points from nano"


@pytest.mark.parametrize(
    ("crossing", "words"),
    [
        (
            CROSSING,
            "tiny beats nano from about 12,000 pairs on [8,100, 17,000], about 10,000 more than were measured" + BESIDE,
        ),
        (
            replace(CROSSING, pairs=Bounds(estimate=12_345, low=8_123, high=20_480)),
            "tiny beats nano from about 12,000 pairs on [8,100, 20,000 or more], about 10,000 more than were measured"
            + BESIDE,
        ),
        (
            replace(CROSSING, pairs=Bounds(estimate=512, low=96, high=1_100)),
            "tiny beats nano from about 510 pairs on [96, 1,100], fewer than the 2,048 measured" + BESIDE,
        ),
        (
            replace(CROSSING, pairs=None, refusal="that is why"),
            "From how many pairs on tiny beats nano cannot be said: that is why" + BESIDE,
        ),
        (
            replace(CROSSING, pairs=None, ahead=None, refusal="that is why"),
            "From how many pairs on tiny beats nano cannot be said: that is why",
        ),
    ],
)
def test_a_crossing_is_told_to_two_digits(say: Say, crossing: Crossing, words: str) -> None:
    assert say(WITH_PAIRS, TINY_PAIRS, crossing=crossing)[2] == words


def test_a_crossing_is_told_only_where_both_sizes_had_subsets(say: Say) -> None:
    assert not any("beats" in words for words in say(WITH_PAIRS, WITH_WIDTH, crossing=CROSSING))


def test_the_last_sentence_says_what_the_trainings_share(say: Say) -> None:
    assert say(WITH_PAIRS)[-1] == (
        "These compare 4 trainings of 100 steps, which saw each of 64 pairs 25 times and each of 2,048 pairs 0.8 "
        "times; the smaller subsets lie inside the larger, and the luck of that one draw is in no interval; sizes "
        "differ in depth as well as in width, and a larger one may need more steps"
    )
    assert say(WITH_PAIRS, dataset=DATASET)[-1].endswith("; the data are synthetic")


def test_where_neither_pairs_nor_width_was_varied_nothing_is_said() -> None:
    assert growth_words([], GOALS["cross"]) == []
    assert growth_words([trial_result(seed=seed) for seed in range(3)], GOALS["cross"]) == []
    assert growth_words([trial_result(outcome=Outcome.FAILED)], GOALS["cross"]) == []


def test_of_two_data_sets_the_one_tried_last_counts() -> None:
    later = replace(trial_result().provenance, started_at="2027-01-01T00:00:00+00:00")
    unlike = trial_result(dataset=UNLABELLED_DATASET, provenance=later)
    assert growth_words([trial_result(), trial_result(size="tiny")], GOALS["cross"]) != []
    assert growth_words([trial_result(), trial_result(size="tiny"), unlike], GOALS["cross"]) == []
