"""How many seeds and queries: against simulations, and against what was measured on real pairs beforehand."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from bench.score.family import AllPairs, Bonferroni
from bench.score.interval import Contrast, contrast, mean_statistic, measure_noise
from bench.score.power import MOST_SEEDS, Pilot
from bench.score.ties import tied_group

MANY = 10**9


def pilot(
    *,
    seed: float = 0.0097,
    alone: float = 0.0,
    shared: float = 0.31 / sqrt(2),
    seeds: int = 3,
    queries: int = 468,
    candidates: int = MANY,
    comparisons: int = 1,
) -> Pilot:
    """A difference of two candidates by its deviations: of a seed, of a query, of a query within a seed.

    The defaults are what four variants showed on 468 crops of real pairs (seed deviation about 1.0 points, 31 points
    of a query in the difference of two single seeds, 18 in that of three each).
    """
    of_seeds, of_queries = sqrt(2) * seed / sqrt(seeds), sqrt(2) * sqrt((alone**2 + shared**2 / seeds) / queries)
    found = Contrast(
        estimate=0.02,
        low=0.0,
        high=0.0,
        level=0.95,
        comparisons=comparisons,
        seed_error=of_seeds,
        query_error=of_queries,
        shared_error=sqrt(2) * shared / sqrt(seeds * queries),
        seed_freedom=candidates * (seeds - 1),
        query_freedom=queries - 1,
    )
    reach = Bonferroni(level=0.95, comparisons=comparisons).critical(found.freedom) * found.error
    return Pilot(contrast=replace(found, low=0.02 - reach, high=0.02 + reach), seeds=seeds, queries=queries)


def test_two_points_take_what_they_took_on_real_pairs() -> None:
    """About 5 seeds and 1,400 queries; with 3 seeds no number of queries, by normal quantiles and two variances."""
    known_well = pilot()
    needed = known_well.needed(0.02, most_queries=1500)
    assert (needed.seeds, needed.reachable) == (5, True)
    assert needed.queries == pytest.approx(1400, rel=0.05)
    assert known_well.power(0.02, seeds=5, queries=1400) == pytest.approx(0.8, abs=0.01)
    assert known_well.power(0.02, seeds=3, queries=MANY) < 0.8
    for queries, seeds in ((290, 5), (800, 3)):  # there the interval just excludes zero
        assert known_well.power(0.02, seeds=seeds, queries=queries) == pytest.approx(0.5, abs=0.02)


def test_an_uncertain_variance_between_seeds_costs_power() -> None:
    sure, unsure = pilot(), pilot(candidates=2)
    assert unsure.power(0.02, seeds=5, queries=1400) < sure.power(0.02, seeds=5, queries=1400) - 0.05
    assert unsure.needed(0.02, most_queries=1500).seeds > 5


def test_more_comparisons_cost_power() -> None:
    assert pilot(comparisons=6).power(0.02, seeds=5, queries=1400) < pilot().power(0.02, seeds=5, queries=1400) - 0.2


@pytest.mark.parametrize(("seeds", "queries"), [(2, 300), (5, 468), (12, 5000)])
def test_smallest_gap_is_the_one_that_is_found_with_the_power(seeds: int, queries: int) -> None:
    gap = pilot(candidates=2).smallest_gap(seeds=seeds, queries=queries)
    assert pilot(candidates=2).power(gap, seeds=seeds, queries=queries) == pytest.approx(0.8, abs=1e-3)


@pytest.mark.parametrize("gap", [0.01, 0.02, 0.05])
def test_needed_seeds_and_queries_are_the_fewest(gap: float) -> None:
    found = pilot(candidates=4)
    needed = found.needed(gap, most_queries=3000)
    assert needed.reachable
    assert found.power(gap, seeds=needed.seeds, queries=needed.queries) == needed.power >= 0.8
    assert found.power(gap, seeds=needed.seeds - 1, queries=3000) < 0.8
    assert found.power(gap, seeds=needed.seeds, queries=needed.queries - 1) < 0.8


def test_only_trainings_still_to_be_done_cost_time() -> None:
    needed = pilot().needed(0.02, most_queries=1500, seconds_per_seed=40.0)
    assert needed.seconds == 40.0 * (5 - 3)
    assert pilot().needed(0.2, seconds_per_seed=40.0).seconds == 0
    assert pilot().needed(0.02).seconds is None


def test_the_estimate_is_the_gap_when_none_is_given() -> None:
    assert pilot().needed() == pilot().needed(0.02) == pilot().needed(-0.02)


def test_what_is_out_of_reach_says_why() -> None:
    few_queries = pilot(seed=0.001, alone=0.3).needed(0.02)
    assert not few_queries.reachable
    assert few_queries.why_not == "20 seeds and 468 queries are not enough: about 3,700 queries are needed"
    assert few_queries.seeds == MOST_SEEDS
    assert 3600 < few_queries.queries <= 3700
    level = pilot().needed(0.001)
    assert level.why_not == "20 seeds are not enough, however many the queries"
    assert (level.seeds, level.queries) == (MOST_SEEDS, 468)
    assert level.power < 0.1


def test_single_seeds_find_nothing() -> None:
    assert pilot().power(0.5, seeds=1, queries=5000) == 0


def test_without_any_noise_the_least_is_enough() -> None:
    found = contrast([np.full((2, 20, 1), value) for value in (0.5, 0.25)], (1, -1), mean_statistic)
    assert found is not None
    settled = Pilot(contrast=found, seeds=2, queries=20)
    needed = settled.needed()
    assert (needed.seeds, needed.queries, needed.power) == (2, 2, 1.0)
    assert settled.power(0.0, seeds=2, queries=20) == 0
    assert settled.smallest_gap(seeds=2, queries=20) == 0


def simulated(random: np.random.Generator, gap: float, *, seeds: int, queries: int) -> list[np.ndarray]:
    hard = random.normal(0, 0.3, (1, queries, 1))
    return [
        lift
        + hard
        + random.normal(0, 0.05, (1, queries, 1))
        + random.normal(0, 0.2, (seeds, queries, 1))
        + random.normal(0, 0.01, (seeds, 1, 1))
        for lift in (gap, 0.0)
    ]


def test_a_true_gap_is_found_as_often_as_stated() -> None:
    """The errors of a large pilot say what small trials find."""
    random = np.random.default_rng(3)
    noise = measure_noise(simulated(random, 0.0, seeds=150, queries=1500), mean_statistic, resamples=500)
    assert noise is not None
    measured = noise.contrast((1, -1), AllPairs(level=0.95, candidates=2))
    stated = Pilot(contrast=measured, seeds=150, queries=1500).power(0.05, seeds=4, queries=80)
    found = []
    for seed in range(300):
        samples = dict(enumerate(simulated(random, 0.05, seeds=4, queries=80)))
        found.append(tied_group(samples, mean_statistic, resamples=100, seed=seed).members == (0,))
    assert 0.4 < stated < 0.9
    assert np.mean(found) == pytest.approx(stated, abs=0.08)


def test_all_pairs_are_planned_as_they_are_judged() -> None:
    """A family whose intervals reach less far than Bonferroni's is planned with its own reach."""
    found = pilot(candidates=4, comparisons=6)
    narrow = AllPairs(level=0.95, candidates=4).critical(found.contrast.freedom) * found.contrast.error
    judged = replace(found, contrast=replace(found.contrast, low=0.02 - narrow, high=0.02 + narrow))
    assert judged.power(0.02, seeds=5, queries=1400) > found.power(0.02, seeds=5, queries=1400)
