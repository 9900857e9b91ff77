"""What needs no network, scored as a trial scores it: chance, band statistics and thumbnails, in %.

Run from the repository root: `python benchmarks/baselines.py [--data DATA]`; DATA as for `csmae-bench run`. Without it,
real pairs without labels are taken, of Los Angeles and San Antonio (`la_pairs`), and the searched images are drawn anew
many times, since 8 of 24 are few: on 2026-11-24 thumbnails found 14 % of the partners among the first ten with the
images that `la_pairs` searches, 8 to 18 % with nine in ten other choices of 8 images; chance is 2 %.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing

import numpy as np
from la_pairs import CROP_PIXELS, LosAngelesPairs
from numpy.typing import NDArray

from bench.data.cache import open_split, prepare
from bench.data.pairs import SensorPairs, open_pairs
from bench.result import DIRECTIONS, Score, Subject
from bench.score.baselines import describe, without_network
from bench.score.matrix import chance_scores, retrieval_matrix
from bench.units import percent
from models.config import SENSORS, Sensor

K = 10
COLUMNS: tuple[Subject, ...] = ("chance", "band_statistics", "thumbnail")
METRICS = ("f1_of_means", "partner_recall")

SEARCHED_IMAGES = 8
CHOICES = 200


def score(pairs: SensorPairs) -> tuple[Score, ...]:
    """Every score of what needs no network; the pairs are decoded as for a run, once."""
    folder = prepare(pairs).folder
    query, archive = open_split(folder, "query"), open_split(folder, "archive")
    chance = chance_scores(
        query_labels=query.labels,
        archive_labels=archive.labels,
        queries=len(query.ids),
        archive=len(archive.ids),
        k=K,
    )
    found = [
        retrieval_matrix(
            query=described.query,
            archive=described.archive,
            query_labels=query.labels,
            archive_labels=archive.labels,
            k=K,
            subject=subject,
            step=0,
        )
        for subject, described in without_network(folder, query, archive).items()
    ]
    return tuple(one for retrieval in (chance, *found) for one in retrieval.scores)


def table(scores: Sequence[Score]) -> Iterator[str]:
    """A line a metric and direction; what was not measured, between descriptors of other widths, is a dash."""
    values = {(s.metric, s.query, s.archive, s.subject): s.value for s in scores if s.k == K}
    yield f"{'':34}" + "".join(f"{column.replace('_', ' '):>18}" for column in COLUMNS)
    for metric in METRICS:
        for query, archive in DIRECTIONS:
            row = [values.get((metric, query, archive, column)) for column in COLUMNS]
            if row != [None] * len(COLUMNS):
                shown = "".join(f"{'–' if value is None else percent(value):>18}" for value in row)
                yield f"  {metric + f'@{K}':20} {query.upper()} → {archive.upper():4}{shown}"


def other_choices(pairs: LosAngelesPairs) -> list[float]:
    """Partner recall of thumbnails, mean of both directions, with other images searched."""
    by_image: dict[str, list[str]] = {}
    for pair_id in sorted(set(pairs.ids("train")) | set(pairs.ids("query")) | set(pairs.ids("archive"))):
        image, top, left = pair_id.split("-")
        if int(top) % CROP_PIXELS == int(left) % CROP_PIXELS == 0:
            by_image.setdefault(image, []).append(pair_id)
    thumbnails: dict[tuple[str, Sensor], NDArray[np.float32]] = {}
    for image, ids in by_image.items():
        crops = [pairs.read(pair_id) for pair_id in ids]
        for sensor in SENSORS:
            thumbnails[image, sensor] = describe(np.stack([crop[sensor] for crop in crops]))["thumbnail"]
    random = np.random.default_rng(0)
    found = []
    for _ in range(CHOICES):
        images = random.choice(sorted(by_image), SEARCHED_IMAGES, replace=False)
        s1_ND, s2_ND = (np.concatenate([thumbnails[image, sensor] for image in images]) for sensor in SENSORS)
        alike_NN = s1_ND @ s2_ND.T
        ranks = [(one_way >= one_way.diagonal()[:, np.newaxis]).sum(axis=1) for one_way in (alike_NN, alike_NN.T)]
        found.append(float(np.mean(np.array(ranks) <= K)))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="a folder of a known layout, or synthetic with options")
    data = parser.parse_args().data
    with closing(open_pairs(data) if data else LosAngelesPairs()) as pairs:
        counts = f"{len(pairs.ids('query'))} queries, archive of {len(pairs.ids('archive'))}"
        print(f"{pairs.name}{', generated' if pairs.synthetic else ''}: {counts}\n")
        print("\n".join(table(score(pairs))))
        if isinstance(pairs, LosAngelesPairs):
            low, middle, high = np.quantile(other_choices(pairs), [0.05, 0.5, 0.95])
            print(f"\nthumbnails with {CHOICES} other choices of {SEARCHED_IMAGES} searched images, 5 %, median, 95 %:")
            print(f"  {percent(low)}  {percent(middle)}  {percent(high)}")


if __name__ == "__main__":
    main()
