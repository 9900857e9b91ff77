import statistics
from dataclasses import replace
from typing import Any

import pytest
from stores import view

import fakes
from bench.result import Costs, Outcome, Prediction, Quantity, Rung, TrialResult
from bench.store.results import Results


def predicted(quantity: Quantity, value: float) -> Prediction:
    """An interval of a tenth to each side."""
    return Prediction(
        quantity=quantity, value=value, low=0.9 * value, high=1.1 * value, source="calibrated", basis="made up"
    )


COSTS = Costs(step_seconds=(0.04, 0.09, 0.05), total_seconds=12.0, peak_memory_bytes=2**31, peak_rss_bytes=2**30)

MEASURED: dict[Quantity, float] = {
    "step_seconds": statistics.median(COSTS.step_seconds),
    "total_seconds": 12.0,
    "peak_memory_bytes": 2**31,
    "peak_rss_bytes": 2**30,
}


@pytest.mark.parametrize(("factor", "inside"), [(1.0, True), (1.05, True), (0.95, True), (1.2, False), (0.8, False)])
def test_a_prediction_stands_beside_its_measurement(store: Results, factor: float, inside: bool) -> None:
    said = tuple(predicted(quantity, measured / factor) for quantity, measured in MEASURED.items())
    trial = fakes.trial_result(costs=COSTS, predictions=said, marks=("a busy processor",))
    found = view(store, "FROM estimate_audit", trial)
    assert [(r["quantity"], r["predicted"], r["low"], r["high"], r["source"], r["basis"]) for r in found] == [
        (p.quantity, p.value, p.low, p.high, "calibrated", "made up") for p in said
    ]
    assert {row["quantity"]: row["measured"] for row in found} == MEASURED
    for row in found:
        assert (row["trial_id"], row["run_id"], row["machine"]) == ("run-cecd-nano-0", "run", fakes.HARDWARE.id)
        assert (row["variant"], row["size"], row["steps"], row["batch_pairs"]) == ("cecd", "nano", 100, 16)
        assert row["error"] == pytest.approx(factor - 1)
        assert row["inside"] is inside
        assert row["marks"] == ["a busy processor"]


def test_only_what_was_measured_of_completed_trials_is_audited(store: Results) -> None:
    said = tuple(predicted(quantity, value) for quantity, value in MEASURED.items())
    unmeasured = fakes.trial_result(seed=9, costs=Costs(total_seconds=12.0), predictions=said)
    cut = (
        fakes.trial_result(seed=seed, outcome=outcome, costs=COSTS, predictions=said)
        for seed, outcome in enumerate(Outcome)
        if outcome is not Outcome.COMPLETED
    )
    found = view(store, "FROM estimate_audit", unmeasured, *cut)
    assert [(row["trial_id"], row["quantity"]) for row in found] == [("run-cecd-nano-9", "total_seconds")]


def test_the_error_of_a_prediction_of_nothing_is_unknown(store: Results) -> None:
    (row,) = view(
        store, "FROM estimate_audit", fakes.trial_result(costs=COSTS, predictions=(predicted("total_seconds", 0.0),))
    )
    assert (row["error"], row["inside"]) == (None, False)


def climbing(
    variant: str,
    seed: int,
    points: dict[int, tuple[float, float]],
    **changes: Any,  # noqa: ANN401  as for trial_result
) -> TrialResult:
    """A trial whose cross-sensor scores are known at these steps, each with seconds and F1."""
    result = fakes.trial_result(variant=variant, seed=seed, steps=max(points), **changes)
    others = tuple(score for score in result.scores if score.subject != "trained")
    scores = tuple(score for step, (_, f1) in points.items() for score in fakes.matrix("trained", f1, step=step))
    rungs = tuple(Rung(step=step, seconds=seconds) for step, (seconds, _) in points.items())
    return replace(result, scores=others + scores, rungs=rungs)


CURVE = "WHERE metric = 'f1_of_means' AND query = 's1' AND archive = 's2' ORDER BY variant, seed, trial_id"


def test_a_learning_curve_has_a_point_for_each_rung(store: Results) -> None:
    trial = climbing("cecd", 3, {25: (1.5, 0.2), 50: (2.5, 0.3), 100: (5.0, 0.35)})
    found = view(store, f"FROM learning_curves {CURVE}, step", trial)
    assert [(row["step"], row["pairs_seen"], row["seconds"], row["value"]) for row in found] == [
        (25, 400, 1.5, 0.2),
        (50, 800, 2.5, 0.3),
        (100, 1600, 5.0, 0.35),
    ]
    assert {(row["variant"], row["seed"], row["k"], row["synthetic"]) for row in found} == {("cecd", 3, 10, True)}
    (scored,) = view(store, f"FROM trial_scores {CURVE}")
    assert {row["setting"] for row in found} == {scored["setting"]}


def test_rungs_of_a_trial_that_was_cut_off_later_count(store: Results) -> None:
    trial = replace(climbing("cecd", 0, {50: (2.5, 0.3)}), outcome=Outcome.TIMED_OUT, cause="made up")
    (row,) = view(store, f"FROM learning_curves {CURVE}", trial)
    assert (row["step"], row["value"], row["outcome"]) == (50, 0.3, "timed_out")
    assert view(store, "FROM equal_seconds") == []


def test_equal_seconds_are_the_longest_that_every_candidate_has_reached(store: Results) -> None:
    trials = (
        climbing("cecd", 0, {50: (4.0, 0.2), 100: (8.0, 0.4)}),
        climbing("sesd", 0, {50: (5.0, 0.1), 100: (10.0, 0.3)}),
        climbing("sesd", 1, {50: (6.0, 0.2), 100: (12.0, 0.5)}),
    )
    found = view(store, f"FROM equal_seconds {CURVE.replace(', trial_id', '')}", *trials)
    assert {row["seconds"] for row in found} == {8.0}
    assert [(row["variant"], row["seed"], row["value"], row["disturbed"]) for row in found] == [
        ("cecd", 0, pytest.approx(0.4), False),
        ("sesd", 0, pytest.approx(0.1 + 0.2 * 3 / 5), False),
        ("sesd", 1, pytest.approx(0.2 + 0.3 * 2 / 6), False),
    ]


def at_equal_seconds(store: Results, *trials: TrialResult) -> list[tuple[str, int, float, float | None]]:
    found = view(store, f"FROM equal_seconds {CURVE.replace(', trial_id', '')}, seconds", *trials)
    return [(row["variant"], row["seed"], row["seconds"], row["value"]) for row in found]


def test_a_seed_that_did_not_come_so_far_has_no_score_there(store: Results) -> None:
    assert at_equal_seconds(
        store,
        climbing("cecd", 0, {100: (8.0, 0.4)}),
        climbing("cecd", 1, {50: (4.0, 0.2)}),
    ) == [("cecd", 0, 8.0, 0.4), ("cecd", 1, 8.0, None)]


def test_nothing_is_guessed_before_the_first_rung(store: Results) -> None:
    assert at_equal_seconds(store, climbing("cecd", 0, {100: (8.0, 0.4)}), climbing("sesd", 0, {100: (10.0, 0.3)})) == [
        ("cecd", 0, 8.0, 0.4),
        ("sesd", 0, 8.0, None),
    ]


def test_trainings_of_one_seed_make_one_curve(store: Results) -> None:
    common, specific = at_equal_seconds(
        store,
        climbing("cecd", 0, {50: (4.0, 0.2), 100: (8.0, 0.4)}),
        climbing("cecd", 0, {100: (8.0, 0.6), 200: (16.0, 0.7)}, trial_id="longer"),
        climbing("sesd", 0, {50: (5.0, 0.1), 100: (10.0, 0.3)}),
    )
    assert common[:3] == ("cecd", 0, 10.0)
    assert common[3] == pytest.approx(0.5 + 0.2 * 2 / 8)
    assert specific == ("sesd", 0, 10.0, 0.3)


@pytest.mark.parametrize(
    "other",
    [
        {"dataset": fakes.REAL_DATASET},
        {"precision": "bf16"},
        {"threads": 1},
        {"provenance": replace(fakes.PROVENANCE, machine="another")},
        {"training": replace(fakes.trial_result().training, learning_rate=1e-4)},
        {"data": replace(fakes.data_use(), train_pairs=32)},
        {"k": 5},
    ],
    ids=lambda other: next(iter(other)),
)
def test_seconds_of_unlike_trainings_are_not_made_equal(store: Results, other: dict[str, Any]) -> None:
    found = at_equal_seconds(
        store, climbing("cecd", 0, {100: (8.0, 0.4)}), climbing("sesd", 0, {100: (10.0, 0.3)}, **other)
    )
    assert found == [("cecd", 0, 8.0, 0.4), ("sesd", 0, 10.0, 0.3)]


def test_seconds_that_were_disturbed_are_said_to_be(store: Results) -> None:
    trial = climbing("cecd", 0, {100: (8.0, 0.4)}, marks=("another process on the GPU",))
    found = view(store, f"FROM equal_seconds {CURVE.replace(', trial_id', '')}", trial)
    assert [row["disturbed"] for row in found] == [True]
