from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.score import descriptors
from bench.score.interval import Contrast, contrast, f1_statistic, mean_statistic
from bench.score.resample import Sample


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
    samples = [random.random((seeds, 12, 1)) + 0.3 * random.random((seeds, 1, 1)) for seeds in (2, 3, 4)]
    weights = (1.0, -0.5, -0.5)
    found = known(contrast(samples, weights, mean_statistic, comparisons=3, resamples=20_000))
    scores = [sample[:, :, 0].mean(axis=1) for sample in samples]
    assert found.estimate == pytest.approx(sum(w * s.mean() for w, s in zip(weights, scores, strict=True)))
    pooled = sum(((s - s.mean()) ** 2).sum() for s in scores) / (1 + 2 + 3)
    # what a seed does to some queries and not to others: an analysis of variance, seeds within candidates by queries
    apart = [sample[:, :, 0] - sample[:, :, 0].mean(axis=0) for sample in samples]
    interaction = sum(float(a.var(axis=1, ddof=1).sum()) for a in apart) / (1 + 2 + 3) / 12
    share = 1 / 2 + 0.25 / 3 + 0.25 / 4
    assert found.seed_error == pytest.approx(sqrt((pooled - interaction) * share), rel=0.02)
    assert found.shared_error == pytest.approx(sqrt(interaction * share), rel=0.02)
    per_query = sum(w * sample[:, :, 0].mean(axis=0) for w, sample in zip(weights, samples, strict=True))
    assert found.query_error == pytest.approx(sqrt(np.var(per_query, ddof=1) / 12), rel=0.02)
    variance = found.seed_error**2 + found.query_error**2
    of_seeds = found.seed_error**2 + found.shared_error**2
    freedom = variance**2 / (of_seeds**2 / 6 + found.query_error**4 / 11)
    reach = stats.t.ppf(1 - 0.05 / 6, freedom) * sqrt(variance)
    assert (found.low, found.high) == pytest.approx((found.estimate - reach, found.estimate + reach))
    assert (found.level, found.comparisons) == (0.95, 3)
    assert found.freedom == pytest.approx(freedom)


def test_noise_of_seeds_and_queries_is_told_apart() -> None:
    """Means over many data sets of the three errors, squared, against those that the data were made with."""
    random = np.random.default_rng(11)
    seeds, queries = 4, 60
    errors = []
    for _ in range(150):
        samples = [
            random.normal(0, 0.2, (1, queries, 1))
            + random.normal(0, 0.3, (seeds, queries, 1))
            + random.normal(0, 0.05, (seeds, 1, 1))
            for _ in range(2)
        ]
        found = known(contrast(samples, (1, -1), mean_statistic, resamples=300))
        errors.append((found.seed_error**2, found.query_error**2, found.shared_error**2))
    shared = 2 * 0.3**2 / seeds / queries
    expected = (2 * 0.05**2 / seeds, 2 * 0.2**2 / queries + shared, shared)
    assert np.mean(errors, axis=0) == pytest.approx(expected, rel=0.15)


def test_without_tiles_every_query_is_its_own() -> None:
    samples = experiment(np.random.default_rng(12), queries=40)
    plain = contrast(samples, (1, -1, 0, 0), f1_statistic(2), resamples=50)
    single = contrast(samples, (1, -1, 0, 0), f1_statistic(2), resamples=50, groups=np.arange(40)[::-1])
    assert known(single).query_error == pytest.approx(known(plain).query_error, rel=0.3)
    assert known(single).query_freedom == known(plain).query_freedom == 39


def test_tiles_are_drawn_whole() -> None:
    """Queries of a tile that are copies of each other are worth one; unequal tiles weigh by their queries."""
    random = np.random.default_rng(13)
    tiles = [sample[:, :8] for sample in experiment(random, queries=8)]
    sizes = np.array([9, 9, 9, 9, 1, 1, 1, 1])
    groups = np.repeat([40, 3, 7, 10, 0, 1, 5, 2], sizes)
    copied = [np.repeat(sample, sizes, axis=1) for sample in tiles]
    found = known(contrast(copied, (1, -1, 0, 0), mean_statistic, groups=groups, resamples=20_000))
    gaps = tiles[0].mean(axis=(0, 2)) - tiles[1].mean(axis=(0, 2))
    rows = random.integers(8, size=(20_000, 8))
    slow = (sizes * gaps)[rows].sum(axis=1) / sizes[rows].sum(axis=1)
    assert found.query_error == pytest.approx(np.std(slow) * sqrt(8 / 7), rel=0.03)
    assert found.query_freedom == pytest.approx(40**2 / (4 * 81 + 4) - 1)
    ignored = known(contrast(copied, (1, -1, 0, 0), mean_statistic))
    assert ignored.query_error < 0.6 * found.query_error


def test_one_tile_tells_nothing_of_other_tiles() -> None:
    samples = experiment(np.random.default_rng(14), queries=20)
    assert contrast(samples, (1, -1, 0, 0), f1_statistic(2), groups=np.zeros(20, np.int64)) is None


def test_groups_that_do_not_match_the_queries_are_refused() -> None:
    with pytest.raises(ValueError, match="19 groups for 20 queries"):
        contrast(
            experiment(np.random.default_rng(14), queries=20), (1, -1, 0, 0), f1_statistic(2), groups=list(range(19))
        )


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
    assert sqrt(lent.seed_error**2 + lent.shared_error**2) == pytest.approx(np.std(scores, ddof=1) * sqrt(2))


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


def test_intervals_cover_the_true_difference_at_their_level() -> None:
    random = np.random.default_rng(10)
    covered = []
    for seed, gap in product(range(150), (0.0, 0.02)):
        found = known(contrast(experiment(random, gap=gap), (1, -1, 0, 0), f1_statistic(2), resamples=200, seed=seed))
        covered.append(found.low <= gap <= found.high)
    assert 0.92 <= np.mean(covered) <= 0.98
