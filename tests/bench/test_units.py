import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import units
from bench.errors import ExitCode, UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("40m", 2400), ("1h30m", 5400), ("2d", 172800), ("0.5m", 30)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "-3", "0", "0s", "3 m", "m", "5x", "1m1", "nan", "inf"])
def test_what_is_no_duration_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(UsageError) as error:
        units.parse_duration(text)
    assert repr(text) in str(error.value)
    assert error.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "size"), [("8G", 8 * 10**9), ("8GB", 8 * 10**9), ("8GiB", 8 * 2**30), ("512mib", 2**29), ("7", 7)]
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert units.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "8X", "8iB"])
def test_what_is_no_size_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(UsageError, match="is no size"):
        units.parse_size(text)


@given(st.floats(min_value=0.1, max_value=1e7))
def test_a_duration_in_words_is_near_the_seconds(seconds: float) -> None:
    words = units.duration(seconds).replace(" min", "m").replace(" h", "h").replace(" s", "s").replace(" ", "")
    half_unit = 0.05 if seconds < 9.95 else 0.5 if seconds < 3599.5 else 30
    read = units.parse_duration(words) if any(digit in words for digit in "123456789") else 0.0
    assert abs(read - seconds) <= half_unit + 1e-9


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 KiB"), (2048, "2 KiB"), (50 * 2**20, "50 MiB"), (3 * 2**29, "1.5 GiB"), (2**34, "16.0 GiB")],
)
def test_memory_in_words(size: int, words: str) -> None:
    assert units.gib(size) == words


@pytest.mark.parametrize(
    ("share", "text"), [(0.013, "+1.3"), (-0.002, "−0.2"), (0.0004, "0.0"), (-0.0004, "0.0"), (0.0, "0.0")]
)
def test_a_difference_has_its_sign_unless_it_is_none(share: float, text: str) -> None:
    assert units.signed_percent(share) == text
