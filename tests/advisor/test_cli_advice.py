"""The advice as text, from records made here."""

import io
import re
from dataclasses import replace
from typing import Any

import pytest

from advisor.cli.advice import Counsel, show_advice
from advisor.cli.streams import PlainConsole
from advisor.evidence import Evidence, Standing
from advisor.explain import Advice
from advisor.reasons import Reason
from advisor.recommend import Recommendation
from bench.result import DIRECTIONS, Candidate
from bench.score.goal import GOALS, MatrixRow
from bench.score.ties import NoiseFloor
from models.config import VARIANTS


def standing(variant: str, score: float | None, *, tied: bool = False, other: tuple[str, ...] = ()) -> Standing:
    return Standing(
        candidate=Candidate(variant=variant, size="nano"),
        completed=0 if score is None else 3,
        other=other,
        score=score,
        seed_deviation=None if score is None else 0.006,
        untrained=None if score is None else 0.188,
        parameters=None if score is None else 630_000,
        pairs_per_second=None if score is None else 361.4,
        train_seconds=None if score is None else 18.0,
        trial_seconds=None if score is None else 20.0,
        peak_memory_bytes=None,
        to_best=None,
        tied=tied,
    )


CECD, SECD = Candidate(variant="cecd", size="nano"), Candidate(variant="secd", size="nano")

EVIDENCE = Evidence(
    goal=GOALS["cross"],
    metric="f1_of_means",
    k=10,
    standings=(
        standing("secd", 0.368, tied=True),
        standing("cecd", 0.359, tied=True),
        standing("mae", 0.201),
        standing("sesd", None, other=("out of memory: killed by [red]the kernel[/red]",)),
    ),
    effects=(),
    noise=NoiseFloor(deviation=0.006, low=0.004, high=0.012, level=0.95, freedom=4),
    seeds=3,
    queries=500,
    archive=1000,
    train_pairs=512,
    synthetic=True,
    matrices={
        "CECD nano": tuple(
            MatrixRow(direction=direction, trained=0.36, seed_deviation=0.007, untrained=0.186, chance=0.157)
            for direction in DIRECTIONS
        )
    },
)

RECOMMENDATION = Recommendation(
    verdict="tied",
    candidate=CECD,
    runner_up=SECD,
    tied=(SECD, CECD),
    choices=(),
    opinions=(),
    evidence=EVIDENCE,
    cautions=(),
)

ADVICE = Advice(
    headline="Tied: SECD and CECD nano. Take CECD, the cheaper.",
    reasons=(
        Reason(text="The two differ by 0.9 ± 1.2 points.", basis="measured", source="12 trials, 3 seeds"),
        Reason(text="With [b]512[/b] pairs a common encoder is enough.", basis="prior", source="our guideline"),
    ),
    cautions=("Synthetic data say nothing about F1 on real images.",),
    next_steps=("Measure on your own pairs: csmae-bench run --data my-pairs --time-budget 40m",),
)


def shown(recommendation: Recommendation = RECOMMENDATION, advice: Advice = ADVICE, *, width: int = 80) -> str:
    console = PlainConsole(width=width, file=io.StringIO())
    show_advice(console, Counsel(recommendation=recommendation, advice=advice))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def with_evidence(**changes: Any) -> Recommendation:  # noqa: ANN401  any field of the record
    return replace(RECOMMENDATION, evidence=replace(EVIDENCE, **changes))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(len(line) for line in shown(width=width).splitlines()) <= width


def test_the_answer_comes_first() -> None:
    assert shown().splitlines()[0] == ADVICE.headline


def test_the_matrix_shows_every_baseline_that_was_measured_and_no_empty_column() -> None:
    bare = shown()
    assert all(title not in bare.splitlines()[0] for title in ("Bands", "Thumbs"))
    head = next(line for line in bare.splitlines() if line.startswith("Query"))
    assert head.split() == ["Query", "→", "archive", "Trained", "Untrained", "Chance"]
    own = tuple(replace(r, band_statistics=0.25, thumbnail=0.17) for r in EVIDENCE.matrices["CECD nano"])
    mae = tuple(replace(r, trained=0.41) for r in own)
    full = shown(with_evidence(matrices={"CECD nano": own, "2 x MAE nano": mae}))
    head = next(line for line in full.splitlines() if line.startswith("Query"))
    assert head.split()[3:] == ["Trained", "Untrained", "2", "x", "MAE", "Bands", "Thumbs", "Chance"]
    assert row(full, "S1 → S2") == ["S1 → S2", "36.0 ± 0.7", "18.6", "41.0", "25.0", "17.0", "15.7"]


def row(text: str, name: str) -> list[str]:
    """The cells of the table's row that begins with this name."""
    line = next(line for line in text.splitlines() if line.startswith(f"{name} "))
    return re.split(r"\s{2,}", line.strip())


def test_each_candidate_has_its_numbers_and_how_it_stands() -> None:
    text = shown()
    assert row(text, "SECD nano") == ["SECD nano", "36.8 ± 0.6", "18.8", "361", "0.63 M", "runner-up, tied"]
    assert row(text, "CECD nano") == ["CECD nano", "35.9 ± 0.6", "18.8", "361", "0.63 M", "recommended, tied"]
    assert row(text, "2 x MAE nano") == ["2 x MAE nano", "20.1 ± 0.6", "18.8", "361", "0.63 M", "baseline"]


def test_a_candidate_without_a_result_says_why() -> None:
    text = shown()
    assert row(text, "SESD nano") == ["SESD nano", "–", "–", "–", "–", "no result"]
    assert "SESD nano  out of memory: killed by [red]the kernel[/red]" in text


def test_each_direction_stands_beside_chance_and_the_untrained_network() -> None:
    text = shown()
    for direction in ("S1 → S1", "S2 → S2", "S1 → S2", "S2 → S1"):
        assert row(text, direction) == [direction, "36.0 ± 0.7", "18.6", "15.7"]
    assert "500 queries, archive of 1000" in text


def test_synthetic_scores_say_so_in_both_titles() -> None:
    assert shown().count("on synthetic data: ") == 2
    real = shown(with_evidence(synthetic=False), replace(ADVICE, cautions=()))
    assert "synthetic" not in real


@pytest.mark.parametrize(
    ("completed", "said"),
    [
        ((1, 1), "F1@10 in %, one seed\n"),
        ((3, 3), "F1@10 in %, mean ± sd over 3 seeds\n"),
        ((3, 0, 2), "F1@10 in %, mean ± sd over 2 to 3 seeds\n"),
        ((0,), "F1@10 in %\n"),
    ],
)
def test_it_is_said_how_many_trainings_the_numbers_are_over(completed: tuple[int, ...], said: str) -> None:
    standings = tuple(replace(EVIDENCE.standings[0], completed=count) for count in completed)
    assert said in shown(with_evidence(standings=standings), width=120)


def test_one_seed_has_no_deviation_to_speak_of() -> None:
    alone = replace(EVIDENCE.standings[0], completed=1, seed_deviation=None)
    assert row(shown(with_evidence(standings=(alone,))), "SECD nano")[1] == "36.8"


def test_each_reason_says_what_it_rests_on() -> None:
    text = shown(width=120)
    assert "measured  The two differ by 0.9 ± 1.2 points. (12 trials, 3 seeds)" in text
    assert "prior     With [b]512[/b] pairs a common encoder is enough. (our guideline)" in text


@pytest.mark.parametrize("width", [30, 60, 80, 120])
def test_the_next_step_is_a_command_that_can_be_copied(width: int) -> None:
    assert "csmae-bench run --data my-pairs --time-budget 40m" in shown(width=width)


def test_a_source_is_said_again_only_where_it_changes() -> None:
    reasons = [
        Reason(text="One.", basis="measured", source="12 trials"),
        Reason(text="Two.", basis="prior", source="our rule"),
        Reason(text="Three.", basis="measured", source="12 trials"),
        Reason(text="Four.", basis="measured", source="6 trials"),
    ]
    said = shown(advice=replace(ADVICE, reasons=tuple(reasons)))
    assert [line.split("  ", 1)[1].strip() for line in said.splitlines() if line.startswith(("measured", "prior"))] == [
        "One. (12 trials)",
        "Two. (our rule)",
        "Three.",
        "Four. (6 trials)",
    ]


def test_without_trials_there_are_no_tables() -> None:
    text = shown(replace(RECOMMENDATION, evidence=None))
    assert "Trained" not in text
    assert "Why" in text


def test_sections_without_content_are_left_out() -> None:
    text = shown(advice=replace(ADVICE, reasons=(), cautions=(), next_steps=()))
    assert not {"Why", "Cautions", "Next"} & set(text.split())


def test_every_variant_has_a_title_that_fits() -> None:
    standings = tuple(standing(variant, 0.3) for variant in VARIANTS)
    assert max(len(line) for line in shown(with_evidence(standings=standings)).splitlines()) <= 80
