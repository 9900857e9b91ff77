"""csmae-bench guideline: every rule with its source, and what the rules say for one archive."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from advisor.guideline import GRADES, RULES

Ask = Callable[..., Any]


def test_every_rule_is_shown_with_its_source_and_how_it_is_known(ask: Ask) -> None:
    answer = ask("guideline")
    words = " ".join(answer.out.split())
    assert answer.code == 0
    for rule in RULES:
        for part in (f"{rule.question}: {rule.answer}", rule.wording, rule.source, GRADES[rule.certainty]):
            assert " ".join(part.split()) in words


@pytest.mark.parametrize(
    ("options", "opinion"),
    [
        (("--pairs", "7761"), "encoder: common, since 7,761 training pairs are few (our threshold: 7,761, BEN-14K)"),
        (("--pairs", "139423"), "encoder: specific, since 139,423 training pairs are many"),
        (("--pairs", "50000"), "encoder: no opinion, since 50,000 training pairs lie between"),
        (("--pairs", "139423", "--memory", "2500M"), "encoder: common, since training SECD at ViT-B size keeps"),
    ],
)
def test_an_archive_gets_what_the_rules_say_for_it(ask: Ask, options: tuple[str, ...], opinion: str) -> None:
    words = " ".join(ask("guideline", *options).out.split())
    assert opinion in words
    assert "decoder: common, since they differ little" in words


def test_json_holds_rules_and_opinions(ask: Ask) -> None:
    data = json.loads(ask("guideline", "--pairs", "100", "--json").out)["data"]
    assert [rule["certainty"] for rule in data["rules"]] == [rule.certainty for rule in RULES]
    assert [opinion["answer"] for opinion in data["opinions"]] == ["common", "common"]
