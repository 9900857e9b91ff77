"""A gallery: for each chosen query what was found in each direction. Plain values; the pictures come beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data.descriptors import Descriptors
from bench.errors import DataError
from bench.gallery.choose import Choice, Pick
from bench.gallery.near import all_cosines, first
from bench.gallery.pictures import Picture, legend, pictures
from bench.gallery.scenes import SEARCHED, Scenes, Searched
from bench.result import DIRECTIONS, Direction, TrialResult
from models.config import SENSORS, Sensor

Painted = Mapping[tuple[Searched, int, Sensor], Picture]
"""Pictures by split, row and sensor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One place, seen by both sensors."""

    pair_id: str
    split: Searched
    row: int
    """In the split."""
    labels: tuple[str, ...]
    """Names; empty for data without labels."""
    tile: str | None
    country: str | None
    date: str | None
    """ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One result of a search."""

    scene: Scene
    rank: int
    """From 1. Of the query's own place ties count against it, as in the partner scores."""
    cosine: float
    distance: float
    """Squared Euclidean distance of the unit descriptors: 2 - 2 cosine."""
    shared: tuple[str, ...]
    """Labels that the query has too."""
    own_place: bool
    """Whether it is where the query was taken: the partner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What one direction found for one query."""

    direction: Direction
    value: float | None
    """The gallery's metric for this query alone; None where it was not measured."""
    places: int
    """How many were searched: the archive, or for data without labels every place, as their scores do."""
    hits: tuple[Hit, ...]
    """The nearest, ordered by (distance, row)."""
    partner: Hit | None
    """The query's own place as the other sensor sees it, its rank among every place; None within a sensor."""
    partner_places: int
    """Among how many places the partner's rank counts: queries and archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One query."""

    query: Scene
    value: float | None
    """What it was chosen by; None: nothing was compared."""
    rankings: tuple[Ranking, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Queries and what was found for them by one trial."""

    trial_id: str
    candidate: str
    """As people read it: "SECD nano"."""
    seed: int
    steps: int
    data: str
    synthetic: bool
    """Whether the images were generated: said wherever the gallery is shown."""
    labelled: bool
    metric: str | None
    """As people read it, with its k: "precision@10"; None: no scores of single queries are known."""
    chosen: str
    """By what the queries were chosen, in words."""
    judged: str
    """What the value of a block is: "mean precision@10"; empty when nothing was compared."""
    legends: dict[Sensor, str]
    """What the colours of each sensor's pictures are, in words."""
    blocks: tuple[Block, ...]


def build(
    trial: TrialResult,
    descriptors: Descriptors,
    scenes: Scenes,
    choice: Choice,
    *,
    directions: Sequence[Direction] = DIRECTIONS,
    results: int = 5,
) -> Gallery:
    """Search for the chosen queries, and for nothing else.

    Args:
        descriptors: the trial's own.
        scenes: of the data that the trial was searched on.
        results: how many of each direction; all where there are fewer.
    Raises: DataError: descriptors and data do not fit each other. ScoreError: descriptors that cannot be searched.
    """
    _check(trial, descriptors, scenes)
    rows = [pick.row for pick in choice.picks]
    searched = {direction: _search(descriptors, rows, direction) for direction in directions}
    return Gallery(
        trial_id=trial.trial_id,
        candidate=trial.candidate.title,
        seed=trial.seed,
        steps=trial.steps_done,
        data=trial.data.name,
        synthetic=trial.data.synthetic,
        labelled=trial.data.labelled,
        metric=choice.basis.title if choice.basis else None,
        chosen=choice.words,
        judged=choice.judged,
        legends={sensor: legend(sensor, scenes.bands[sensor]) for sensor in SENSORS},
        blocks=tuple(
            Block(
                query=_scene(scenes, "query", pick.row),
                value=pick.value,
                rankings=tuple(
                    _ranking(scenes, choice, pick, direction=direction, cosines_M=cosines_NM[number], results=results)
                    for direction, cosines_NM in searched.items()
                ),
            )
            for number, pick in enumerate(choice.picks)
        ),
    )


def painted(block: Block, scenes: Scenes) -> Painted:
    """The pictures of a block; those of one sensor share one stretch.

    Raises: DataError: a pair is damaged.
    """
    hits = [hit for ranking in block.rankings for hit in (*ranking.hits, *filter(None, (ranking.partner,)))]
    keys = dict.fromkeys((scene.split, scene.row) for scene in (block.query, *(hit.scene for hit in hits)))
    images = {key: scenes.read(*key) for key in keys}
    return {
        (*key, sensor): picture
        for sensor in SENSORS
        for key, picture in zip(
            keys, pictures(sensor, [images[key][sensor] for key in keys], scenes.bands[sensor]), strict=True
        )
    }


def _check(trial: TrialResult, descriptors: Descriptors, scenes: Scenes) -> None:
    for split, by_sensor in zip(SEARCHED, (descriptors.query, descriptors.archive), strict=True):
        counts = {len(by_sensor[sensor]) for sensor in SENSORS} | {len(scenes.sides[split].places)}
        if len(counts) > 1:
            raise DataError(
                f"the descriptors of trial {trial.trial_id} are not those of its {split} pairs: there are "
                f"{' or '.join(map(str, sorted(counts)))}; run it again"
            )


def _search(descriptors: Descriptors, rows: list[int], direction: Direction) -> NDArray[np.float64]:
    """Cosines of the chosen queries to every place, queries first; within a sensor to the archive alone."""
    query, archive = direction
    queries_ND = descriptors.query[query][rows]
    parts = [descriptors.archive[archive]]
    return all_cosines(queries_ND, parts if query == archive else [descriptors.query[archive], *parts])


def _ranking(
    scenes: Scenes, choice: Choice, pick: Pick, *, direction: Direction, cosines_M: NDArray[np.float64], results: int
) -> Ranking:
    query, archive = direction
    ahead = 0 if query == archive else len(scenes.sides["query"].places)
    skipped = ahead if scenes.classes else 0
    wanted = set(scenes.labels("query", pick.row))

    def hit(place: int, rank: int) -> Hit:
        split: Searched = "query" if place < ahead else "archive"
        scene = _scene(scenes, split, place if split == "query" else place - ahead)
        return Hit(
            scene=scene,
            rank=rank,
            cosine=float(cosines_M[place]),
            distance=float(2.0 - 2.0 * cosines_M[place]),
            shared=tuple(label for label in scene.labels if label in wanted),
            own_place=split == "query" and scene.row == pick.row,
        )

    known = choice.basis.values.get(direction) if choice.basis else None
    nearest = skipped + first(cosines_M[skipped:], results)
    return Ranking(
        direction=direction,
        value=None if known is None else float(known[pick.row]),
        places=len(cosines_M) - skipped,
        hits=tuple(hit(int(place), rank) for rank, place in enumerate(nearest, start=1)),
        partner=None if query == archive else hit(pick.row, int((cosines_M >= cosines_M[pick.row]).sum())),
        partner_places=len(cosines_M),
    )


def _scene(scenes: Scenes, split: Searched, row: int) -> Scene:
    place = scenes.sides[split].places[row]
    return Scene(
        pair_id=place.pair_id,
        split=split,
        row=row,
        labels=scenes.labels(split, row),
        tile=place.tile,
        country=place.country,
        date=place.date,
    )
