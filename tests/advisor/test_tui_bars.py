"""Bars drawn in text."""

import pytest

from advisor.tui.widgets.class_bars import bar
from advisor.tui.widgets.plain import plain


@pytest.mark.parametrize("width", [1, 9, 30])
@pytest.mark.parametrize("eighths", range(9))
def test_a_bar_is_as_long_as_its_share_to_an_eighth_of_a_cell(eighths: int, width: int) -> None:
    drawn = bar(eighths / 8, width)
    length = sum({"█": 8, " ": 0}.get(cell, "▏▎▍▌▋▊▉".find(cell) + 1) for cell in drawn)
    assert len(drawn) == width
    assert length == eighths * width


def test_what_occurs_at_all_is_visible() -> None:
    assert bar(1e-6, 10).strip() == "▏"
    assert bar(0, 10).strip() == ""


@pytest.mark.parametrize(
    ("text", "drawn"),
    [("Árvores [b]", "Árvores [b]"), ("a\x1b[2Jb", "a�[2Jb"), ("a\nb\tc", "a�b�c"), ("\u202eabc", "�abc")],
)
def test_names_keep_their_letters_and_lose_what_moves_the_cursor(text: str, drawn: str) -> None:
    assert plain(text) == drawn
