"""Base units to words and back. Inside the tool everything is bytes, seconds and pairs; only faces call this."""

import re
from typing import Final

from bench.errors import UsageError

_SIZE: Final = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}
_BINARY: Final = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: str) -> float:
    """Seconds in "90s", "40m", "2h" or "1h30m"; a bare number is seconds.

    Raises: UsageError: no such duration, or not above zero.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    if parts and "".join(n + u for n, u in parts) == text:
        seconds = sum(float(n) * _SECONDS[u] for n, u in parts)
    elif re.fullmatch(r"\d+(\.\d+)?", text):
        seconds = float(text)
    elif text.startswith("-"):
        raise UsageError(f"{text!r} is below nothing: a duration must be above zero, as 90s, 40m, 2h or 1h30m")
    else:
        raise UsageError(f"{text!r} is no duration: write 90s, 40m, 2h or 1h30m")
    if not seconds > 0:
        raise UsageError(f"{text!r} is no time at all: a duration must be above zero")
    return seconds


def parse_size(text: str) -> int:
    """Bytes in "24G" or "24GB" (powers of 1000) or "24GiB" (powers of 1024).

    Raises: UsageError: no such size.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", text.strip(), re.IGNORECASE)
    if not match or (match[3] and not match[2]):
        raise UsageError(f"{text!r} is no size: write 8G, 24GB or 16GiB")
    table = _BINARY if match[3] else _SIZE
    return int(float(match[1]) * table[match[2].upper()])


def gib(size_bytes: float) -> str:
    """Bytes as "1.5 GiB", or MiB below a tenth of one, or KiB below one of those."""
    if size_bytes < 1024**2:
        return f"{size_bytes / 1024:.0f} KiB"
    if size_bytes < 0.1 * 1024**3:
        return f"{size_bytes / 1024**2:.0f} MiB"
    return f"{size_bytes / 1024**3:.1f} GiB"


def duration(seconds: float) -> str:
    """Seconds as "0.8 s", "42 s", "4 min 05 s" or "2 h 10 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def millions(count: float) -> str:
    """A count as "0.63 M" or "114 M"."""
    value = count / 1e6
    return f"{value:.2f} M" if value < 10 else f"{value:.0f} M"


def percent(share: float) -> str:
    """A share between 0 and 1 as "36.4", the unit left to the column's head."""
    return f"{100 * share:.1f}"


def signed_percent(share: float) -> str:
    """A difference of shares in points, with its sign: "+1.3", "−0.2"; "0.0" has none."""
    text = percent(abs(share))
    return text if text == "0.0" else f"{'+' if share > 0 else '−'}{text}"
