from math import sqrt

import numpy as np
import pytest
from scipy import stats

from bench.score.family import HELD_TO, AllPairs, Bonferroni
from bench.score.interval import contrast, f1_statistic, mean_statistic
from bench.score.resample import Sample
from bench.score.ties import noise_floor, tied_group

NAMES = ("a", "b", "c", "d")


def experiment(
    random: np.random.Generator, *, gap: float = 0.0, queries: int = 120, seeds: int = 3
) -> dict[str, Sample]:
    """Four candidates, the last better by `gap`; errors about those of short trials with three seeds."""
    hardness = random.normal(0.38, 0.2, size=(1, queries, 4))
    return {
        name: hardness
        + random.normal(0, 0.08, size=(1, queries, 4))
        + random.normal(0, 0.12, size=(seeds, queries, 4))
        + random.normal(0, 0.006, size=(seeds, 1, 1))
        + (gap if name == "d" else 0.0)
        for name in NAMES
    }


@pytest.mark.parametrize("candidates", [2, 3, 4, 8, 16])
@pytest.mark.parametrize("freedom", [1, 2, 3.3, 8, 60, 1000])
def test_intervals_of_all_pairs_reach_as_far_as_the_studentized_range(candidates: int, freedom: float) -> None:
    expected = stats.studentized_range.ppf(1 - 0.05 * HELD_TO, candidates, freedom) / sqrt(2)
    assert AllPairs(level=0.95, candidates=candidates).critical(freedom) == pytest.approx(expected, rel=2e-3)


def test_one_pair_is_one_comparison() -> None:
    pair, one = AllPairs(level=0.95, candidates=2), Bonferroni(level=1 - 0.05 * HELD_TO, comparisons=1)
    assert pair.comparisons == 1
    assert pair.critical(12.0) == pytest.approx(one.critical(12.0), rel=1e-3)


def test_degrees_of_freedom_are_rounded_to_the_safe_side() -> None:
    family = AllPairs(level=0.95, candidates=4)
    assert family.critical(8.39) == family.critical(8.3) > family.critical(8.4)
    assert family.critical(float("inf")) == pytest.approx(
        stats.studentized_range.ppf(1 - 0.05 * HELD_TO, 4, np.inf) / sqrt(2), rel=1e-3
    )


def test_all_pairs_reach_less_far_than_bonferroni() -> None:
    pairs = AllPairs(level=0.95, candidates=6)
    bonferroni = Bonferroni(level=1 - 0.05 * HELD_TO, comparisons=pairs.comparisons)
    assert pairs.critical(12.0) < 0.97 * bonferroni.critical(12.0)


def test_gaps_are_contrasts_with_the_highest_mean() -> None:
    samples = experiment(np.random.default_rng(1), gap=0.05)
    tie = tied_group(samples, f1_statistic(2))
    assert tie.leader == "d"
    assert tie.gaps["d"] is None
    for number, name in enumerate("abc"):
        weights = [float(number == i) - (i == 3) for i in range(4)]
        one = contrast(list(samples.values()), weights, f1_statistic(2))
        gap = tie.gaps[name]
        assert one is not None
        assert gap is not None
        assert (gap.estimate, gap.error, gap.comparisons) == (one.estimate, one.error, 6)
        assert gap.low < one.low < one.high < gap.high


def test_members_are_the_leader_and_those_not_decided_against() -> None:
    samples = experiment(np.random.default_rng(2))
    samples["d"] = samples["a"] + 0.2
    samples["c"] = samples["d"] - 1e-3
    assert tied_group(samples, f1_statistic(2)).members == ("d", "c")
    assert tied_group(samples, f1_statistic(2), costs={"a": 1, "b": 1, "c": 3, "d": 4}).members == ("c", "d")


def test_the_first_of_equal_candidates_leads_and_none_is_out() -> None:
    sample = np.random.default_rng(3).random((3, 40, 4))
    tie = tied_group(dict.fromkeys("xyz", sample), f1_statistic(2))
    assert (tie.leader, tie.members) == ("x", ("x", "y", "z"))


@pytest.mark.parametrize("seeds", [1, 2])
def test_without_known_noise_all_are_members(seeds: int) -> None:
    samples = experiment(np.random.default_rng(4), gap=0.3, queries=1 if seeds == 2 else 50, seeds=seeds)
    tie = tied_group(samples, f1_statistic(2))
    assert (tie.leader, set(tie.members), set(tie.gaps.values())) == ("d", set(NAMES), {None})


def test_a_single_candidate_is_its_own_group() -> None:
    tie = tied_group({"a": np.random.default_rng(5).random((3, 20, 2))}, mean_statistic)
    assert (tie.leader, tie.members, tie.gaps) == ("a", ("a",), {"a": None})


def test_noise_floor_is_the_pooled_deviation_with_its_chi_square_interval() -> None:
    random = np.random.default_rng(6)
    samples = {name: random.random((seeds, 30, 1)) for name, seeds in zip("abc", (1, 3, 4), strict=True)}
    floor = noise_floor(samples, mean_statistic, level=0.9)
    assert floor is not None
    scores = [sample[:, :, 0].mean(axis=1) for sample in samples.values()]
    squares = sum(((s - s.mean()) ** 2).sum() for s in scores)
    assert floor.freedom == 2 + 3
    assert floor.deviation == pytest.approx(sqrt(squares / 5))
    ends = [sqrt(squares / stats.chi2.ppf(p, 5)) for p in (0.95, 0.05)]
    assert (floor.low, floor.high) == pytest.approx(ends)


def test_noise_floor_is_unknown_with_single_seeds() -> None:
    assert noise_floor({"a": np.ones((1, 9, 1)), "b": np.ones((1, 9, 1))}, mean_statistic) is None


def test_equal_candidates_are_seldom_told_apart_and_a_big_gap_is_found() -> None:
    random = np.random.default_rng(9)

    def out(gap: float, seed: int) -> bool:
        tie = tied_group(experiment(random, gap=gap), f1_statistic(2), resamples=100, seed=seed)
        return len(tie.members) < len(NAMES)

    assert np.mean([out(0.0, seed) for seed in range(300)]) <= 0.08
    assert np.mean([out(0.05, seed) for seed in range(30)]) >= 0.95
