from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.data.bigearthnet import place_of
from bench.data.pairs import SPLITS, open_pairs
from bench.data.places import Place, Queries, grouped


@pytest.mark.parametrize(
    ("name", "tile", "date"),
    [
        ("S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_26_57", "33UUP", "2017-06-13"),
        ("S2B_MSIL2A_20180204T94161_N9999_R036_T35VPK_00_00", "35VPK", "2018-02-04"),
        ("S2A_MSIL2A_20170613T101031_0_45", "S2A_MSIL2A_20170613T101031", "2017-06-13"),
        ("S2A_MSIL2A_20180204T94161_57_38", "S2A_MSIL2A_20180204T94161", "2018-02-04"),
        ("S2A_MSIL2A_20171332T101031_0_45", "S2A_MSIL2A_20171332T101031", None),
        ("S2A_MSIL2A_20170613T101031", None, None),
        ("S1A_IW_GRDH_1SDV_20170613T165043_33UUP_87_48", None, None),
        ("S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_26_57_B01", None, None),
        ("", None, None),
    ],
)
def test_the_name_of_an_s2_patch_tells_tile_and_day_or_nothing(name: str, tile: str | None, date: str | None) -> None:
    assert place_of(name, "Austria") == Place(pair_id=name, tile=tile, country="Austria", date=date)


@pytest.mark.parametrize("data", ["ben-v1-lmdb", "ben-v2-lmdb"])
def test_places_of_the_archives_come_in_the_order_of_the_pairs(shared_data: Path, data: str) -> None:
    pairs = open_pairs(shared_data / data)
    for split in SPLITS:
        places = pairs.places(split)
        assert [place.pair_id for place in places] == list(pairs.ids(split))
        for place in places:
            assert place.tile is not None
            assert place.date is not None
            assert place.tile in place.pair_id
            assert place.date.replace("-", "") in place.pair_id


def test_version_1_tells_no_country_and_version_2_does(shared_data: Path) -> None:
    first, second = (open_pairs(shared_data / name) for name in ("ben-v1-lmdb", "ben-v2-lmdb"))
    assert {place.country for split in SPLITS for place in first.places(split)} == {None}
    rows = pq.read_table(shared_data / "ben-v2-lmdb/metadata.parquet").to_pylist()
    found = {place.pair_id: place.country for split in SPLITS for place in second.places(split)}
    assert found == {row["patch_id"]: row["country"] for row in rows}


def test_synthetic_pairs_lie_nowhere() -> None:
    pairs = open_pairs("synthetic:train=3,query=2,archive=2")
    assert list(pairs.places("query")) == [Place(pair_id=pair_id) for pair_id in pairs.ids("query")]


@pytest.mark.parametrize(
    ("tiles", "numbers"),
    [
        (["b", "a", "b"], [1, 0, 1]),
        (["a", "a"], None),
        (["b", None, "b"], None),
        (["b", "a", "c"], None),
        ([None, None], None),
        ([], None),
    ],
    ids=["two tiles", "one tile", "one unknown", "a tile each", "all unknown", "no query"],
)
def test_queries_are_grouped_by_tile_where_that_says_something(
    tiles: list[str | None], numbers: list[int] | None
) -> None:
    found = grouped(tiles)
    assert (None if found is None else found.tolist()) == numbers
    queries = Queries(fingerprint="f", places=tuple(Place(pair_id="p", tile=tile) for tile in tiles))
    assert (None if queries.groups is None else queries.groups.tolist()) == numbers
