import statistics
from dataclasses import replace
from typing import Any

import pytest
from stores import view

import fakes
from bench.result import MIXED_DIRECTIONS, PROTOCOL, Outcome, Score
from bench.store.results import Results

F1 = "FROM leaderboard WHERE metric = 'f1_of_means' ORDER BY variant, steps, protocol"


def test_the_leaderboard_averages_cross_sensor_scores_over_seeds(store: Results) -> None:
    scores = {"cecd": (0.30, 0.34, 0.38), "sesd": (0.41,)}
    common, specific = view(store, F1, *fakes.trials(scores))
    assert common["mean"] == pytest.approx(statistics.mean(scores["cecd"]))
    assert common["sd"] == pytest.approx(statistics.stdev(scores["cecd"]))
    assert common["seeds"] == 3
    assert common["untrained_mean"] == pytest.approx(0.19)
    assert common["chance_mean"] == pytest.approx(0.15)
    assert common["pairs_per_second"] == 320
    assert common["parameters"] == 600_000
    assert common["synthetic"] is True
    assert common["k"] == 10
    assert (specific["mean"], specific["sd"], specific["seeds"]) == (pytest.approx(0.41), None, 1)


def test_the_leaderboard_has_the_partner_scores_of_data_without_labels(store: Results) -> None:
    found = view(store, "FROM leaderboard ORDER BY metric, k", fakes.trial_result(dataset=fakes.UNLABELLED_DATASET))
    assert [(row["metric"], row["k"], round(row["mean"], 3)) for row in found] == [
        ("partner_mrr", None, 0.12),
        ("partner_recall", 1, 0.09),
        ("partner_recall", 5, 0.18),
        ("partner_recall", 10, 0.36),
    ]
    assert not any(row["synthetic"] for row in found)


def test_the_two_directions_weigh_the_same(store: Results) -> None:
    result = fakes.trial_result(cross=0.2)
    scores = tuple(
        replace(score, value=0.6) if (score.subject, score.query, score.archive) == ("trained", "s2", "s1") else score
        for score in result.scores
    )
    (row,) = view(store, F1, replace(result, scores=scores))
    assert row["mean"] == pytest.approx(0.4)


def test_a_score_of_one_direction_alone_is_no_cross_sensor_score(store: Results) -> None:
    result = fakes.trial_result()
    scores = tuple(score for score in result.scores if (score.query, score.archive) != ("s2", "s1"))
    assert view(store, F1, replace(result, scores=scores)) == []


def test_trials_of_one_seed_count_once(store: Results) -> None:
    again = fakes.trial_result(seed=0, cross=0.4, trial_id="again")
    (row,) = view(store, F1, *fakes.trials({"cecd": (0.2, 0.5)}), again)
    assert row["seeds"] == 2
    assert row["mean"] == pytest.approx(statistics.mean([statistics.mean([0.2, 0.4]), 0.5]))
    assert row["sd"] == pytest.approx(statistics.stdev([0.3, 0.5]))


def test_the_last_rung_counts(store: Results) -> None:
    result = fakes.trial_result(cross=0.4, steps=100)
    earlier = fakes.matrix("trained", 0.9, step=50)
    (row,) = view(store, F1, replace(result, scores=result.scores + earlier))
    assert row["mean"] == pytest.approx(0.4)


def test_every_baseline_stands_beside_the_trained_scores(store: Results) -> None:
    result = fakes.trial_result(cross=0.4, within=0.5)
    bands = fakes.matrix("band_statistics", 0.21, step=0, within=0.31)
    small = fakes.matrix("thumbnail", 0.17, step=0, within=0.27)
    (row,) = view(store, F1, replace(result, scores=result.scores + bands + small))
    means = ("mean", "untrained_mean", "band_statistics_mean", "thumbnail_mean", "chance_mean")
    assert [round(row[name], 6) for name in means] == [0.4, 0.19, 0.21, 0.17, 0.15]
    within = view(store, "FROM retrieval_matrix WHERE metric = 'recall' AND query = 's1' AND archive = 's1'")
    assert [round(within[0][name], 6) for name in means] == [0.5, 0.29, 0.31, 0.27, 0.15]
    (one,) = view(store, "FROM trial_scores WHERE metric = 'recall' AND query = 's2' AND archive = 's1'")
    subjects = ("trained", "untrained", "band_statistics", "thumbnail", "chance")
    assert [round(one[name], 6) for name in subjects] == [0.4, 0.19, 0.21, 0.17, 0.15]


def test_a_baseline_that_was_not_scored_is_null(store: Results) -> None:
    (row,) = view(store, F1, fakes.trial_result())
    assert (row["band_statistics_mean"], row["thumbnail_mean"]) == (None, None)


def test_an_archive_of_both_sensors_is_no_cross_sensor_direction(store: Results) -> None:
    result = fakes.trial_result(cross=0.4)
    mixed = tuple(
        Score(subject="trained", step=100, query=query, archive=archive, metric="f1_of_means", k=10, value=0.9)
        for query, archive in MIXED_DIRECTIONS
    )
    (row,) = view(store, F1, replace(result, scores=result.scores + mixed))
    assert row["mean"] == pytest.approx(0.4)
    both = view(store, "FROM retrieval_matrix WHERE archive = 'both' ORDER BY query")
    assert [(row["query"], row["mean"], row["seeds"]) for row in both] == [("s1", 0.9, 1), ("s2", 0.9, 1)]


@pytest.mark.parametrize(
    "other",
    [
        {"steps": 200},
        {"dataset": fakes.REAL_DATASET},
        {"provenance": replace(fakes.PROVENANCE, protocol=PROTOCOL + 1)},
        {"precision": "bf16"},
        {"model": replace(fakes.trial_result().model, mask_ratio=0.75)},
        {"training": replace(fakes.trial_result().training, learning_rate=1e-4)},
        {"training": replace(fakes.trial_result().training, batch_pairs=32)},
        {"data": replace(fakes.data_use(), train_pairs=32)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_only_trials_that_differ_by_their_seed_alone_are_averaged(store: Results, other: dict[str, Any]) -> None:
    rows = view(store, F1, fakes.trial_result(seed=0, cross=0.2), fakes.trial_result(seed=1, cross=0.6, **other))
    assert sorted(round(row["mean"], 6) for row in rows) == [0.2, 0.6]


def test_speeds_of_different_machines_are_not_averaged(store: Results) -> None:
    elsewhere = replace(fakes.PROVENANCE, machine="another")
    (row,) = view(store, F1, fakes.trial_result(seed=0), fakes.trial_result(seed=1, provenance=elsewhere))
    assert row["seeds"] == 2
    assert row["pairs_per_second"] is None


def test_the_matrix_has_a_row_for_each_direction(store: Results) -> None:
    trials = (
        fakes.trial_result(seed=0, cross=0.3, within=0.5),
        fakes.trial_result(seed=1, cross=0.4, within=0.7),
    )
    found = view(store, "FROM retrieval_matrix WHERE metric = 'recall' ORDER BY query, archive", *trials)
    assert [
        (row["query"], row["archive"], round(row["mean"], 6), round(row["untrained_mean"], 6)) for row in found
    ] == [
        ("s1", "s1", 0.6, 0.29),
        ("s1", "s2", 0.35, 0.19),
        ("s2", "s1", 0.35, 0.19),
        ("s2", "s2", 0.6, 0.29),
    ]
    assert found[0]["sd"] == pytest.approx(statistics.stdev([0.5, 0.7]))


def test_only_completed_trials_are_ranked_and_the_others_are_failures(store: Results) -> None:
    trials = [fakes.trial_result(seed=seed, outcome=outcome) for seed, outcome in enumerate(Outcome)]
    (row,) = view(store, F1, *trials)
    assert row["seeds"] == 1
    failures = view(store, "FROM failures ORDER BY seed")
    assert [(row["outcome"], row["cause"]) for row in failures] == [
        (trial.outcome, trial.cause) for trial in trials if trial.outcome is not Outcome.COMPLETED
    ]
    assert all(row["synthetic"] for row in failures)


def test_a_trial_that_left_scores_before_it_failed_is_not_ranked(store: Results) -> None:
    late = fakes.trial_result(outcome=Outcome.FAILED, scores=fakes.trial_result().scores)
    assert view(store, "FROM trial_scores", late) == []


def test_every_table_view_and_column_of_a_table_that_is_no_plain_name_is_explained(store: Results) -> None:
    silent = store.query(
        """
        SELECT table_name FROM duckdb_tables() WHERE comment IS NULL
        UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL
        UNION ALL SELECT table_name || '.' || column_name FROM duckdb_columns()
        WHERE NOT internal AND comment IS NULL AND column_name NOT IN ('trial_id', 'run_id')
        AND table_name IN (SELECT table_name FROM duckdb_tables())
        """,
        max_rows=100,
    )
    assert silent.rows == ()
