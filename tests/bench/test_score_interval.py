from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from bench.score import descriptors
from bench.score.interval import Contrast, contrast, f1_statistic, mean_statistic

Sample = NDArray[np.float64]


def experiment(random: np.random.Generator, *, gap: float = 0.0, queries: int = 200, seeds: int = 3) -> list[Sample]:
    """Four candidates with precision and recall of two directions, the first better by `gap`.

    Queries differ most (0.2), a candidate suits some of them more (0.08), so does a seed (0.12), and a seed moves
    them all a little (0.006): about the errors of short trials with three seeds.
    """
    hardness = random.normal(0.38, 0.2, size=(1, queries, 4))
    return [
        hardness
        + random.normal(0, 0.08, size=(1, queries, 4))
        + random.normal(0, 0.12, size=(seeds, queries, 4))
        + random.normal(0, 0.006, size=(seeds, 1, 1))
        + (0.0 if candidate else gap)
        for candidate in range(4)
    ]


def known(found: Contrast | None) -> Contrast:
    assert found is not None
    return found


def test_estimate_and_errors_are_those_worked_out_by_hand() -> None:
    random = np.random.default_rng(0)
    samples = [random.random((seeds, 12, 1)) for seeds in (2, 3, 4)]
    weights = (1.0, -0.5, -0.5)
    found = known(contrast(samples, weights, mean_statistic, comparisons=3, resamples=20_000))
    scores = [sample[:, :, 0].mean(axis=1) for sample in samples]
    assert found.estimate == pytest.approx(sum(w * s.mean() for w, s in zip(weights, scores, strict=True)))
    pooled = sum(((s - s.mean()) ** 2).sum() for s in scores) / (1 + 2 + 3)
    seed_variance = pooled * (1 / 2 + 0.25 / 3 + 0.25 / 4)
    assert found.seed_error == pytest.approx(sqrt(seed_variance))
    per_query = sum(w * sample[:, :, 0].mean(axis=0) for w, sample in zip(weights, samples, strict=True))
    assert found.query_error == pytest.approx(sqrt(np.var(per_query, ddof=1) / 12), rel=0.02)
    variance = seed_variance + found.query_error**2
    freedom = variance**2 / (seed_variance**2 / 6 + found.query_error**4 / 11)
    reach = stats.t.ppf(1 - 0.05 / 6, freedom) * sqrt(variance)
    assert (found.low, found.high) == pytest.approx((found.estimate - reach, found.estimate + reach))
    assert (found.level, found.comparisons) == (0.95, 3)


def test_query_error_is_that_of_a_plain_bootstrap() -> None:
    random = np.random.default_rng(1)
    samples = experiment(random, queries=80)[:2]
    statistic = f1_statistic(2)
    found = known(contrast(samples, (1, -1), statistic))
    resampled = []
    for _ in range(2000):
        rows = random.integers(80, size=80)
        scores = [np.mean([float(statistic(seed[rows].mean(axis=0))) for seed in sample]) for sample in samples]
        resampled.append(scores[0] - scores[1])
    assert found.query_error == pytest.approx(np.std(resampled) * sqrt(80 / 79), rel=0.06)


def test_hard_queries_cancel_between_candidates() -> None:
    samples = experiment(np.random.default_rng(2))
    alone = known(contrast(samples, (1, 0, 0, 0), f1_statistic(2)))
    paired = known(contrast(samples, (1, -1, 0, 0), f1_statistic(2)))
    assert paired.query_error < 0.75 * alone.query_error  # without pairing: 1.4 times


def test_small_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = experiment(np.random.default_rng(3), queries=30)
    whole = known(contrast(samples, (1, -1, 0, 0), f1_statistic(2), resamples=50))
    monkeypatch.setattr(descriptors, "BLOCK_VALUES", 70)
    parts = known(contrast(samples, (1, -1, 0, 0), f1_statistic(2), resamples=50))
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), rel=1e-9)


def test_a_candidate_of_weight_zero_lends_its_seeds() -> None:
    single, lender = experiment(np.random.default_rng(4), seeds=1), experiment(np.random.default_rng(5), seeds=4)[0]
    assert contrast(single[:2], (1, -1), f1_statistic(2)) is None
    lent = known(contrast([*single[:2], lender], (1, -1, 0), f1_statistic(2)))
    scores = f1_statistic(2)(lender.mean(axis=1))
    assert lent.seed_error == pytest.approx(np.std(scores, ddof=1) * sqrt(2))


def test_noise_is_unknown_with_one_query() -> None:
    assert contrast(experiment(np.random.default_rng(6), queries=1), (1, -1, 0, 0), f1_statistic(2)) is None


def test_more_comparisons_widen_the_interval() -> None:
    samples = experiment(np.random.default_rng(7))
    one, six = (known(contrast(samples, (1, -1, 0, 0), f1_statistic(2), comparisons=c)) for c in (1, 6))
    assert six.low < one.low < one.estimate == six.estimate < one.high < six.high


@pytest.mark.parametrize("others", [1, 2, 3, 6])
def test_candidates_that_are_one_and_the_same_are_not_told_apart(others: int) -> None:
    sample = np.repeat(np.random.default_rng(8).random((1, 50, 4)), 3, axis=0)
    found = known(contrast([sample] * (1 + others), [1.0] + [-1 / others] * others, f1_statistic(2)))
    assert found.estimate == 0
    assert not found.decided


def test_a_difference_without_any_noise_is_decided() -> None:
    samples = [np.full((2, 20, 2), value) for value in (0.5, 0.25)]
    found = known(contrast(samples, (1, -1), mean_statistic))
    assert (found.low, found.high) == pytest.approx((0.25, 0.25))
    assert found.decided


@pytest.mark.parametrize(("shapes", "weights"), [([(2, 9, 2), (2, 8, 2)], [1, -1]), ([(2, 9, 2)], [1, -1]), ([], [])])
def test_samples_that_do_not_match_are_refused(shapes: list[tuple[int, int, int]], weights: list[float]) -> None:
    with pytest.raises(ValueError, match="candidates with"):
        contrast([np.zeros(shape) for shape in shapes], weights, mean_statistic)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4))
def test_f1_is_averaged_over_directions_after_the_harmonic_mean(pairs: list[tuple[float, float]]) -> None:
    expected = np.mean([2 * p * r / (p + r) if p + r else 0.0 for p, r in pairs])
    assert float(f1_statistic(len(pairs))(np.array(pairs).ravel())) == pytest.approx(expected)


def leader_decided(samples: list[Sample], seed: int) -> bool:
    """Whether the highest mean is called better than any other candidate."""
    statistic = f1_statistic(2)
    leader = int(np.argmax([statistic(sample.mean(axis=1)).mean() for sample in samples]))
    for other in set(range(4)) - {leader}:
        weights = [float(i == leader) - float(i == other) for i in range(4)]
        if known(contrast(samples, weights, statistic, comparisons=3, resamples=200, seed=seed)).decided:
            return True
    return False


def test_equal_candidates_are_seldom_told_apart_and_a_big_gap_is_found() -> None:
    random = np.random.default_rng(9)
    wrong = [leader_decided(experiment(random), seed) for seed in range(400)]
    assert np.mean(wrong) <= 0.07
    right = [leader_decided(experiment(random, gap=0.04), seed) for seed in range(50)]
    assert np.mean(right) >= 0.95


def test_intervals_cover_the_true_difference_at_their_level() -> None:
    random = np.random.default_rng(10)
    covered = []
    for seed, gap in product(range(150), (0.0, 0.02)):
        found = known(contrast(experiment(random, gap=gap), (1, -1, 0, 0), f1_statistic(2), resamples=200, seed=seed))
        covered.append(found.low <= gap <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.99
