"""Growth with pairs and width, crossings and extrapolation, of trainings whose scores are made up."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from math import log2
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from advice_fakes import UNLABELLED
from advisor.diagnosis import growth_words
from advisor.growth import Crossing, Growth, crossings, extrapolate, growths
from advisor.series import Series, series
from bench.result import Candidate, Outcome, QueryScores, TrialResult
from bench.score.goal import GOALS, unlabelled
from fakes import trial_result

YARDSTICK = unlabelled(10)
QUERIES = UNLABELLED.pairs["query"]
PAIRS = (256, 512, 1024, 2048)


def trained(score: float, *, pairs: int, noise: float = 0.004, **changes: Any) -> TrialResult:  # noqa: ANN401  as for trial_result
    """A training on a subset; its score differs from the given one by the noise of its seed."""
    result = trial_result(**{"dataset": UNLABELLED} | changes)
    random = np.random.default_rng(crc32(f"{result.trial_id} {pairs}".encode()))
    values = np.random.default_rng(9).normal(0, 0.2, QUERIES) + random.normal(0, 0.03, QUERIES)
    values += score - values.mean() + random.normal(0, noise)
    return replace(
        result,
        trial_id=f"{result.trial_id}-{pairs}",
        data=replace(result.data, train_pairs=pairs),
        query_scores=tuple(
            QueryScores(query=a, archive=b, metric="partner_recall", k=10, values=tuple(values.tolist()))
            for a, b in YARDSTICK.goal.directions
        ),
    )


def ladder(
    slope: float,
    *,
    level: float = 0.3,
    pairs: Iterable[int] = PAIRS,
    seeds: int = 3,
    bend: float = 0.0,
    **changes: Any,  # noqa: ANN401  as for trial_result
) -> list[TrialResult]:
    """Trainings whose score rises by the slope a doubling and is the level with 2,048 pairs."""
    doublings = {n: log2(n / 2048) for n in pairs}
    return [
        trained(level + slope * x + bend * x**2, pairs=n, seed=seed, **changes)
        for (n, x), seed in product(doublings.items(), range(seeds))
    ]


def study(trials: Iterable[TrialResult]) -> Series:
    found = series(trials, YARDSTICK)
    assert found is not None
    return found


def grown(trials: Iterable[TrialResult], **options: Any) -> tuple[Growth, ...]:  # noqa: ANN401  as for growths
    return growths(study(trials), **options)


def crossed(*trials: TrialResult) -> Crossing:
    (crossing,) = crossings(study(trials))
    return crossing


@pytest.mark.parametrize(
    ("slope", "verdict"), [(0.02, "rising"), (-0.02, "falling"), (0.0, "flat"), (0.001, "flat"), (0.1, "rising")]
)
def test_the_slope_is_found_and_judged(slope: float, verdict: str) -> None:
    growth = grown(ladder(slope))[0]
    assert growth.per_doubling is not None
    assert growth.per_doubling.low <= slope <= growth.per_doubling.high
    assert growth.per_doubling.estimate == pytest.approx(slope, abs=0.004)
    assert (growth.over, growth.verdict, growth.reason) == ("pairs", verdict, "")
    assert (growth.levels, growth.pairs, growth.trainings) == (PAIRS, 2048, 12)


def test_an_interval_with_zero_and_more_than_the_margin_is_no_verdict() -> None:
    growth = grown(ladder(0.002, noise=0.03))[0]
    assert growth.verdict == "unknown"
    assert growth.per_doubling is not None
    assert growth.reason == "the interval holds both nothing and a change that matters"
    assert grown(ladder(0.002, noise=0.03), margin=0.2)[0].verdict == "flat"


def test_variants_of_a_size_share_a_slope_whatever_their_level() -> None:
    trials = [*ladder(0.02, seeds=2), *ladder(0.02, level=0.4, variant="sesd", seeds=2)]
    together, _ = grown(trials)
    *apart, _ = grown(trials, apart=True)
    cecd, sesd = (Candidate(variant=variant, size="nano") for variant in ("cecd", "sesd"))
    assert [growth.candidates for growth in (together, *apart)] == [(cecd, sesd), (cecd,), (sesd,)]
    bounds = [growth.per_doubling for growth in (together, *apart) if growth.per_doubling]
    assert len(bounds) == 3
    assert all(one.low <= 0.02 <= one.high for one in bounds)
    pooled, *alone = (one.high - one.low for one in bounds)
    assert pooled < max(alone)


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        (ladder(0.02, pairs=(1024, 2048)), "3 subsets of different size are needed to see a trend, 2 there"),
        (ladder(0.02, seeds=1), "3 trainings repeated with another seed are needed to know the noise, 0 there"),
        (ladder(0.02, bend=-0.01), "each doubling adds less and less, so no one number holds"),
        (ladder(0.02, bend=0.01), "each doubling adds more and more, so no one number holds"),
        (
            [*ladder(0.06), *ladder(-0.06, variant="secd")],
            "the scores scatter about a straight line over doublings by more than seeds and queries explain",
        ),
    ],
    ids=["two subsets", "one seed", "flattens", "steepens", "variants differ"],
)
def test_what_the_trainings_cannot_say_is_refused_in_words(trials: list[TrialResult], reason: str) -> None:
    growth = grown(trials)[0]
    assert (growth.verdict, growth.per_doubling, growth.reason) == ("unknown", None, reason)


def test_growth_with_width_is_told_by_two_sizes_on_the_same_pairs() -> None:
    trials = [*ladder(0.01), *ladder(0.01, level=0.36, size="tiny", pairs=(2048,))]
    width = grown(trials)[-1]
    assert (width.over, width.levels, width.pairs, width.trainings) == ("width", (96, 192), 2048, 6)
    assert width.verdict == "rising"
    assert width.per_doubling is not None
    assert width.per_doubling.low <= 0.06 <= width.per_doubling.high


def test_one_size_tells_nothing_of_width() -> None:
    assert grown(ladder(0.02))[-1].reason == "2 widths are needed to see a trend, 1 there"


@pytest.mark.parametrize(
    "other",
    [{"steps": 200}, {"precision": "bf16"}, {"k": 5}, {"outcome": Outcome.FAILED}, {"variant": "mae"}],
    ids=["steps", "arithmetic", "neighbours", "failed", "a baseline"],
)
def test_trainings_of_another_kind_do_not_count(other: dict[str, Any]) -> None:
    kept = ladder(0.02)
    stray = [trained(0.9, pairs=256, seed=7, **other)]
    assert grown(kept + stray) == grown(kept)


def test_the_setting_with_the_most_subsets_is_looked_at() -> None:
    kept = ladder(0.02, seeds=2)
    assert grown([*ladder(0.3, pairs=(2048,), seeds=9, steps=900), *kept]) == grown(kept)


def test_a_seed_again_counts_once_and_the_newest_time() -> None:
    kept = ladder(0.02)
    older = replace(kept[0].provenance, started_at="2025-01-01T00:00:00+00:00")
    again = [replace(trained(0.9, pairs=256, seed=0), trial_id="again", provenance=older)]
    assert grown(kept + again) == grown(kept)


def test_order_changes_nothing() -> None:
    trials = [*ladder(0.02), *ladder(0.03, level=0.35, size="tiny"), *ladder(0.02, variant="sesd", steps=200)]
    shuffled = [trials[number] for number in np.random.default_rng(0).permutation(len(trials))]
    assert grown(shuffled) == grown(trials)
    assert crossed(*shuffled) == crossed(*trials)
    assert growth_words(shuffled, GOALS["cross"]) == growth_words(trials, GOALS["cross"])


def test_a_crossing_ahead_is_found_with_an_interval_around_it() -> None:
    # the larger one is 2 points behind with 2,048 pairs and gains 2 points a doubling more: level with 4,096
    crossing = crossed(*ladder(0.01, seeds=5), *ladder(0.03, level=0.28, size="tiny", seeds=5))
    assert (crossing.small, crossing.large, crossing.variants) == ("nano", "tiny", ("cecd",))
    assert (crossing.measured, crossing.refusal) == (2048, "")
    assert crossing.pairs is not None
    assert crossing.pairs.low < 4096 < crossing.pairs.high
    assert crossing.pairs.estimate == pytest.approx(4096, rel=0.3)
    assert crossing.ahead is not None
    assert crossing.ahead.low <= -0.02 <= crossing.ahead.high


def test_a_crossing_within_what_was_measured_is_found() -> None:
    crossing = crossed(*ladder(0.01), *ladder(0.04, level=0.33, size="tiny"))
    assert crossing.pairs is not None
    assert crossing.pairs.estimate == pytest.approx(1024, rel=0.3)


@pytest.mark.parametrize(
    ("large", "refusal"),
    [
        (ladder(0.01, level=0.32, size="tiny"), "the trainings cannot tell whether one gains more from pairs"),
        (ladder(-0.02, level=0.28, size="tiny"), "tiny gains less from pairs than nano"),
        (ladder(0.03, level=0.20, size="tiny"), "it lies beyond 10 times the 2,048 pairs measured"),
        (ladder(0.03, level=0.40, size="tiny"), "tiny scores higher already on 256 pairs, the fewest measured"),
        (ladder(0.03, size="tiny", pairs=(1024, 2048)), "tiny: 3 subsets of different size are needed"),
        (ladder(0.03, size="tiny", seeds=1), "tiny: 3 trainings repeated with another seed"),
        (ladder(0.03, size="tiny", bend=-0.02), "tiny: each doubling adds less and less"),
    ],
    ids=["parallel", "falls behind", "too far", "before", "two subsets", "one seed", "bends"],
)
def test_a_crossing_that_cannot_be_named_is_refused_in_words(large: list[TrialResult], refusal: str) -> None:
    crossing = crossed(*ladder(0.01), *large)
    assert crossing.pairs is None
    assert crossing.refusal.startswith(refusal)


def test_sizes_without_a_common_variant_are_not_crossed() -> None:
    assert crossings(study([*ladder(0.01), *ladder(0.03, size="tiny", variant="sesd")])) == ()


CECD = (Candidate(variant="cecd", size="nano"),)


def test_the_further_a_curve_is_drawn_on_the_wider_its_interval() -> None:
    found = study(ladder(0.02))
    drawn = [extrapolate(found, CECD, pairs).score for pairs in (2048, 4096, 8192, 16384)]
    widths = [bounds.high - bounds.low for bounds in drawn if bounds]
    assert len(widths) == 4
    assert widths == sorted(widths)
    assert drawn[-1] is not None
    assert drawn[-1].estimate == pytest.approx(0.3 + 3 * 0.02, abs=0.01)
    assert drawn[0] is not None
    assert drawn[-1].low <= drawn[0].low  # it may have stopped rising where measuring ended


@pytest.mark.parametrize(
    ("trials", "pairs", "refusal"),
    [
        (ladder(0.02), 16385, "16,385 pairs are more than 8 times the 2,048 measured"),
        (ladder(0.02), 255, "255 pairs are below the 256 measured"),
        (ladder(0.02, bend=-0.01), 4096, "each doubling adds less and less, so no one number holds"),
    ],
)
def test_a_curve_is_not_drawn_on_beyond_its_rules(trials: list[TrialResult], pairs: int, refusal: str) -> None:
    told = extrapolate(study(trials), CECD, pairs)
    assert (told.score, told.refusal) == (None, refusal)


def test_an_extrapolated_share_stays_a_share() -> None:
    score = extrapolate(study(ladder(0.2, level=0.9)), CECD, 16384).score
    assert score is not None
    assert 0 <= score.low <= score.estimate <= score.high == 1.0


def test_candidates_of_two_sizes_have_no_curve_in_common() -> None:
    found = study([*ladder(0.02), *ladder(0.02, size="tiny")])
    with pytest.raises(ValueError, match="CECD tiny"):
        extrapolate(found, (*CECD, Candidate(variant="cecd", size="tiny")), 4096)
