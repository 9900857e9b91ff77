"""What limits the advice, and what training does not beat."""

from dataclasses import replace

import pytest

from advice_fakes import LEVEL, REAL, SYNTHETIC, measured, sized
from advisor.recommend import Recommendation, recommend
from bench.profile.dataset import DatasetProfile
from bench.result import Gallery, Score, Subject, TrialResult
from fakes import HARDWARE
from models.config import Sensor


def advised(trials: tuple[TrialResult, ...], *, dataset: DatasetProfile = REAL) -> Recommendation:
    return recommend(trials, hardware=HARDWARE, dataset=dataset)


def test_baseline_is_never_taken_but_called_out_when_it_leads() -> None:
    plain = advised(measured(LEVEL))
    beside = advised(measured(LEVEL | {"mae": (0.800, 0.804, 0.796)}))
    assert (beside.verdict, beside.candidate, beside.tied) == (plain.verdict, plain.candidate, plain.tied)
    assert set(beside.cautions) - set(plain.cautions) == {
        f"{direction}: CECD nano trained ({own}) does not beat an autoencoder of that sensor alone ({better})."
        for direction, own, better in [
            ("S1 to S1", "46.0", "90.0"),
            ("S2 to S2", "46.0", "90.0"),
            ("S1 to S2", "36.0", "80.0"),
            ("S2 to S1", "36.0", "80.0"),
        ]
    }
    below = advised(measured(LEVEL | {"mae": (0.200, 0.204, 0.196)}))
    assert below.cautions == plain.cautions


@pytest.mark.parametrize(("size", "said"), [("nano", True), ("base", False), ("large", True)])
def test_trials_away_from_vit_b_are_said_not_to_speak_for_it(size: str, said: bool) -> None:
    found = advised(measured({"cecd": LEVEL["cecd"]}, size=size))
    assert any(f"at {size} size" in caution and "150 epochs" in caution for caution in found.cautions) == said


def test_a_decided_difference_is_not_said_to_be_beyond_reach() -> None:
    better = advised(measured(LEVEL | {"secd": (0.460, 0.466, 0.454)}))
    assert better.verdict == "better"
    assert not any("two points apart" in caution for caution in better.cautions)


@pytest.mark.parametrize(
    ("dataset", "start"),
    [
        (SYNTHETIC, "The data are synthetic"),
        (sized(REAL, train=255), "255 training pairs, 200 queries and an archive of 400 can tell next to nothing"),
        (sized(REAL, query=99), "2,000 training pairs, 99 queries and an archive of 400 can tell next to nothing"),
        (sized(REAL, train=256, query=100), "3 seeds and 100 queries cannot tell two points apart"),
        (sized(REAL, train=1, query=1), "1 training pair, 1 query and an archive of 400 can tell next to nothing"),
        (sized(REAL, query=1_400), "3 seeds and 1,400 queries cannot tell two points apart"),
    ],
)
def test_what_limits_the_data_is_cautioned_about(dataset: DatasetProfile, start: str) -> None:
    found = advised(measured({"cecd": LEVEL["cecd"]}, dataset=dataset), dataset=dataset)
    assert any(caution.startswith(start) for caution in found.cautions)


def test_enough_real_data_and_seeds_at_vit_b_need_no_caution() -> None:
    enough = sized(REAL, query=1_400)
    assert advised(measured({"cecd": (0.36,) * 5}, dataset=enough, size="base"), dataset=enough).cautions == ()


def test_training_that_does_not_beat_no_training_or_chance_is_called_out() -> None:
    found = advised(measured({"cecd": (0.14, 0.16, 0.15)}, within=0.30))
    assert [caution for caution in found.cautions if "does not beat" in caution] == [
        "S1 to S2: CECD nano trained (15.0) does not beat its untrained encoder (19.0) and chance (15.0).",
        "S2 to S1: CECD nano trained (15.0) does not beat its untrained encoder (19.0) and chance (15.0).",
    ]


@pytest.mark.parametrize(
    ("subject", "words"), [("band_statistics", "plain band statistics"), ("thumbnail", "8 x 8 thumbnails")]
)
def test_training_that_does_not_beat_what_needs_no_network_is_called_out(subject: Subject, words: str) -> None:
    trials = [with_score(trial, subject, "s2", "s2", 0.465) for trial in measured({"cecd": (0.36,) * 2}, within=0.46)]
    trials = [with_score(trial, subject, "s1", "s1", 0.455) for trial in trials]
    assert [caution for caution in advised(tuple(trials)).cautions if "does not beat" in caution] == [
        f"S2 to S2: CECD nano trained (46.0) does not beat {words} (46.5)."
    ]


def test_an_archive_of_both_sensors_is_called_by_its_name() -> None:
    trials = [
        with_score(with_score(trial, "trained", "s1", "both", 0.2), "chance", "s1", "both", 0.2)
        for trial in measured({"cecd": (0.36,) * 2})
    ]
    assert (
        "S1 to both sensors: CECD nano trained (20.0) does not beat chance (20.0)." in advised(tuple(trials)).cautions
    )


def with_score(trial: TrialResult, subject: Subject, query: Sensor, archive: Gallery, value: float) -> TrialResult:
    step = trial.steps_done if subject == "trained" else 0
    score = Score(
        subject=subject, step=step, query=query, archive=archive, metric="f1_of_means", k=trial.k, value=value
    )
    return replace(trial, scores=(*trial.scores, score))
