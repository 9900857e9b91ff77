"""Which index, by a rule that was stated before anything was measured: a pure function of measurements."""

from collections.abc import Sequence
from typing import Final

from bench.index import words
from bench.index.estimate import comparable, outlooks
from bench.index.kinds import KINDS, exact_bytes
from bench.index.records import IndexAdvice, IndexEstimate, IndexNeed, IndexOutlook
from bench.plan.index import IndexMeasurement

FINE_SECONDS: Final = 0.05
"""A query that takes no longer is answered at once to a person who waits (ours); used where no latency is asked for."""

RULE: Final = (
    "Exact search where a query stays below the latency, for then nothing is lost; otherwise the cheapest in memory, "
    "then the fastest, of the indexes whose recall is high enough at the lower end of its interval and whose latency "
    "is low enough at the upper end."
)
"""Stated before measuring."""


def advise(measurements: Sequence[IndexMeasurement], need: IndexNeed) -> IndexAdvice | None:
    """The index for an archive that is to be, by `RULE`.

    Args:
        measurements: of one trial, in any order, older ones and those of other machines among them.
    Returns: None where nothing was measured; `exact_cost` then says what is known without.
    """
    alike = comparable(measurements)
    if not alike:
        return None
    found = outlooks(alike, need.items)
    chosen = _chosen(found, need)
    first = alike[0]
    return IndexAdvice(
        need=need,
        trial_id=first.trial_id,
        width=first.width,
        k=first.k,
        threads=first.threads,
        outlooks=found,
        chosen=chosen,
        sentences=_sentences(found, chosen, need, first),
    )


def exact_cost(items: int, width: int) -> IndexEstimate:
    """Bytes of exact search: known without any measurement."""
    size = float(exact_bytes(items, width))
    return IndexEstimate(value=size, low=size, high=size, source="formula", basis="images x dimensions x 4 bytes")


def limit_seconds(need: IndexNeed) -> float:
    """What a query may take."""
    return FINE_SECONDS if need.latency_seconds is None else need.latency_seconds


def _chosen(found: Sequence[IndexOutlook], need: IndexNeed) -> IndexOutlook | None:
    fit = [one for one in found if _fast(one, need) and _finds(one, need)]
    exact = next((one for one in fit if not KINDS[one.kind].knob), None)
    return exact or min(fit, key=_cost, default=None)


def _fast(outlook: IndexOutlook, need: IndexNeed) -> bool:
    return outlook.latency_seconds is not None and outlook.latency_seconds.high <= limit_seconds(need)


def _finds(outlook: IndexOutlook, need: IndexNeed) -> bool:
    return outlook.recall is not None and outlook.recall.low >= need.recall


def _cost(outlook: IndexOutlook) -> tuple[float, float]:
    return outlook.index_bytes.value, outlook.latency_seconds.value if outlook.latency_seconds else 0.0


def _sentences(
    found: Sequence[IndexOutlook], chosen: IndexOutlook | None, need: IndexNeed, one: IndexMeasurement
) -> tuple[str, ...]:
    exact = [outlook for outlook in found if not KINDS[outlook.kind].knob]
    others = dict.fromkeys(outlook.kind for outlook in found if KINDS[outlook.kind].knob)
    best = [_best([outlook for outlook in found if outlook.kind == kind], need) for kind in others]
    return (
        *(f"At {need.items:,} images and {one.width} dimensions {words.exact(each, one.threads)}" for each in exact),
        words.verdict(chosen, limit_seconds(need), need.recall, one.k),
        *(words.numbers(outlook, one.k) for outlook in best),
    )


def _best(settings: Sequence[IndexOutlook], need: IndexNeed) -> IndexOutlook:
    """Of one kind: the fastest that finds enough, else the one that finds most, else the most thorough."""
    enough = [one for one in settings if _finds(one, need)]
    if enough:
        return min(enough, key=_cost)
    return max(settings, key=lambda one: (one.recall.low if one.recall else -1.0, one.parameter))
