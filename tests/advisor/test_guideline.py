import re

import pytest

from advisor.guideline import FEW_PAIRS, GRADES, MANY_PAIRS, RULES, Rule, opinions
from bench.units import gib
from models import cost
from models.config import Sensor, configure

BANDS: dict[Sensor, int] = {"s1": 2, "s2": 10}
PLENTY = 80 * 1024**3


def said(train_pairs: int, memory_bytes: int | None = PLENTY) -> tuple[str | None, str]:
    """What is said of the encoder, and why."""
    encoder, decoder = opinions(train_pairs=train_pairs, memory_bytes=memory_bytes, bands=BANDS)
    assert (encoder.question, decoder.question) == ("encoder", "decoder")
    return encoder.answer, encoder.why


def test_thresholds_are_the_training_pairs_of_the_papers_two_archives() -> None:
    assert (FEW_PAIRS, MANY_PAIRS) == (7_761, 139_423)


@pytest.mark.parametrize(
    ("train_pairs", "answer"),
    [
        (1, "common"),
        (7_760, "common"),
        (7_761, "common"),
        (7_762, None),
        (50_000, None),
        (139_422, None),
        (139_423, "specific"),
        (500_000, "specific"),
    ],
)
def test_encoder_follows_the_training_pairs_and_is_silent_between_the_two_archives(
    train_pairs: int, answer: str | None
) -> None:
    found, why = said(train_pairs)
    assert found == answer
    assert f"{train_pairs:,} training pairs" in why
    assert said(train_pairs, None) == (found, why)


@pytest.mark.parametrize("train_pairs", [500, 50_000, 139_423])
def test_too_little_memory_for_the_specific_encoder_at_vit_b_means_common(train_pairs: int) -> None:
    needed = cost.state_bytes(configure("secd", "base", bands=BANDS, image_pixels=120))
    short, just = said(train_pairs, needed - 1), said(train_pairs, needed)
    assert short == (
        "common",
        f"training SECD at ViT-B size keeps {gib(needed)} of state, the machine has {gib(needed)}",
    )
    assert just == said(train_pairs)


def test_memory_is_that_of_weights_gradients_and_two_moments_of_these_bands() -> None:
    secd = configure("secd", "base", bands=BANDS, image_pixels=120)
    needed = 16 * cost.parameters(secd)
    _, why = said(139_423, needed - 1)
    assert f"{needed / 1024**3:.1f} GiB of state" in why
    wide, _ = opinions(train_pairs=139_423, memory_bytes=needed, bands={"s1": 2, "s2": 12})
    assert (said(139_423, needed)[0], wide.answer) == ("specific", "common")


@pytest.mark.parametrize("train_pairs", [500, 50_000, 139_423])
def test_memory_that_not_even_the_common_encoder_fits_does_not_choose_between_them(train_pairs: int) -> None:
    common = cost.state_bytes(configure("cecd", "base", bands=BANDS, image_pixels=120))
    assert said(train_pairs, common)[0] == "common"
    assert said(train_pairs, common - 1) == said(train_pairs)


@pytest.mark.parametrize("train_pairs", [100, 50_000, 200_000])
def test_decoder_is_common_whatever_the_data(train_pairs: int) -> None:
    _, decoder = opinions(train_pairs=train_pairs, memory_bytes=None, bands=BANDS)
    assert decoder.answer == "common"
    assert [rule.question for rule in decoder.rules] == ["decoder"]


@pytest.mark.parametrize(
    ("train_pairs", "answers"), [(9, ["common"]), (9_999, ["specific", "common"]), (10**6, ["specific"])]
)
def test_opinion_carries_the_rules_that_speak(train_pairs: int, answers: list[str]) -> None:
    encoder, _ = opinions(train_pairs=train_pairs, memory_bytes=PLENTY, bands=BANDS)
    assert [(rule.question, rule.answer) for rule in encoder.rules] == [("encoder", answer) for answer in answers]


def test_shares_of_parameters_in_the_common_encoders_wording_are_those_of_the_networks() -> None:
    count = {v: cost.parameters(configure(v, "base", bands=BANDS, image_pixels=120)) for v in ("cecd", "cesd", "sesd")}
    (rule,) = (rule for rule in RULES if (rule.question, rule.answer) == ("encoder", "common"))
    shares = [f"{100 * count[variant] / count['sesd']:.0f}" for variant in ("cecd", "cesd")]
    assert re.findall(r"(\d+) %", rule.wording) == shares


def test_what_rests_on_memory_says_in_its_wording_that_it_is_unconfirmed() -> None:
    recalled = [rule.wording for rule in RULES if rule.certainty == "recollection"]
    assert recalled
    assert all("unconfirmed" in wording for wording in recalled)


def test_parameters_in_the_decoders_wording_are_those_of_the_networks() -> None:
    fewer = [
        cost.parameters(configure(specific, "base", bands=BANDS, image_pixels=120))
        - cost.parameters(configure(common, "base", bands=BANDS, image_pixels=120))
        for specific, common in (("cesd", "cecd"), ("sesd", "secd"))
    ]
    (rule,) = (rule for rule in RULES if rule.question == "decoder")
    (said_millions,) = re.findall(r"([\d.]+) M", rule.wording)
    assert [f"{count / 1e6:.1f}" for count in fewer] == [said_millions] * 2


# How each rule is known, in the notes on the method: the table of what the evidence supports, with its letters.
KNOWN = {
    ("encoder", "specific"): "inference",
    ("encoder", "common"): "recollection",
    ("decoder", "common"): "inference",
    ("losses", "UMR + CMR + MIM"): "paraphrase",
    ("masking", "random, ratio 0.5"): "verbatim",
    ("pooling", "mean of the patch tokens"): "paraphrase",
    ("depth", "10 specific and 2 shared blocks, or 12 shared"): "verbatim",
    ("compute", "equal for all four variants"): "recomputed",
}


def test_every_rule_is_as_certain_as_the_notes_on_the_method_say() -> None:
    assert {(rule.question, rule.answer): rule.certainty for rule in RULES} == KNOWN
    assert {rule.certainty for rule in RULES} <= set(GRADES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.question} {rule.answer}")
def test_no_rule_speaks_for_the_paper(rule: Rule) -> None:
    words = f"{rule.wording} {rule.applies} {rule.answer}".lower()
    assert not re.search(r"paper|authors|guideline|we recommend|\"|“", words)
    assert rule.source.strip()
    assert rule.ours or rule.certainty in {"verbatim", "code", "recomputed", "paraphrase"}


@pytest.mark.parametrize("rule", [rule for rule in RULES if re.search(r"training pairs", rule.applies)])
def test_rules_with_a_threshold_say_that_it_is_ours(rule: Rule) -> None:
    assert rule.ours
