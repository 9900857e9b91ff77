"""Times the multi-label scores against the plain loop over queries and results that public retrieval code makes.

Run from the repository root: `python benchmarks/scoring.py`. Defaults are the roles of BEN-14K: its validation part
asks, its test part is searched, k = 10. Labels and results are random: neither time depends on what they are.
"""

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from bench.score.overlap import overlap

Scores = dict[str, float]


def loop(ids_NK: NDArray[np.int64], query_labels: NDArray[np.bool_], archive_labels: NDArray[np.bool_]) -> Scores:
    """The same scores, a query and a result at a time."""
    precision = recall = f1 = 0.0
    for ids, wanted in zip(ids_NK, query_labels, strict=True):
        for row in ids:
            got = archive_labels[row]
            shared = np.logical_and(wanted, got).sum()
            pair_precision, pair_recall = shared / got.sum(), shared / wanted.sum()
            precision += pair_precision / len(ids)
            recall += pair_recall / len(ids)
            if shared:
                f1 += 2 * pair_precision * pair_recall / (pair_precision + pair_recall) / len(ids)
    precision, recall, f1 = (total / len(ids_NK) for total in (precision, recall, f1))
    return {
        "precision": precision,
        "recall": recall,
        "f1_of_means": 2 * precision * recall / (precision + recall),
        "mean_pairwise_f1": f1,
    }


def labels(random: np.random.Generator, places: int, classes: int) -> NDArray[np.bool_]:
    """Random labels, at least one a place, about three."""
    found = random.random((places, classes)) < 2 / classes
    found[np.arange(places), random.integers(classes, size=places)] = True
    return found


def seconds(score: Callable[[], Scores], laps: int) -> tuple[Scores, list[float]]:
    """What it returns, and the time of each lap after a first one that warms up."""
    scores, times = score(), []
    for _ in range(laps):
        start = perf_counter()
        score()
        times.append(perf_counter() - start)
    return scores, times


def main() -> None:
    """Time both ways on the same numbers, check that they agree, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=3508)
    parser.add_argument("--archive", type=int, default=3563)
    parser.add_argument("--classes", type=int, default=19)
    parser.add_argument("--k", type=int, default=10)
    given = parser.parse_args()
    random = np.random.default_rng(0)
    query_labels = labels(random, given.queries, given.classes)
    archive_labels = labels(random, given.archive, given.classes)
    ids = random.integers(given.archive, size=(given.queries, given.k))
    slow, loop_laps = seconds(lambda: loop(ids, query_labels, archive_labels), laps=3)
    fast, array_laps = seconds(lambda: overlap(ids, query_labels, archive_labels).means(), laps=50)
    for metric, value in slow.items():
        assert abs(value - fast[metric]) < 1e-9, f"{metric}: {value} by the loop, {fast[metric]} by arrays"
    print(
        f"{given.queries} queries, k = {given.k}, {given.classes} classes, archive of {given.archive}; synthetic labels"
    )
    print(f"{'':<8}{'median ms':>12}{'fastest':>12}{'slowest':>12}{'laps':>6}")
    for name, laps in (("loop", loop_laps), ("arrays", array_laps)):
        times = "".join(f"{1000 * value:>12.3f}" for value in (median(laps), min(laps), max(laps)))
        print(f"{name:<8}{times}{len(laps):>6}")
    print(f"arrays are {median(loop_laps) / median(array_laps):.0f} times as fast; the scores agree to 1e-9")


if __name__ == "__main__":
    main()
