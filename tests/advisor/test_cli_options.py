"""How the values of options are read."""

from collections.abc import Callable
from typing import Any

import pytest

from advisor.cli import options
from bench.plan.plan import Request
from bench.score.goal import GOALS
from models.config import SIZES, VARIANTS

Ask = Callable[..., Any]


@pytest.fixture
def asked_for(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """What `csmae-bench run` with these words hands to the run."""

    def requested(*words: str) -> dict[str, Any]:
        handed: dict[str, Any] = {}

        def conduct(request: Request, **others: object) -> int:
            handed.update(others, request=request)
            return 0

        monkeypatch.setattr("advisor.cli.conduct.conduct", conduct)
        assert ask("run", *words).code == 0
        return handed

    return requested


def test_goals_are_those_that_evidence_knows() -> None:
    assert tuple(GOALS) == options.GOALS


def test_without_options_the_four_variants_are_trained_at_nano_with_three_seeds(
    asked_for: Callable[..., dict[str, Any]],
) -> None:
    handed = asked_for()
    assert handed["request"] == Request(
        data="synthetic",
        variants=("cecd", "cesd", "secd", "sesd"),
        sizes=("nano",),
        seeds=3,
        steps=None,
        time_budget_seconds=None,
        device="auto",
        precision=None,
        batch_pairs=32,
        learning_rate=1e-3,
        k=10,
        command="csmae-bench run",
    )
    assert (handed["goal"], str(handed["database"])) == ("cross", "results.duckdb")
    assert (handed["as_json"], handed["quiet"]) == (False, False)


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ("--data a[b]c", "data", "a[b]c"),
        ("--variants SECD,mae", "variants", ("secd", "mae")),
        ("--variants secd,secd", "variants", ("secd",)),
        ("--sizes nano,tiny", "sizes", ("nano", "tiny")),
        ("--seeds 5", "seeds", 5),
        ("--time-budget 1h30m", "time_budget_seconds", 5400.0),
        ("--time-budget 90", "time_budget_seconds", 90.0),
        ("--steps 40", "steps", 40),
        ("--batch-pairs 8", "batch_pairs", 8),
        ("--learning-rate 3e-4", "learning_rate", 3e-4),
        ("--k 5", "k", 5),
        ("--device cuda:1", "device", "cuda:1"),
        ("--precision bf16", "precision", "bf16"),
        ("--precision auto", "precision", None),
        ("--data a[b]c", "command", "csmae-bench run --data 'a[b]c'"),
    ],
)
def test_an_option_reaches_the_request(
    asked_for: Callable[..., dict[str, Any]], words: str, field: str, value: object
) -> None:
    assert getattr(asked_for(*words.split())["request"], field) == value


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--variants secc", f"there is no variant 'secc' (did you mean secd?); there are {', '.join(VARIANTS)}"),
        ("--variants secd,", "there is no variant ''"),
        ("--sizes hugge", f"there is no size 'hugge'; there are {', '.join(SIZES)}"),
        ("--goal corss", "there is no goal 'corss' (did you mean cross?)"),
        ("--goal s1-s3=1", "there is no goal 's1-s3=1'; there are cross, uni, all, or weights of s1-s1, s2-s2"),
        ("--goal s1-s2=1,s1-s2=1", "names s1-s2 twice"),
        ("--goal s1-s2=0", "gives no direction a weight above 0"),
        ("--precision fp8", "there is no precision 'fp8'"),
        ("--time-budget -3", "'-3' is below nothing: a duration must be above zero"),
        ("--time-budget 0", "'0' is no time at all: a duration must be above zero"),
        ("--time-budget soon", "'soon' is no duration"),
        ("--seeds -1", "-1 is not in the range"),
        ("--batch-pairs 1", "1 is not in the range"),
        ("--learning-rate 0", "0.0 is not in the range"),
        ("--k 0", "0 is not in the range"),
    ],
)
def test_a_wrong_value_is_named_with_its_option_and_its_rule(ask: Ask, words: str, said: str) -> None:
    answer = ask("run", *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"csmae-bench: error: Invalid value for '{words.partition(' ')[0]}': ")
    assert said in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "goal"),
    [("UNI", "uni"), ("S2-S1=1,s1-s2=3", "s1-s2=3,s2-s1=1"), ("s1-s2=2,s2-s1=2", "cross")],
)
def test_a_goal_reaches_the_run_in_its_one_way_of_writing(
    asked_for: Callable[..., dict[str, Any]], words: str, goal: str
) -> None:
    assert asked_for("--goal", words)["goal"] == goal


def test_the_store_can_be_named_by_the_environment_and_the_flag_wins(
    asked_for: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSMAE_DB", "elsewhere.duckdb")
    assert str(asked_for()["database"]) == "elsewhere.duckdb"
    assert str(asked_for("--db", "here.duckdb")["database"]) == "here.duckdb"
