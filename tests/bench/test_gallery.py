"""What a gallery holds: the order of the search, the labels that are shared, the query's own place."""

from dataclasses import replace
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

import fakes
from bench.data.descriptors import Descriptors
from bench.data.pairs import Image
from bench.data.places import Place
from bench.errors import DataError
from bench.gallery.choose import choose
from bench.gallery.gallery import Gallery, Hit, build, painted
from bench.gallery.near import all_cosines, first
from bench.gallery.scenes import Scenes, Searched, Side
from bench.result import CROSS_DIRECTIONS, DIRECTIONS
from bench.score.descriptors import ScoreError, unit_vectors
from bench.score.search import nearest
from models.config import SENSORS, Sensor

QUERIES, ARCHIVE = 8, 40
CLASSES: Final = ("field", "forest", "water")


def side(split: Searched, count: int, *, labelled: bool) -> Side:
    labels = np.random.default_rng(count).random((count, len(CLASSES))) < 0.5
    places = [Place(pair_id=f"{split}-{row}", date="2017-06-13") for row in range(count)]
    return Side(places=places, labels=labels if labelled else None)


def read(split: Searched, row: int) -> dict[Sensor, Image]:
    rng = np.random.default_rng([row, len(split)])
    return {
        "s1": rng.normal(-15, 4, (2, 8, 8)).astype(np.float32),
        "s2": rng.normal(900, 200, (4, 8, 8)).astype(np.float32),
    }


def scenes(*, labelled: bool = True) -> Scenes:
    return Scenes(
        classes=CLASSES if labelled else (),
        bands={"s1": ("VV", "VH"), "s2": ("B02", "B03", "B04", "B08")},
        sides={
            "query": side("query", QUERIES, labelled=labelled),
            "archive": side("archive", ARCHIVE, labelled=labelled),
        },
        read=read,
    )


def descriptors(*, levels: int = 1000, seed: int = 0) -> Descriptors:
    """Random ones; with few levels many are equal."""
    rng = np.random.default_rng(seed)

    def some(count: int) -> dict[Sensor, NDArray[np.float32]]:
        return {sensor: rng.integers(-levels, levels + 1, (count, 6)).astype(np.float32) for sensor in SENSORS}

    return Descriptors(query=some(QUERIES), archive=some(ARCHIVE))


TRIAL = fakes.trial_result()


def gallery(found: Descriptors, *names: str, labelled: bool = True, results: int = 5) -> Gallery:
    shown = scenes(labelled=labelled)
    ids = [place.pair_id for place in shown.sides["query"].places]
    return build(TRIAL, found, shown, choose(TRIAL, ids, names or ids), results=results)


def rows(hits: tuple[Hit, ...]) -> list[tuple[str, int]]:
    return [(hit.scene.split, hit.scene.row) for hit in hits]


@pytest.mark.parametrize("levels", [1, 1000])
@pytest.mark.parametrize("results", [1, 5, ARCHIVE + 3])
def test_results_are_those_of_the_search_in_its_order(levels: int, results: int) -> None:
    found = descriptors(levels=levels)
    shown = gallery(found, results=results)
    for number, (query, archive) in enumerate(DIRECTIONS):
        expected, distances = nearest(found.query[query], found.archive[archive], results)
        for block in shown.blocks:
            ranking = block.rankings[number]
            row = block.query.row
            assert ranking.direction == (query, archive)
            assert rows(ranking.hits) == [("archive", int(one)) for one in expected[row]]
            assert [hit.distance for hit in ranking.hits] == distances[row].tolist()
            assert [hit.rank for hit in ranking.hits] == list(range(1, min(results, ARCHIVE) + 1))
            assert ranking.places == ARCHIVE


@pytest.mark.parametrize("levels", [1, 1000])
@pytest.mark.parametrize("labelled", [True, False])
def test_the_own_place_is_ranked_among_all_places_and_ties_count_against_it(levels: int, labelled: bool) -> None:
    found = descriptors(levels=levels)
    for block in gallery(found, labelled=labelled).blocks:
        for ranking in block.rankings:
            query, archive = ranking.direction
            if query == archive:
                assert ranking.partner is None
                continue
            row = block.query.row
            places = unit_vectors(np.concatenate((found.query[archive], found.archive[archive])), what="place")
            cosines = places.astype(float) @ unit_vectors(found.query[query], what="query")[row].astype(float)
            assert ranking.partner
            assert ranking.partner.rank == int((cosines >= cosines[row]).sum())
            assert (ranking.partner.scene.pair_id, ranking.partner.own_place) == (f"query-{row}", True)
            assert ranking.partner_places == QUERIES + ARCHIVE


def test_without_labels_every_place_is_searched_between_sensors_as_partner_scores_do() -> None:
    found = descriptors()
    own = 0
    for block in gallery(found, labelled=False, results=12).blocks:
        for ranking in block.rankings:
            query, archive = ranking.direction
            cross = ranking.direction in CROSS_DIRECTIONS
            places = np.concatenate((found.query[archive], found.archive[archive])) if cross else found.archive[archive]
            expected, _ = nearest(found.query[query], places, 12)
            ahead = QUERIES if cross else 0
            assert [hit.scene.row + (0 if hit.scene.split == "query" else ahead) for hit in ranking.hits] == expected[
                block.query.row
            ].tolist()
            for hit in ranking.hits:
                assert hit.own_place == (cross and hit.scene == block.query)
                own += hit.own_place
    assert own > 0


def test_shared_labels_are_those_that_both_have() -> None:
    shown = gallery(descriptors())
    hits = [(block.query, hit) for block in shown.blocks for ranking in block.rankings for hit in ranking.hits]
    for query, hit in hits:
        assert set(hit.shared) == set(query.labels) & set(hit.scene.labels)
    assert {len(hit.shared) for _, hit in hits} >= {0, 1, 2}


def test_values_are_the_query_s_own() -> None:
    (block,) = gallery(descriptors(), "query-3").blocks
    known = {(q.query, q.archive): q.values for q in TRIAL.query_scores if q.metric == "precision"}
    assert [ranking.value for ranking in block.rankings] == [known[direction][3] for direction in DIRECTIONS]


def test_a_gallery_says_where_it_comes_from() -> None:
    shown = gallery(descriptors(), "query-3")
    assert (shown.trial_id, shown.candidate, shown.synthetic, shown.metric) == (
        "run-cecd-nano-0",
        "CECD nano",
        True,
        "precision@10",
    )
    assert shown.legends == {"s1": "red VV, green VH, blue VV/VH", "s2": "true colour (B04, B03, B02)"}


def test_every_shown_place_has_both_pictures() -> None:
    (block,) = gallery(descriptors(), "query-3").blocks
    shown = [block.query, *(hit.scene for ranking in block.rankings for hit in ranking.hits)]
    pictures = painted(block, scenes())
    assert set(pictures) == {(scene.split, scene.row, sensor) for scene in shown for sensor in SENSORS}
    assert {picture.shape for picture in pictures.values()} == {(8, 8, 3)}


@pytest.mark.parametrize(("split", "told"), [("query", "its query pairs: there are 7 or 8"), ("archive", "39 or 40")])
def test_descriptors_of_other_pairs_are_refused(split: str, told: str) -> None:
    found = descriptors()
    short = {sensor: values[1:] for sensor, values in getattr(found, split).items()}
    with pytest.raises(DataError, match=told):
        gallery(replace(found, **{split: short}))


def test_descriptors_of_two_widths_are_not_compared() -> None:
    found = descriptors()
    narrow = replace(found, archive={**found.archive, "s2": found.archive["s2"][:, :4]})
    with pytest.raises(ScoreError, match="6 components, archive descriptors 4"):
        gallery(narrow)


def test_descriptors_that_are_no_numbers_are_refused() -> None:
    found = descriptors()
    found.archive["s1"][3, 2] = np.nan
    with pytest.raises(ScoreError, match="archive descriptors hold NaN"):
        gallery(found)


def test_blocks_of_the_archive_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = descriptors()
    whole = all_cosines(found.query["s1"], [found.query["s2"], found.archive["s2"]])
    monkeypatch.setattr("bench.score.descriptors.BLOCK_VALUES", 64 * 7)
    assert np.array_equal(all_cosines(found.query["s1"], [found.query["s2"], found.archive["s2"]]), whole)


def test_equal_ones_come_in_the_order_of_their_rows() -> None:
    assert first(np.array([0.1, 0.5, 0.5, 0.9, 0.5]), 4).tolist() == [3, 1, 2, 4]
