"""Sentences and numbers of the advice on an index."""

from bench.index.kinds import KINDS
from bench.index.records import IndexEstimate, IndexOutlook
from bench.units import duration


def milliseconds(seconds: float) -> str:
    """As "0.031", "4.1" or "250": two figures, or whole ones."""
    return _figures(1000 * seconds)


def megabytes(size_bytes: float) -> str:
    """As "184 MB" or "1.5 GB": powers of 1000, as archives are counted."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{_figures(size_bytes / 1e6)} MB"


def seconds_words(seconds: float) -> str:
    """As "4.1 ms", "1.2 s" or "12 min 00 s"."""
    return f"{milliseconds(seconds)} ms" if seconds < 1 else duration(seconds)


def ends(estimate: IndexEstimate, unit: str = "") -> str:
    """Milliseconds as "4.1 [3.2, 6.0]"; the unit goes behind the value."""
    low, high = (milliseconds(end) for end in (estimate.low, estimate.high))
    return f"{milliseconds(estimate.value)}{unit} [{low}, {high}]"


def share(estimate: IndexEstimate, unit: str = "") -> str:
    """Percent as "97.1 [96.0, 98.0]"; "100" where there is no doubt."""
    if estimate.low == estimate.high:
        return f"{100 * estimate.value:g}{unit}"
    return f"{100 * estimate.value:.1f}{unit} [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"


def name(outlook: IndexOutlook) -> str:
    """As "HNSW at efSearch 64"."""
    kind = KINDS[outlook.kind]
    return f"{kind.title} at {kind.words(outlook.parameter)}" if kind.knob else f"{kind.title} search"


def exact(outlook: IndexOutlook, threads: int) -> str:
    """What exact search comes to, the end of a sentence."""
    taken = f"exact search needs {megabytes(outlook.index_bytes.value)}"
    if outlook.latency_seconds is None:
        return f"{taken}; how long a query takes is not known: it was measured at one size only."
    on = f"on {threads} thread{'' if threads == 1 else 's'}"
    return f"{taken} and about {ends(outlook.latency_seconds, ' ms')} a query {on} ({outlook.latency_seconds.basis})."


def verdict(chosen: IndexOutlook | None, limit_seconds: float, recall: float, k: int) -> str:
    """Which index, and why, in a sentence."""
    limit, asked = seconds_words(limit_seconds), f"{100 * recall:g} %"
    if chosen is None:
        return (
            f"No index is known to find {asked} of the {k} nearest within {limit} a query: exact search loses nothing "
            "but takes longer, or its time is too uncertain. Measure longer, or ask for less."
        )
    if not KINDS[chosen.kind].knob:
        return f"Search exactly: a query takes less than {limit}, and nothing is lost."
    return (
        f"Take {name(chosen)}: of the indexes that find {asked} of the {k} nearest within {limit} a query it needs the "
        "least memory. Exact search is not known to be so fast."
    )


def numbers(outlook: IndexOutlook, k: int) -> str:
    """What an approximate index comes to, in a sentence."""
    parts = [megabytes(outlook.index_bytes.value)]
    if outlook.latency_seconds:
        parts.append(f"about {ends(outlook.latency_seconds, ' ms')} a query ({outlook.latency_seconds.basis})")
    said = f"{name(outlook)} needs {' and '.join(parts)}"
    if outlook.build_seconds:
        said += f", and about {seconds_words(outlook.build_seconds.value)} to build"
    if outlook.recall is None:
        return f"{said}; its recall is not known: {outlook.no_recall}."
    return f"{said}; it finds {share(outlook.recall, ' %')} of the {k} nearest ({outlook.recall.basis})."


def _figures(number: float) -> str:
    return f"{number:.2g}" if number < 10 else f"{number:,.0f}"
