from dataclasses import replace

import pytest

from bench.run.prepare import neighbours
from fakes import DATASET, data_use


@pytest.mark.parametrize(("archive", "k"), [(1000, 10), (20, 10), (9, 4), (2, 1), (1, 1)])
def test_no_more_than_half_of_a_labelled_archive_is_looked_at(archive: int, k: int) -> None:
    assert neighbours(10, replace(data_use(DATASET), archive_pairs=archive)) == k


def test_partners_are_looked_for_as_far_as_asked() -> None:
    assert neighbours(10, replace(data_use(DATASET), archive_pairs=9, labelled=False)) == 10
