import math

import pytest

from models.positions import sine_cosine


@pytest.mark.parametrize(("side", "width"), [(1, 4), (3, 8), (8, 32)])
def test_each_value_is_the_sine_or_cosine_of_its_column_or_row(side: int, width: int) -> None:
    table = sine_cosine(side, width)
    quarter = width // 4
    assert table.shape == (1 + side * side, width)
    assert table[0].abs().sum() == 0
    for row in range(side):
        for column in range(side):
            values = table[1 + row * side + column]
            for index in range(width):
                place = column if index < width // 2 else row
                wave = math.sin if index // quarter % 2 == 0 else math.cos
                expected = wave(place / 10_000 ** (index % quarter / quarter))
                assert values[index].item() == pytest.approx(expected, abs=1e-6)
