"""Times all scores of a set of descriptors against exact search alone, and says how much memory each takes.

Run from the repository root: `python benchmarks/retrieval.py`, or with `--full` for the roles of BigEarthNet with
270,000 training pairs (65,230 queries, 65,817 archive images, 768 dimensions). Search alone is faiss's exact search in
the four directions of the retrieval matrix. Scoring searches the same and adds exact ties, the archive of both
sensors, partner ranks among all places, the modality gap, and every score by labels. Each lap is a process of its own,
in turns, with as many threads as the other, on the same numbers.

The descriptors are SYNTHETIC: random, the two sensors independent. Nothing can be found in them, which is the slow
case: partners are lost in the crowd, where many items are too near to call in float32. Labels are random too, drawn
from as many different sets of labels as BigEarthNet has in such a role.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import faiss
import numpy as np
from numpy.typing import NDArray

from bench.result import DIRECTIONS
from bench.score.matrix import retrieval_matrix
from models.config import SENSORS, Sensor

CLASSES = 19
LABEL_SETS = 3000
K = 10

Side = dict[Sensor, NDArray[np.float32]]


def search(query: Side, archive: Side, threads: int) -> None:
    """Exact search alone in four directions."""
    faiss.omp_set_num_threads(threads)
    for side in (query, archive):
        for descriptors in side.values():
            faiss.normalize_L2(descriptors)
    for a, b in DIRECTIONS:
        faiss.knn(query[a], archive[b], K, metric=faiss.METRIC_INNER_PRODUCT)


def score(query: Side, archive: Side, threads: int) -> None:
    """Every score."""
    random = np.random.default_rng(1)
    sets = random.random((LABEL_SETS, CLASSES)) < 3 / CLASSES
    query_labels, archive_labels = (
        sets[random.integers(LABEL_SETS, size=len(side["s1"]))] for side in (query, archive)
    )
    retrieval_matrix(
        query=query,
        archive=archive,
        query_labels=query_labels,
        archive_labels=archive_labels,
        k=K,
        subject="trained",
        step=1,
        threads=threads,
    )


WAYS = {"search alone": search, "all scores": score}


def lap(way: str, given: argparse.Namespace) -> dict[str, float]:
    """Seconds and bytes of one way, in this process."""
    random = np.random.default_rng(0)
    query, archive = (
        {sensor: random.standard_normal((places, given.width), dtype=np.float32) for sensor in SENSORS}
        for places in (given.queries, given.archive)
    )
    start, busy = perf_counter(), process_time()
    WAYS[way](query, archive, given.threads)
    seconds, busy = perf_counter() - start, process_time() - busy
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"seconds": seconds, "processor": busy, "bytes": peak}


def apart(way: str) -> dict[str, float]:
    """The same in a process of its own, its libraries held to one thread each, as in a trial's."""
    quiet = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    root = str(Path(__file__).parents[1])
    done = subprocess.run(  # noqa: S603  this script itself
        [sys.executable, __file__, *sys.argv[1:], "--way", way],
        env={**os.environ, **quiet, "PYTHONPATH": root, "OMP_WAIT_POLICY": "PASSIVE"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure both ways in turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=6000)
    parser.add_argument("--archive", type=int, default=6000)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--laps", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="65,230 x 65,817 x 768, one lap")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.full:
        given.queries, given.archive, given.width, given.laps = 65_230, 65_817, 768, 1
    if given.way:
        print(json.dumps(lap(given.way, given)))
        return
    laps: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(given.laps):
        for way in WAYS:
            laps[way].append(apart(way))
    held = 2 * 4 * given.width * (given.queries + given.archive)
    print(f"{given.queries} queries, {given.archive} archive images, {given.width} dimensions, k = {K}, two sensors")
    print(f"SYNTHETIC descriptors, {held / 2**30:.2f} GiB in float32; {given.threads} threads")
    print(f"{'':<14}{'median s':>10}{'fastest':>10}{'slowest':>10}{'CPU s':>10}{'peak GiB':>10}")
    for way, found in laps.items():
        seconds = [one["seconds"] for one in found]
        processor = median(one["processor"] for one in found)
        peak = max(one["bytes"] for one in found) / 2**30
        times = (median(seconds), min(seconds), max(seconds), processor, peak)
        print(f"{way:<14}{''.join(f'{value:>10.2f}' for value in times)}")
    pairs = list(zip(*laps.values(), strict=True))
    clock, processor = (median(b[what] / a[what] for a, b in pairs) for what in ("seconds", "processor"))
    print(f"all scores take {clock:.2f} times as long as search alone by the clock, {processor:.2f} by processor time")
    print("peaks are of the whole process, descriptors and libraries with it")


if __name__ == "__main__":
    main()
