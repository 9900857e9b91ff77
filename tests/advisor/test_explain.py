import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import rich_click as click

from advice_fakes import LEVEL, REAL, SPECIFIC_WINS, SYNTHETIC, UNLABELLED, apart, measured, sized
from advisor.cli.run import command
from advisor.explain import Advice, as_document, explain
from advisor.guideline import GRADES
from advisor.recommend import TIE_RULE, recommend
from bench.profile.dataset import DatasetProfile
from bench.result import Outcome, TrialResult
from fakes import HARDWARE, trial_result


def told(trials: tuple[TrialResult, ...], *, dataset: DatasetProfile | None = REAL, goal: str = "cross") -> Advice:
    return explain(recommend(trials, hardware=HARDWARE, dataset=dataset, goal=goal))


def failed(variant: str) -> TrialResult:
    return trial_result(variant=variant, outcome=Outcome.OUT_OF_MEMORY, dataset=REAL)


def texts(advice: Advice) -> list[str]:
    return [reason.text for reason in advice.reasons]


def reason(advice: Advice, start: str) -> str:
    (found,) = (text for text in texts(advice) if text.startswith(start))
    return found


BOTH = "common encoder: the guideline, common decoder: the guideline"

ONE_BETTER = measured(LEVEL | {"cesd": (0.460, 0.466, 0.454)})


@pytest.mark.parametrize(
    ("trials", "headline"),
    [
        (ONE_BETTER, "Take CESD: at nano size it beats every other candidate scored beyond the noise."),
        (
            measured(LEVEL),
            f"Tied: CECD nano, CESD nano, SECD nano and SESD nano cannot be told apart. Take CECD ({BOTH}).",
        ),
        (
            measured(SPECIFIC_WINS),
            "Tied: SECD nano and SESD nano cannot be told apart. "
            "Take SECD (specific encoder: the trials, common decoder: the guideline).",
        ),
        (
            measured({"cecd": LEVEL["cecd"]}) + measured({"cecd": LEVEL["secd"]}, size="tiny"),
            f"Tied: CECD nano and CECD tiny cannot be told apart. Take CECD nano ({BOTH}).",
        ),
        (
            measured({"cecd": (0.3,), "secd": (0.4,)}),
            f"Undecided: too few trainings to know the noise. Take CECD for now ({BOTH}).",
        ),
        (
            measured({"sesd": (0.4,)}),
            "Undecided: only SESD nano was trained. "
            "Take SESD for now (specific encoder: all there is, specific decoder: all there is).",
        ),
        ((), f"By the guideline alone, nothing measured: take CECD ({BOTH})."),
        ((failed("sesd"),), "Nothing fits: every trial ran out of memory. The least to ask for is CECD nano."),
        (measured({"mae": (0.3, 0.31)}), f"By the guideline alone, nothing measured: take CECD ({BOTH})."),
    ],
)
def test_headline_says_what_to_take_and_on_what_ground(trials: tuple[TrialResult, ...], headline: str) -> None:
    assert told(trials).headline == headline


def test_headline_names_fewer_parameters_where_neither_trials_nor_guideline_speak() -> None:
    advice = told((), dataset=sized(REAL, train=50_000))
    assert advice.headline.endswith("take CECD (common encoder: fewer parameters, common decoder: the guideline).")
    assert "no opinion on the encoder, since 50,000 training pairs lie between" in reason(advice, "Guideline: no")


def test_without_data_and_trials_there_is_nothing_to_say() -> None:
    advice = told((), dataset=None)
    assert advice.headline.startswith("No advice")
    assert advice.reasons == ()


def test_encoder_against_the_guideline_is_said_to_be_overruled_by_the_trials() -> None:
    advice = told(measured(SPECIFIC_WINS))
    assert reason(advice, "Guideline: common encoder") == (
        "Guideline: common encoder, since 2,000 training pairs are few (our threshold: 7,761, BEN-14K). "
        "The trials overrule it here"
    )
    effect = reason(advice, "Specific minus common encoder")
    points = r"\+10\.0 \[\+\d\.\d, \+1\d\.\d\] points of cross-sensor F1@10"
    assert re.fullmatch(f"Specific minus common encoder: {points}: specific is better", effect)
    assert "overrule" not in reason(advice, "Guideline: common decoder")


def test_trials_that_lack_the_guidelines_kind_do_not_overrule_it() -> None:
    advice = told(measured({v: LEVEL[v] for v in ("secd", "sesd")}))
    assert reason(advice, "Guideline: common encoder").endswith("The trials hold no counterpart with it")


@pytest.mark.parametrize(
    "trials", [measured(LEVEL), measured({"cecd": (0.3,), "secd": (0.4,)}), measured(SPECIFIC_WINS)]
)
def test_rule_for_ties_is_stated_when_it_was_used(trials: tuple[TrialResult, ...]) -> None:
    assert TIE_RULE in texts(told(trials))
    assert TIE_RULE not in texts(told(ONE_BETTER))


def test_common_encoder_that_wins_has_a_true_minus_sign() -> None:
    swap = {"cecd": "secd", "secd": "cecd", "cesd": "sesd", "sesd": "cesd"}
    advice = told(measured({swap[variant]: scores for variant, scores in SPECIFIC_WINS.items()}))
    effect = reason(advice, "Specific minus common encoder")
    assert effect.startswith("Specific minus common encoder: −10.0 [−1")
    assert effect.endswith("common is better")
    assert not re.search(r"[ \[]-\d", " ".join(texts(advice)))


def test_undecided_effect_is_called_so() -> None:
    assert reason(told(measured(LEVEL)), "Specific minus common encoder").endswith("F1@10: undecided")


@pytest.mark.parametrize(("lap", "words"), [(0.06, "takes 20 % more time"), (0.04, "takes 20 % less time")])
def test_cost_of_a_specific_decoder_is_told(lap: float, words: str) -> None:
    trials = tuple(
        replace(t, costs=replace(t.costs, step_seconds=(lap if t.candidate.variant.endswith("sd") else 0.05,)))
        for t in measured(LEVEL)
    )
    assert words in reason(told(trials), "A specific decoder")


def test_gain_over_no_training_is_told_for_the_one_taken() -> None:
    assert reason(told(measured(LEVEL)), "Training moves") == (
        "Training moves CECD nano from 19.0 (untrained) to 36.0 points of cross-sensor F1@10; chance is 15.0"
    )


@pytest.mark.parametrize("share", [-0.0004, 0.0004, 0.0])
def test_an_end_of_an_interval_that_rounds_to_nothing_has_no_sign(share: float) -> None:
    recommendation = recommend(measured(LEVEL), hardware=HARDWARE, dataset=REAL)
    assert recommendation.evidence is not None
    gap = replace(apart(0.01, seed_error=0.005, query_error=0.005), low=share, high=0.02)
    effects = tuple(replace(effect, contrast=gap) for effect in recommendation.evidence.effects)
    advice = explain(replace(recommendation, evidence=replace(recommendation.evidence, effects=effects)))
    assert "+1.0 [0.0, +2.0] points" in reason(advice, "Specific minus common encoder")


def test_out_of_memory_asks_for_less_and_not_for_the_same_again() -> None:
    (step,) = told((failed("sesd"),)).next_steps
    assert step.endswith("csmae-bench run --data PATH --variants cecd --sizes nano")


def test_so_few_pairs_ask_for_pairs_and_not_for_seeds() -> None:
    few = sized(REAL, train=25)
    steps = told(measured(LEVEL, dataset=few), dataset=few).next_steps
    assert steps[0] == "Take more pairs before more seeds: csmae-bench run --data PATH"
    assert not any("--seeds" in step for step in steps)


def test_noise_is_told_or_said_to_be_unknown() -> None:
    assert "differ by 0.6 points (standard deviation; its interval is 0.4 to 1.1)" in reason(
        told(measured(LEVEL)), "Noise"
    )
    assert reason(told(measured({"cecd": (0.3,), "secd": (0.4,)})), "Noise").startswith("Noise: unknown")


def test_unlabelled_data_are_measured_in_partner_recall() -> None:
    advice = told(measured(LEVEL, dataset=UNLABELLED), dataset=UNLABELLED, goal="uni")
    assert "points of cross-sensor partner recall@10" in reason(advice, "Training moves")


@pytest.mark.parametrize(
    ("scores", "source"),
    [
        (LEVEL, "12 trials, 3 seeds each, 200 queries, these data"),
        ({"cecd": (0.3,)}, "1 trial, 1 seed each, 200 queries, these data"),
        ({"cecd": (0.3, 0.31), "secd": (0.3,)}, "3 trials, 1 to 2 seeds each, 200 queries, these data"),
    ],
)
def test_measured_sentences_name_trials_seeds_and_queries(scores: dict[str, tuple[float, ...]], source: str) -> None:
    measured_sources = {r.source for r in told(measured(scores)).reasons if r.basis == "measured"}
    assert measured_sources == {source}


def test_synthetic_data_are_called_synthetic_in_every_measured_source() -> None:
    advice = told(measured(SPECIFIC_WINS, dataset=SYNTHETIC), dataset=SYNTHETIC)
    sources = [r.source for r in advice.reasons if r.basis == "measured"]
    assert len(sources) >= 4
    assert all("synthetic" in source for source in sources)
    assert "synthetic" in advice.cautions[0]
    assert not any("synthetic" in r.source for r in told(measured(SPECIFIC_WINS)).reasons)


def test_guidelines_sources_are_how_sure_its_rules_are() -> None:
    for train_pairs in (7_761, 50_000, 139_423):
        for r in told((), dataset=sized(REAL, train=train_pairs)).reasons:
            assert r.basis == "prior"
            grades = r.source.removesuffix("; thresholds ours").split("; ")
            assert set(grades) <= set(GRADES.values())
            assert r.source.endswith("thresholds ours") == ("encoder" in r.text)


@pytest.mark.parametrize("trials", [(), (failed("sesd"),), measured({"mae": (0.3, 0.31)})])
def test_nothing_measured_makes_no_measured_sentence(trials: tuple[TrialResult, ...]) -> None:
    assert {r.basis for r in told(trials).reasons} == {"prior"}


def test_no_word_passes_for_the_papers() -> None:
    for trials in ((), measured(LEVEL), measured(SPECIFIC_WINS)):
        advice = told(trials)
        words = " ".join([advice.headline, *texts(advice), *advice.cautions, *advice.next_steps])
        assert not re.search(r"paper'?s? (says|recommends|finds|guideline)|the authors", words, re.IGNORECASE)


SITUATIONS = {
    "tied": measured(LEVEL),
    "tied on synthetic data": measured(LEVEL, dataset=SYNTHETIC),
    "level": measured({"cecd": (0.36, 0.37), "secd": (0.36, 0.37)}),
    "near": measured({"cecd": (0.340, 0.352, 0.346), "secd": (0.353, 0.365, 0.359)}),
    "near at tiny": measured({"cecd": (0.340, 0.352, 0.346), "secd": (0.353, 0.365, 0.359)}, size="tiny"),
    "decided": measured(SPECIFIC_WINS),
    "one seed": measured({"cecd": (0.3,), "secd": (0.4,)}),
    "one candidate": measured({"cecd": (0.3, 0.31)}),
    "one candidate on synthetic data": measured({"cecd": (0.3, 0.31)}, dataset=SYNTHETIC),
    "failed": (failed("sesd"),),
    "nothing": (),
}


def commands(step: str) -> Iterator[list[str]]:
    for words in re.findall(r"csmae-bench run\b(.*)$", step):
        yield words.split()


@pytest.mark.parametrize("goal", ["cross", "uni", "all"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_commands_of_the_next_steps_are_read_by_the_command_line(situation: str, goal: str) -> None:
    steps = told(SITUATIONS[situation], goal=goal).next_steps
    assert any("csmae-bench run" in step for step in steps)
    for step in steps:
        for words in commands(step):
            with command.make_context("run", words, obj=()) as context:
                assert isinstance(context, click.Context)
                for option in (word for word in words if word.startswith("--")):
                    assert any(option in parameter.opts for parameter in command.params)
        assert (
            ("csmae-bench" in step) or "treat it as none" in step or "Encoders are level" in step or "queries" in step
        )


@pytest.mark.parametrize(("goal", "asked"), [("cross", ""), ("uni", " --goal uni"), ("all", " --goal all")])
def test_next_run_asks_for_the_same_goal_sizes_and_kind_of_data(goal: str, asked: str) -> None:
    on_real = told(SITUATIONS["near at tiny"], goal=goal).next_steps[0]
    assert re.search(rf"csmae-bench run --data PATH{asked} --sizes tiny --seeds \d+$", on_real)
    on_synthetic = told(SITUATIONS["one candidate on synthetic data"], goal=goal).next_steps
    assert on_synthetic[0].endswith(f"csmae-bench run{asked} --seeds 3")
    assert any(step.endswith("csmae-bench run --data PATH") for step in on_synthetic)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_document_is_plain_json_with_the_same_words(situation: str) -> None:
    recommendation = recommend(SITUATIONS[situation], hardware=HARDWARE, dataset=REAL)
    advice = explain(recommendation)
    document = json.loads(json.dumps(as_document(recommendation, advice)))
    assert document["words"]["headline"] == advice.headline
    assert document["recommendation"]["verdict"] == recommendation.verdict
