"""What follows from measurements for a larger archive: known laws, refusals, and the rule."""

import random
import subprocess
import sys
from dataclasses import replace
from math import exp, log
from pathlib import Path

import pytest

import index_fakes
from bench.index import words
from bench.index.advise import FINE_SECONDS, advise, exact_cost
from bench.index.estimate import FARTHEST, comparable, outlooks
from bench.index.kinds import KINDS
from bench.index.power_law import BEND, PowerLaw, Reading
from bench.index.records import IndexAdvice, IndexEstimate, IndexNeed, IndexOutlook
from bench.plan.index import IndexMeasurement
from index_fakes import PLAIN, measured

SIZES = (1000, 4000, 16_000, 64_000)


def exact(seconds_an_item: float = 1e-7, sizes: tuple[int, ...] = SIZES) -> list[IndexMeasurement]:
    return [measured("exact", 0, size, seconds=seconds_an_item * size, recall=1.0) for size in sizes]


def hnsw(parameter: int, lost: float, *, seconds: float = 1e-4, error: float = 0.001) -> list[IndexMeasurement]:
    return [measured("hnsw", parameter, size, seconds=seconds, recall=1 - lost, error=error) for size in SIZES]


def advised(measurements: list[IndexMeasurement], **need: float | None) -> IndexAdvice:
    advice = advise(measurements, IndexNeed(**{"items": 480_038, **need}))  # type: ignore[arg-type]  # fields of the need
    assert advice
    return advice


def only(measurements: list[IndexMeasurement], items: int) -> IndexOutlook:
    (found,) = outlooks(measurements, items)
    return found


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 1.5])
def test_a_known_power_law_is_found_again(exponent: float) -> None:
    law = PowerLaw({size: Reading(value=3e-6 * size**exponent, deviation=0.1) for size in SIZES})
    value, low, high = law.at(480_038)
    assert law.exponent == pytest.approx(exponent)
    assert value == pytest.approx(3e-6 * 480_038**exponent)
    assert low < value < high


def test_the_interval_grows_with_the_distance_from_what_was_measured() -> None:
    law = PowerLaw({size: Reading(value=1e-6 * size, deviation=0.1) for size in SIZES})
    widths = []
    for size in (16_000, 64_000, 256_000, 1_024_000, 16_384_000):
        _, low, high = law.at(size)
        widths.append(high / low)
    assert widths == sorted(widths)
    assert widths[-1] > 3 * widths[0]


def test_the_interval_holds_what_is_measured_later_in_about_95_of_100_cases() -> None:
    draw, held = random.Random(3), 0
    for _ in range(400):
        readings = {size: Reading(value=1e-6 * size**0.8 * exp(draw.gauss(0, 0.1)), deviation=0.1) for size in SIZES}
        _, low, high = PowerLaw(readings).at(256_000, beside=0.1)
        bent = exp(draw.gauss(0, BEND) * log(4))  # of the exponent, over a factor of four
        held += low <= 1e-6 * 256_000**0.8 * bent * exp(draw.gauss(0, 0.1)) <= high
    assert 0.93 <= held / 400 <= 1


def test_one_size_is_no_line() -> None:
    with pytest.raises(ValueError, match="at least two"):
        PowerLaw({1000: Reading(value=1.0, deviation=0.1)})
    assert only([measured("exact", 0, 1000, recall=1.0)], 2000).latency_seconds is None


@pytest.mark.parametrize(
    ("items", "source", "basis"),
    [
        (64_000, "measured", "measured on 64,000 real descriptors"),
        (32_000, "interpolated", "interpolated between sizes up to 64,000"),
        (480_038, "extrapolated", "extrapolated from 64,000 real descriptors"),
    ],
)
def test_an_estimate_says_what_it_rests_on(items: int, source: str, basis: str) -> None:
    latency = only(exact(), items).latency_seconds
    assert latency
    assert (latency.source, latency.basis) == (source, basis)
    assert latency.value == pytest.approx(1e-7 * items)
    assert latency.low < latency.value < latency.high


def test_memory_is_told_by_the_formula_and_its_miss() -> None:
    off = [replace(one, index_bytes=round(1.02 * one.index_bytes)) for one in hnsw(64, 0.01)]
    size = only(off, 480_038).index_bytes
    assert size.value == size.low == KINDS["hnsw"].size_bytes(480_038, 32)
    assert size.high == pytest.approx(1.02 * size.value)
    assert size.basis == "formula, 2.0% from the size of an index of 64,000"


def test_recall_is_carried_along_the_law_of_what_is_lost() -> None:
    rows = [measured("hnsw", 16, size, recall=1 - 1e-4 * size**0.5, error=1e-5) for size in SIZES]
    recall = only(rows, 256_000).recall
    assert recall
    assert recall.source == "extrapolated"
    assert recall.value == pytest.approx(1 - 1e-4 * 256_000**0.5, abs=1e-4)
    assert recall.low < recall.value < recall.high <= 1


def test_recall_at_a_measured_size_has_the_interval_of_its_queries() -> None:
    recall = only(hnsw(16, 0.1, error=0.01), 64_000).recall
    assert recall
    assert recall.source == "measured"
    assert (recall.low, recall.high) == pytest.approx((0.8804, 0.9196))


def test_recall_is_that_of_the_direction_where_it_is_lowest() -> None:
    other = [replace(one, query="s2", archive="s1", recall_at_k=0.7) for one in hnsw(16, 0.1)]
    recall = only([*hnsw(16, 0.1), *other], 64_000).recall
    assert recall
    assert recall.value == 0.7


def test_recall_is_not_carried_too_far() -> None:
    rows = hnsw(16, 0.01)
    assert only(rows, FARTHEST * 64_000).recall
    refused = only(rows, FARTHEST * 64_000 + 1)
    assert refused.recall is None
    assert refused.no_recall == (
        "recall was measured on 64,000 real descriptors at most, and is not carried further than 50 times that"
    )
    assert refused.latency_seconds


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (
            [measured("hnsw", 16, size, source="enlarged") for size in SIZES],
            "efSearch 16 was measured on no real archive",
        ),
        (hnsw(16, 0.01)[:1], "recall was measured at one size of a real archive only (1,000)"),
        (
            hnsw(16, 0.02, error=0.02)[:2],
            "extrapolated from 4,000 real descriptors, it could lie anywhere between 0 and 100 %",
        ),
    ],
)
def test_why_no_recall_is_told(rows: list[IndexMeasurement], reason: str) -> None:
    outlook = only(rows, 40_000)
    assert (outlook.recall, outlook.no_recall) == (None, reason)


def test_exact_search_finds_all_at_any_size() -> None:
    recall = only(exact(), 10**9).recall
    assert recall
    assert (recall.low, recall.high) == (1.0, 1.0)


def test_only_what_was_measured_alike_is_compared() -> None:
    newest = replace(PLAIN, measured_at="2026-02-01T00:00:00+00:00", latency_seconds=0.5)
    others = [replace(PLAIN, threads=8), replace(PLAIN, machine="other"), replace(PLAIN, k=5)]
    smaller = replace(PLAIN, items=10)
    assert set(comparable([*others, newest, PLAIN, smaller])) == {newest, smaller}
    assert comparable([]) == ()
    assert advise([], IndexNeed(items=1)) is None


def test_exact_search_is_advised_where_it_is_fast_enough() -> None:
    advice = advised([*exact(1e-8), *hnsw(64, 0.001)])
    assert advice.chosen
    assert advice.chosen.kind == "exact"
    assert advice.sentences[1] == "Search exactly: a query takes less than 50 ms, and nothing is lost."


def test_a_tighter_latency_asks_for_an_index() -> None:
    rows = [*exact(1e-8), *hnsw(16, 0.2), *hnsw(64, 0.001), *hnsw(256, 0.0001, seconds=0.0003)]
    chosen = advised(rows, latency_seconds=0.002).chosen
    assert chosen
    assert (chosen.kind, chosen.parameter) == ("hnsw", 64)


def test_the_cheapest_in_memory_comes_first_then_the_fastest() -> None:
    smaller = [measured("ivf_flat", 16, size, seconds=5e-4, recall=0.999, error=1e-4) for size in SIZES]
    chosen = advised([*exact(), *hnsw(64, 0.001), *smaller], latency_seconds=0.01).chosen
    assert chosen
    assert chosen.kind == "ivf_flat"


def test_a_recall_that_is_high_only_in_the_middle_of_its_interval_does_not_count() -> None:
    rows = hnsw(64, 0.04, error=0.02)
    recall = only(rows, 480_038).recall
    assert recall
    assert recall.low < 0.95 < recall.value
    assert advised([*exact(), *rows], latency_seconds=0.01).chosen is None


def test_nothing_is_advised_where_nothing_offers_enough() -> None:
    advice = advised([*exact(1e-5), *hnsw(64, 0.3)])
    assert advice.chosen is None
    assert advice.sentences[1].startswith("No index is known to find 95 % of the 10 nearest within 50 ms a query")


def test_the_sentences_hold_the_numbers() -> None:
    sentences = advised([*exact(), *hnsw(64, 0.001)]).sentences
    assert sentences[0].startswith("At 480,038 images and 32 dimensions exact search needs 61 MB and about 48 ms [")
    assert sentences[0].endswith("] a query on 2 threads (extrapolated from 64,000 real descriptors).")
    assert sentences[2].startswith("HNSW at efSearch 64 needs 192 MB and about 0.1 ms [")
    assert " of the 10 nearest (extrapolated from 64,000 real descriptors)." in sentences[2]


def test_without_measurements_the_bytes_of_exact_search_are_known() -> None:
    assert words.megabytes(exact_cost(480_038, 768).value) == "1.5 GB"
    assert words.megabytes(exact_cost(480_038, 96).value) == "184 MB"


@pytest.mark.parametrize(
    ("change", "message"),
    [({"items": 0}, "items=0"), ({"recall": 1.5}, "recall=1.5"), ({"latency_seconds": 0.0}, "latency_seconds=0.0")],
)
def test_a_need_that_nothing_meets_is_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(IndexNeed(items=1), **change)  # type: ignore[arg-type]  # a field of the need


def test_an_interval_holds_its_value() -> None:
    with pytest.raises(ValueError, match="does not lie between"):
        IndexEstimate(value=1.0, low=2.0, high=3.0, source="measured", basis="")


@pytest.mark.parametrize("change", [{"k": 0}, {"time_limit_seconds": 0.0}, {"kinds": ()}])
def test_a_plan_that_measures_nothing_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"at least 1|above 0|no kind"):
        replace(index_fakes.plan(tmp_path, items=10), **change)  # type: ignore[arg-type]  # a field of the plan


def test_a_person_waits_no_longer_than_the_rule_says() -> None:
    assert words.seconds_words(FINE_SECONDS) == "50 ms"


def test_advice_and_launch_load_no_faiss() -> None:
    modules = "bench.index.advise, bench.index.launch, advisor.cli.indexes"
    code = f"import sys, {modules}; assert not {{'faiss', 'torch', 'timm'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
