"""What it would take to settle what is open."""

import re
from dataclasses import replace

import pytest

from advice_fakes import apart, measured
from advisor.evidence import Evidence
from advisor.recommend import recommend
from advisor.steps import settle
from bench.score.power import Pilot
from bench.units import duration


def weighed(*, seeds: int = 3, queries: int = 500) -> Evidence:
    evidence = recommend(measured({"cecd": (0.3,) * 2}), hardware=None, dataset=None).evidence
    assert evidence is not None
    return replace(evidence, seeds=seeds, queries=queries)


@pytest.mark.parametrize("sign", [1, -1])
def test_seeds_that_would_settle_it_are_the_fewest_that_do(sign: int) -> None:
    contrast = apart(0.02 * sign, seed_error=0.009, query_error=0.003)
    needed = Pilot(contrast=contrast, seeds=3, queries=500).needed()
    assert needed.reachable
    assert needed.seeds > 3
    assert f"difference of 2.0 points with 80 % power, {needed.seeds} seeds are needed" in settle(contrast, weighed())


def test_at_least_one_seed_more_is_advised_with_what_it_costs() -> None:
    words = settle(apart(0.10, seed_error=0.01, query_error=0.001), weighed(seeds=6))
    assert words.endswith("7 seeds are needed: csmae-bench run --data PATH --seeds 7")
    evidence = weighed()
    timed = replace(evidence, standings=tuple(replace(s, trial_seconds=30.0) for s in evidence.standings))
    contrast = apart(0.02, seed_error=0.009, query_error=0.003)
    seeds = Pilot(contrast=contrast, seeds=3, queries=500).needed().seeds
    assert f"seeds are needed, {duration(30.0 * (seeds - 3))} of training more: " in settle(contrast, timed)


def test_more_queries_are_advised_where_seeds_cannot_do_it() -> None:
    words = settle(apart(0.02, seed_error=0.001, query_error=0.0100), weighed())
    (queries,) = (int(number.replace(",", "")) for number in re.findall(r"about ([\d,]+) queries", words))
    pilot = Pilot(contrast=apart(0.02, seed_error=0.001, query_error=0.0100), seeds=3, queries=500)
    assert pilot.power(0.02, seeds=20, queries=queries) >= 0.8
    assert pilot.power(0.02, seeds=20, queries=queries // 2) < 0.8


@pytest.mark.parametrize(
    ("estimate", "seed_error", "query_error", "words"),
    [
        (0.0, 0.01, 0.01, "Encoders are level here"),
        (0.0004, 0.0, 0.0, "Encoders are level here"),
        (0.001, 0.01, 0.01, "treat it as none"),
        (0.005, 0.01, 0.0, "20 seeds are not enough, however many the queries"),
    ],
)
def test_what_is_not_worth_settling_is_said_to_be_none(
    estimate: float, seed_error: float, query_error: float, words: str
) -> None:
    assert words in settle(apart(estimate, seed_error=seed_error, query_error=query_error), weighed())
