"""What the advice says of searching the full archive."""

from dataclasses import replace

from advice_fakes import LEVEL, REAL, measured
from advisor.explain import explain
from advisor.recommend import recommend
from advisor.serving import serving
from bench.plan.index import IndexMeasurement
from bench.result import Candidate

CECD = Candidate(variant="cecd", size="nano")
TRIALS = measured(LEVEL)
ITEMS = sum(REAL.pairs.values())


def measurement(trial_id: str, *, seconds: float = 0.001) -> IndexMeasurement:
    return IndexMeasurement(
        trial_id=trial_id,
        kind="exact",
        parameter=0,
        query="s1",
        archive="s2",
        source="enlarged",
        items=ITEMS,
        width=96,
        k=10,
        queries=100,
        recall_at_k=None,
        recall_standard_error=None,
        latency_seconds=seconds,
        latency_p95_seconds=seconds,
        batch_seconds=seconds / 4,
        build_seconds=0.1,
        index_bytes=ITEMS * 96 * 4,
        threads=2,
        machine="m",
        tool_version="1",
        measured_at="2026-01-01T00:00:00+00:00",
    )


def own(candidate: Candidate) -> list[str]:
    return [trial.trial_id for trial in TRIALS if trial.candidate == candidate]


def test_without_a_measurement_only_the_memory_of_exact_search_is_known() -> None:
    found = serving(CECD, REAL, TRIALS, ())
    assert found
    assert not found.measured
    assert f"{ITEMS:,} images and 96 dimensions" in found.sentences[0]
    assert "csmae-bench index" in found.sentences[0]


def test_what_was_measured_on_the_candidates_descriptors_is_told() -> None:
    found = serving(CECD, REAL, TRIALS, [measurement(own(CECD)[0])])
    assert found
    assert found.measured
    assert any(f"{ITEMS:,} images" in sentence for sentence in found.sentences)


def test_measurements_of_other_candidates_say_nothing_of_this_one() -> None:
    other = own(Candidate(variant="secd", size="nano"))[0]
    assert serving(CECD, REAL, TRIALS, [measurement(other)]) == serving(CECD, REAL, TRIALS, ())


def test_without_the_data_nothing_is_said() -> None:
    assert serving(CECD, None, TRIALS, ()) is None


def test_the_advice_says_where_its_sentence_on_search_comes_from() -> None:
    def told(*measurements: IndexMeasurement) -> tuple[str, str]:
        recommendation = recommend(TRIALS, hardware=None, dataset=REAL, indexes=measurements)
        assert recommendation.candidate == CECD
        reason = next(r for r in explain(recommendation).reasons if f"{ITEMS:,} images" in r.text)
        return reason.basis, reason.source

    assert told() == ("prior", "images x dimensions x 4 bytes")
    assert told(measurement(own(CECD)[0])) == ("calibrated", "measured on descriptors of these data")


def test_equal_measurements_in_any_order_are_told_alike() -> None:
    rows = [measurement(name, seconds=seconds) for name, seconds in zip(own(CECD), (0.001, 0.002, 0.004), strict=True)]
    rows.append(replace(rows[0], items=100, source="real", recall_at_k=1.0, recall_standard_error=0.0))
    assert serving(CECD, REAL, TRIALS, rows) == serving(CECD, REAL, TRIALS, rows[::-1])
