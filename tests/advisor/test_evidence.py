from dataclasses import replace
from itertools import permutations
from random import Random
from statistics import fmean, median

import pytest

from advice_fakes import LEVEL, REAL, SPECIFIC_WINS, SYNTHETIC, UNLABELLED, measured, scattered, sized, slow_f1
from advisor.evidence import Effect, Evidence, Standing, comparable, weigh
from bench.result import CROSS_DIRECTIONS, DIRECTIONS, Candidate, Outcome, Training, TrialResult
from bench.score.goal import GOALS, Goal
from bench.score.interval import Contrast
from fakes import GIB, PROVENANCE, trial_result

CROSS = GOALS["cross"]


def weighed(trials: tuple[TrialResult, ...], goal: Goal = CROSS) -> Evidence:
    evidence = weigh(trials, goal)
    assert evidence is not None
    return evidence


def standing(evidence: Evidence, variant: str, size: str = "nano") -> Standing:
    (found,) = (s for s in evidence.standings if s.candidate == Candidate(variant=variant, size=size))
    return found


def effect(evidence: Evidence, part: str) -> Effect:
    (found,) = (e for e in evidence.effects if e.part == part)
    return found


def known(contrast: Contrast | None) -> Contrast:
    assert contrast is not None
    return contrast


def tied(evidence: Evidence) -> list[str]:
    return [s.candidate.variant for s in evidence.standings if s.tied]


def test_no_trials_are_no_evidence() -> None:
    assert weigh((), CROSS) is None
    assert comparable(()) == ()


@pytest.mark.parametrize(
    ("key", "directions"), [("cross", DIRECTIONS[2:]), ("uni", DIRECTIONS[:2]), ("all", DIRECTIONS)]
)
def test_scores_and_contrasts_are_differences_of_plain_means(key: str, directions: tuple[tuple[str, str], ...]) -> None:
    trials = measured(SPECIFIC_WINS)
    goal = GOALS[key]
    assert goal.directions == directions
    evidence = weighed(trials, goal)
    slow = {
        variant: fmean(slow_f1(t, goal.directions) for t in trials if t.candidate.variant == variant)
        for variant in SPECIFIC_WINS
    }
    for variant, mean in slow.items():
        own = standing(evidence, variant)
        assert own.score == pytest.approx(mean)
        if variant != "sesd":
            assert known(own.to_best).estimate == pytest.approx(mean - slow["sesd"])
    assert standing(evidence, "sesd").to_best is None
    encoder, decoder = (known(effect(evidence, part).contrast) for part in ("encoder", "decoder"))
    assert encoder.estimate == pytest.approx((slow["secd"] + slow["sesd"] - slow["cecd"] - slow["cesd"]) / 2)
    assert decoder.estimate == pytest.approx((slow["cesd"] + slow["sesd"] - slow["cecd"] - slow["secd"]) / 2)


def test_score_is_the_one_that_the_trials_carry() -> None:
    trials = measured({"cecd": (0.30, 0.34)})
    evidence = weighed(trials)
    scores = [t.score(a, b, "f1_of_means") for t in trials for a, b in CROSS_DIRECTIONS]
    assert standing(evidence, "cecd").score == pytest.approx(fmean(s for s in scores if s is not None))


def test_clear_winner_stands_alone() -> None:
    evidence = weighed(measured(LEVEL | {"cesd": (0.460, 0.466, 0.454)}))
    assert tied(evidence) == ["cesd"]
    assert [s.candidate.variant for s in evidence.standings] == ["cesd", "secd", "cecd", "sesd"]
    assert all(known(s.to_best).high < 0 for s in evidence.standings[1:])


def test_candidates_within_the_noise_are_all_tied() -> None:
    evidence = weighed(measured(LEVEL))
    assert tied(evidence) == ["secd", "cecd", "sesd", "cesd"]
    assert not known(effect(evidence, "encoder").contrast).decided
    assert not known(effect(evidence, "decoder").contrast).decided


def test_encoder_effect_is_decided_where_the_trials_say_so() -> None:
    evidence = weighed(measured(SPECIFIC_WINS))
    encoder, decoder = (known(effect(evidence, part).contrast) for part in ("encoder", "decoder"))
    assert encoder.low > 0.08
    assert not decoder.decided
    assert tied(evidence) == ["sesd", "secd"]


@pytest.mark.parametrize("variants", [("cecd", "cesd"), ("cecd", "secd", "sesd"), ("cecd", "cesd", "secd", "sesd")])
def test_every_pair_of_candidates_counts_as_looked_at(variants: tuple[str, ...]) -> None:
    evidence = weighed(measured({variant: LEVEL[variant] for variant in variants}))
    pairs = len(list(permutations(variants, 2))) // 2
    looked = {known(s.to_best).comparisons for s in evidence.standings if s.to_best}
    assert looked == {pairs}
    assert {e.contrast.comparisons for e in evidence.effects if e.contrast} == {2}


def test_noise_is_the_pooled_deviation_between_seeds() -> None:
    evidence = weighed(measured({"cecd": (0.30, 0.32), "secd": (0.40, 0.43, 0.46), "sesd": (0.5,)}))
    squares = 2 * 0.01**2 + 2 * 0.03**2
    assert evidence.noise
    assert evidence.noise.deviation == pytest.approx((squares / 3) ** 0.5)
    assert standing(evidence, "secd").seed_deviation == pytest.approx(0.03)
    assert standing(evidence, "sesd").seed_deviation is None


def test_unequal_seeds_are_counted_as_they_are() -> None:
    evidence = weighed(measured({"cecd": (0.30, 0.32, 0.31), "secd": (0.40,)}))
    assert [standing(evidence, v).completed for v in ("cecd", "secd")] == [3, 1]
    assert evidence.seeds == 1
    # one seed lends the noise of the others
    assert known(standing(evidence, "cecd").to_best).decided


def test_one_seed_each_leaves_the_noise_unknown_and_everything_tied() -> None:
    evidence = weighed(measured({"cecd": (0.10,), "secd": (0.90,)}))
    assert evidence.noise is None
    assert tied(evidence) == ["secd", "cecd"]
    assert effect(evidence, "encoder").contrast is None


def test_single_trial_is_its_own_best() -> None:
    evidence = weighed(measured({"sesd": (0.40,)}))
    (only,) = evidence.standings
    assert (only.tied, only.to_best, only.completed) == (True, None, 1)
    assert only.score == pytest.approx(0.40)
    assert [(e.part, e.contrast, e.cost) for e in evidence.effects] == [
        ("encoder", None, None),
        ("decoder", None, None),
    ]


def test_baseline_is_shown_and_touches_no_comparison() -> None:
    plain = weighed(measured(LEVEL))
    beside = weighed(measured(LEVEL | {"mae": (0.80, 0.20, 0.50)}))
    mae = standing(beside, "mae")
    assert beside.standings[0] == mae
    assert (mae.tied, mae.to_best) == (False, None)
    assert mae.score == pytest.approx(0.5)
    assert "2 x MAE nano" in beside.matrices
    assert [s for s in beside.standings if s != mae] == list(plain.standings)
    assert (beside.effects, beside.noise, beside.seeds) == (plain.effects, plain.noise, plain.seeds)


def test_failed_trials_keep_their_causes_and_come_last() -> None:
    failed = tuple(
        trial_result(variant="sesd", seed=seed, outcome=outcome, dataset=REAL, cause=cause)
        for seed, outcome, cause in [(0, Outcome.OUT_OF_MEMORY, "killed by the kernel"), (1, Outcome.DIVERGED, "")]
    )
    evidence = weighed(measured({"cecd": (0.36, 0.37), "secd": (0.36, 0.35)}) + failed)
    last = evidence.standings[-1]
    assert last.candidate.variant == "sesd"
    assert last.other == ("seed 0: out of memory, killed by the kernel", "seed 1: diverged")
    assert (last.completed, last.score, last.tied, last.to_best, last.untrained) == (0, None, False, None, None)
    assert "SESD nano" not in evidence.matrices
    assert evidence.seeds == 2


def test_failed_seed_does_not_count_among_the_completed() -> None:
    failed = trial_result(variant="cecd", seed=2, outcome=Outcome.TIMED_OUT, dataset=REAL)
    evidence = weighed((*measured({"cecd": (0.36, 0.38)}), failed))
    only = standing(evidence, "cecd")
    assert (only.completed, len(only.other)) == (2, 1)
    assert only.score == pytest.approx(0.37)


def test_everything_failed_leaves_standings_without_scores() -> None:
    evidence = weighed(
        tuple(trial_result(variant=v, outcome=Outcome.OUT_OF_MEMORY, dataset=REAL) for v in ("cecd", "sesd"))
    )
    assert [s.score for s in evidence.standings] == [None, None]
    assert tied(evidence) == []
    assert (evidence.noise, evidence.seeds, evidence.matrices) == (None, 0, {})


def test_unlabelled_data_are_measured_by_partners_across_sensors() -> None:
    scores = {"cecd": (0.20, 0.21, 0.19), "secd": (0.40, 0.41, 0.39)}
    evidence = weighed(measured(scores, dataset=UNLABELLED), GOALS["uni"])
    assert (evidence.goal, evidence.metric, evidence.k) == (CROSS, "partner_recall", 10)
    assert tied(evidence) == ["secd"]
    assert standing(evidence, "secd").score == pytest.approx(0.40)
    assert {row.direction for row in evidence.matrices["SECD nano"]} == set(CROSS_DIRECTIONS)


def other_protocol(trial: TrialResult) -> TrialResult:
    return replace(trial, provenance=replace(PROVENANCE, protocol=99))


def other_data(trial: TrialResult) -> TrialResult:
    return replace(trial, data=replace(trial.data, fingerprint="0d" * 32))


def other_training(trial: TrialResult) -> TrialResult:
    return replace(trial, training=Training(steps=100, batch_pairs=64))


def other_k(trial: TrialResult) -> TrialResult:
    return replace(trial, k=5)


@pytest.mark.parametrize("change", [other_protocol, other_data, other_training, other_k])
def test_only_the_largest_comparable_set_is_weighed(change: object) -> None:
    assert callable(change)
    trials = measured({"cecd": (0.36, 0.37, 0.35), "secd": (0.36, 0.37, 0.35)})
    strangers = tuple(change(replace(t, trial_id=f"other-{t.trial_id}")) for t in measured({"sesd": (0.9, 0.9)}))
    for mixed in (trials + strangers, strangers + trials):
        evidence = weighed(mixed)
        assert evidence.left_out == 2
        assert replace(evidence, left_out=0) == weighed(trials)


def test_a_seed_that_ran_twice_counts_once_the_newer_time() -> None:
    first = measured({"cecd": (0.36,), "secd": (0.37,)})
    later = replace(PROVENANCE, started_at="2026-02-02T03:04:05+00:00")
    again = tuple(
        replace(t, trial_id=f"a-{t.trial_id}", provenance=later) for t in measured({"cecd": (0.30,), "secd": (0.31,)})
    )
    for trials in (first + again, again + first):
        evidence = weighed(trials)
        assert (evidence.seeds, evidence.noise, evidence.left_out) == (1, None, 2)
        assert standing(evidence, "cecd").score == pytest.approx(0.30, abs=0.01)


def test_a_seed_that_failed_and_then_did_not_is_completed() -> None:
    good = measured({"cecd": (0.36,)})
    failed = trial_result(outcome=Outcome.FAILED, dataset=REAL, trial_id="z-later")
    assert comparable((failed, *good)) == good


def test_of_equal_means_the_first_standing_is_the_one_that_others_are_compared_with() -> None:
    equal = tuple(replace(t, query_scores=measured({"cecd": (0.3,)})[0].query_scores) for t in measured(LEVEL))
    evidence = weighed(equal)
    assert [s.to_best is None for s in evidence.standings] == [True, False, False, False]


def test_memory_that_ended_every_trial_is_told_from_other_failures() -> None:
    full = tuple(trial_result(variant=v, outcome=Outcome.OUT_OF_MEMORY, dataset=REAL) for v in LEVEL)
    assert weighed(full).starved
    assert not weighed((*full, trial_result(seed=1, outcome=Outcome.FAILED, dataset=REAL))).starved
    assert not weighed(full + measured({"mae": (0.3,)})).starved


def test_of_equally_large_sets_the_newest_is_kept() -> None:
    older = measured({"cecd": (0.36, 0.37)})
    later = replace(PROVENANCE, started_at="2026-02-02T03:04:05+00:00")
    newer = tuple(
        replace(other_training(t), trial_id=f"new-{t.trial_id}", provenance=later)
        for t in measured({"secd": (0.4, 0.4)})
    )
    assert comparable(older + newer) == comparable(newer + older) == newer


def test_failed_trials_do_not_make_a_set_large() -> None:
    good = measured({"cecd": (0.36,)})
    failed = tuple(
        other_training(trial_result(variant="secd", seed=s, outcome=Outcome.FAILED, dataset=REAL)) for s in range(3)
    )
    assert comparable(failed + good) == good


def test_order_of_the_trials_changes_nothing() -> None:
    failed = trial_result(variant="cesd", seed=5, outcome=Outcome.FAILED, dataset=REAL)
    trials = [*measured(LEVEL | {"mae": (0.2, 0.3)}), failed, other_data(trial_result(seed=9, dataset=REAL))]
    expected = weighed(tuple(trials))
    for seed in range(4):
        Random(seed).shuffle(trials)
        assert weighed(tuple(trials)) == expected


def test_sizes_are_compared_as_candidates_and_matched_in_effects() -> None:
    nano, tiny = {"cecd": (0.30, 0.31), "secd": (0.34, 0.35)}, {"cecd": (0.40, 0.41), "secd": (0.42, 0.43)}
    trials = measured(nano) + measured(tiny, size="tiny") + measured({"sesd": (0.9, 0.9)}, size="small")
    evidence = weighed(trials)
    assert [s.candidate.title for s in evidence.standings] == [
        "SESD small", "SECD tiny", "CECD tiny", "SECD nano", "CECD nano",
    ]  # fmt: skip
    # SESD small has no counterpart with a common encoder
    assert known(effect(evidence, "encoder").contrast).estimate == pytest.approx((0.04 + 0.02) / 2)
    assert effect(evidence, "decoder") == Effect(part="decoder", contrast=None, cost=None)


def test_cost_of_an_effect_is_in_time_a_step_of_like_candidates() -> None:
    laps = {"cecd": (0.10, 0.10, 0.40), "cesd": (0.12, 0.11, 0.12), "secd": (0.08, 0.08), "sesd": (0.10, 0.10)}
    trials = tuple(replace(t, costs=replace(t.costs, step_seconds=laps[t.candidate.variant])) for t in measured(LEVEL))
    evidence = weighed(trials)
    assert effect(evidence, "decoder").cost == pytest.approx((0.12 / 0.10 + 0.10 / 0.08) / 2 - 1)
    assert effect(evidence, "encoder").cost == pytest.approx((0.08 / 0.10 + 0.10 / 0.12) / 2 - 1)


def test_costs_of_a_candidate_are_over_its_completed_trials() -> None:
    rates, times, peaks = (300.0, 400.0, 320.0), (10.0, 11.0, 15.0), (GIB, 3 * GIB, 2 * GIB)
    done = tuple(
        replace(t, costs=replace(t.costs, pairs_per_second=rate, train_seconds=time, peak_rss_bytes=peak))
        for t, rate, time, peak in zip(measured({"cecd": (0.3, 0.3, 0.3)}), rates, times, peaks, strict=True)
    )
    cut = trial_result(seed=7, outcome=Outcome.CANCELLED, dataset=REAL)
    cut = replace(cut, costs=replace(cut.costs, pairs_per_second=1.0, train_seconds=900.0, peak_rss_bytes=9 * GIB))
    own = standing(weighed((*done, cut)), "cecd")
    assert own.pairs_per_second == median(rates)
    assert own.train_seconds == pytest.approx(12.0)
    assert (own.peak_memory_bytes, own.parameters) == (3 * GIB, 600_000)
    gpu = replace(done[0], costs=replace(done[0].costs, peak_memory_bytes=5 * GIB))
    assert standing(weighed((gpu,)), "cecd").peak_memory_bytes == 5 * GIB


def test_matrix_holds_every_direction_with_its_yardsticks() -> None:
    evidence = weighed(measured({"cecd": (0.30, 0.34)}))
    rows = evidence.matrices["CECD nano"]
    assert [row.direction for row in rows] == list(DIRECTIONS)
    assert [row.trained for row in rows] == pytest.approx([0.42, 0.42, 0.32, 0.32])
    assert [row.seed_deviation for row in rows] == pytest.approx([0.02 * 2**0.5] * 4)
    assert [row.untrained for row in rows] == pytest.approx([0.29, 0.29, 0.19, 0.19])
    assert {row.chance for row in rows} == {0.15}
    assert standing(evidence, "cecd").untrained == pytest.approx(0.19)
    assert standing(weighed(measured({"cecd": (0.3,)}), GOALS["uni"]), "cecd").untrained == pytest.approx(0.29)


def test_evidence_says_what_it_rests_on() -> None:
    evidence = weighed(measured(LEVEL, dataset=sized(SYNTHETIC, train=512, query=90, archive=300), steps=70))
    assert (evidence.train_pairs, evidence.queries, evidence.archive, evidence.steps) == (512, 90, 300, 70)
    assert (evidence.synthetic, evidence.seeds, evidence.left_out) == (True, 3, 0)
    assert not weighed(measured(LEVEL)).synthetic


def test_values_of_the_queries_make_the_scores_that_were_asked_for() -> None:
    trial = scattered(trial_result(cross=0.36, dataset=REAL))
    assert slow_f1(trial, CROSS_DIRECTIONS) == pytest.approx(0.36)
