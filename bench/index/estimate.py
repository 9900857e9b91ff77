"""From what was measured to the archive that is to be: times, memory and recall, each with an interval."""

from collections.abc import Callable, Sequence
from math import hypot
from statistics import median
from typing import Final

from bench.index.kinds import KINDS
from bench.index.power_law import PowerLaw, Reading, around
from bench.index.records import IndexEstimate, IndexEvidence, IndexOutlook
from bench.plan.index import IndexMeasurement

DEVIATION: Final = 0.1
"""Relative standard deviation of a time measured again on a machine that does other things too (ours)."""

FARTHEST: Final = 50
"""Recall is carried to archives so many times larger than the largest real one measured, and no further."""

WIDEST: Final = 0.5
"""Interval of a recall that still says something."""

_Z: Final = 1.96


def comparable(measurements: Sequence[IndexMeasurement]) -> tuple[IndexMeasurement, ...]:
    """Those that may be set side by side with the newest: same trial, machine, threads, k and width; each once."""
    if not measurements:
        return ()
    newest = max(measurements, key=lambda one: one.measured_at)
    alike = [one for one in measurements if _setting(one) == _setting(newest)]
    found = {
        (one.kind, one.parameter, one.direction, one.source, one.items): one
        for one in sorted(alike, key=lambda one: one.measured_at)
    }
    return tuple(found.values())


def outlooks(measurements: Sequence[IndexMeasurement], items: int) -> tuple[IndexOutlook, ...]:
    """What each kind and setting that was measured comes to for so many items, in the order of `KINDS`.

    Args:
        measurements: from `comparable`.
    """
    pairs = sorted(
        {(one.kind, one.parameter) for one in measurements}, key=lambda pair: (list(KINDS).index(pair[0]), pair[1])
    )
    return tuple(_outlook([one for one in measurements if (one.kind, one.parameter) == pair], items) for pair in pairs)


def _setting(one: IndexMeasurement) -> tuple[object, ...]:
    return one.trial_id, one.machine, one.threads, one.k, one.width


def _outlook(own: Sequence[IndexMeasurement], items: int) -> IndexOutlook:
    first = own[0]
    recall = _recall(own, items)
    return IndexOutlook(
        kind=first.kind,
        parameter=first.parameter,
        index_bytes=_bytes(own, items),
        latency_seconds=_time(own, lambda one: one.latency_seconds, items),
        batch_seconds=_time(own, lambda one: one.batch_seconds, items),
        build_seconds=_time(own, lambda one: one.build_seconds, items),
        recall=recall if isinstance(recall, IndexEstimate) else None,
        no_recall="" if isinstance(recall, IndexEstimate) else recall,
    )


def _bytes(own: Sequence[IndexMeasurement], items: int) -> IndexEstimate:
    """By the formula, and by how much that missed what was measured."""
    size_bytes = KINDS[own[0].kind].size_bytes
    value = float(size_bytes(items, own[0].width))
    largest = max(own, key=lambda one: one.items)
    off = largest.index_bytes / size_bytes(largest.items, largest.width)
    return IndexEstimate(
        value=value,
        low=value * min(1.0, off),
        high=value * max(1.0, off),
        source="formula",
        basis=f"formula, {abs(off - 1):.1%} from the size of an index of {largest.items:,}",
    )


def _time(
    own: Sequence[IndexMeasurement], seconds: Callable[[IndexMeasurement], float], items: int
) -> IndexEstimate | None:
    readings = {
        size: Reading(value=max(median(seconds(one) for one in own if one.items == size), 1e-9), deviation=DEVIATION)
        for size in {one.items for one in own}
    }
    if items in readings:
        value, low, high = around(readings[items])
    elif len(readings) > 1:
        value, low, high = PowerLaw(readings).at(items, beside=DEVIATION)
    else:
        return None
    source, basis = _basis(own, items)
    return IndexEstimate(value=value, low=low, high=high, source=source, basis=basis)


def _basis(own: Sequence[IndexMeasurement], items: int) -> tuple[IndexEvidence, str]:
    """Where a number at a size comes from, and the words for it."""
    largest = max(own, key=lambda one: one.items)
    if items > largest.items:
        return "extrapolated", f"extrapolated from {largest.items:,} {largest.source} descriptors"
    there = next((one for one in own if one.items == items), None)
    if there is None:
        return "interpolated", f"interpolated between sizes up to {largest.items:,}"
    return "measured", f"measured on {items:,} {there.source} descriptors"


def _recall(own: Sequence[IndexMeasurement], items: int) -> IndexEstimate | str:
    """In the direction with the lowest end, or why nothing can be said."""
    kind = KINDS[own[0].kind]
    if not kind.knob:
        return IndexEstimate(value=1.0, low=1.0, high=1.0, source="formula", basis="exact search finds all")
    real = [one for one in own if one.source == "real"]
    if not real:
        return f"{kind.words(own[0].parameter)} was measured on no real archive"
    largest = max(one.items for one in real)
    if largest * FARTHEST < items:
        return (
            f"recall was measured on {largest:,} real descriptors at most, and is not carried further than "
            f"{FARTHEST} times that"
        )
    directions = dict.fromkeys(one.direction for one in real)
    found = [_direction_recall([one for one in real if one.direction == way], items) for way in directions]
    refusal = next((one for one in found if isinstance(one, str)), None)
    return refusal or min((one for one in found if isinstance(one, IndexEstimate)), key=lambda one: one.low)


def _direction_recall(real: Sequence[IndexMeasurement], items: int) -> IndexEstimate | str:
    losses = {one.items: _loss(one) for one in real}
    source, basis = _basis(real, items)
    there = next((one for one in real if one.items == items), None)
    if there is not None and there.recall_at_k is not None and there.recall_standard_error is not None:
        value, reach = there.recall_at_k, _Z * there.recall_standard_error
        low, high = max(value - reach, 0.0), min(value + reach, 1.0)
    elif len(losses) > 1:
        lost, least, most = PowerLaw(losses).at(items)
        value, low, high = (max(1 - share, 0.0) for share in (lost, most, least))
    else:
        return f"recall was measured at one size of a real archive only ({real[0].items:,})"
    if high - low > WIDEST:
        return f"{basis}, it could lie anywhere between {100 * low:.0f} and {100 * high:.0f} %"
    return IndexEstimate(value=value, low=low, high=high, source=source, basis=basis)


def _loss(one: IndexMeasurement) -> Reading:
    """The share that is not found; never none, as the standard error is never none."""
    lost = max(1 - (one.recall_at_k or 0.0), one.recall_standard_error or 0.0)
    return Reading(value=lost, deviation=hypot(DEVIATION, (one.recall_standard_error or 0.0) / lost))
