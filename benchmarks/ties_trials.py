"""Real per-query scores for `benchmarks/ties.py`: the same candidate trained from many seeds, kept in a folder.

python benchmarks/ties_trials.py FOLDER           # about 20 s a training on two cores; goes on where it stopped
python benchmarks/ties_trials.py FOLDER --seeds 12
"""

import argparse
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache as once
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Final

import numpy as np
import torch
from la_pairs import LosAngelesPairs
from numpy.typing import NDArray

from bench.data import cache
from bench.data.pairs import SensorPairs, open_pairs
from bench.data.places import grouped
from bench.result import Training
from bench.run.embed import embed
from bench.run.train import Trainer
from bench.score.goal import GOALS, Yardstick, labelled, unlabelled
from bench.score.matrix import retrieval_matrix
from models import csmae
from models.config import configure

K: Final = 10
TRAINING: Final = Training(steps=200, batch_pairs=16)
"""As `csmae-bench run` trains, with half its batch: what is wanted is many seeds."""
CPU: Final = torch.device("cpu")
PRECISION: Final = "fp32"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One candidate on one data set."""

    name: str
    """Of its folder."""
    title: str
    variant: str
    open: Callable[[], SensorPairs]
    yardstick: Yardstick


SERIES: Final = (
    Series(
        name="la-cecd",
        title="Los Angeles, partner recall@10",
        variant="cecd",
        open=LosAngelesPairs,
        yardstick=unlabelled(K),
    ),
    Series(
        name="synthetic-cecd",
        title="synthetic pairs, cross-sensor F1@10",
        variant="cecd",
        open=lambda: open_pairs("synthetic"),
        yardstick=labelled(GOALS["cross"], K),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The trainings of one series."""

    sample: NDArray[np.float64]
    groups: NDArray[np.int64] | None
    """Tile of each query."""


def load(folder: Path, series: Series) -> Kept:
    """What `main` has left in a folder."""
    files = sorted((folder / series.name).glob("seed-*.npz"))
    if not files:
        raise SystemExit(f"{folder} holds no trainings of {series.name}: run benchmarks/ties_trials.py first")
    parts = [np.load(file) for file in files]
    groups_Q = parts[0]["groups_Q"]
    return Kept(sample=np.stack([part["values_QC"] for part in parts]), groups=groups_Q if groups_Q.size else None)


def main() -> None:
    """Train, seed by seed and series by series, what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--series", nargs="+", default=[series.name for series in SERIES])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for seed, series in product(range(asked.seeds), [series for series in SERIES if series.name in asked.series]):
        file: Path = asked.folder / series.name / f"seed-{seed:02}.npz"
        if file.exists():
            continue
        start = perf_counter()
        values_QC = _train(series, seed, asked.folder / "decoded")
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, values_QC=values_QC, groups_Q=_groups(series))
        score = float(series.yardstick.statistic(values_QC.mean(axis=0)))
        print(f"{series.name} seed {seed}: {100 * score:.1f} after {perf_counter() - start:.0f} s", flush=True)


@once
def _groups(series: Series) -> NDArray[np.int64]:
    """Empty where tiles are not known."""
    with closing(series.open()) as pairs:
        groups_Q = grouped([place.tile for place in pairs.places("query")]) if not pairs.synthetic else None
    return np.empty(0, np.int64) if groups_Q is None else groups_Q


def _train(series: Series, seed: int, root: Path) -> NDArray[np.float64]:
    """Per-query values of one training: (queries, components)."""
    with closing(series.open()) as pairs:
        folder = cache.prepare(pairs, root=root).folder
        config = configure(
            series.variant, "nano", bands={s: len(b) for s, b in pairs.bands.items()}, image_pixels=pairs.image_pixels
        )
    query, archive = (cache.open_split(folder, split) for split in ("query", "archive"))
    model = csmae.build(config, seed=seed)
    trainer = Trainer(model, cache.open_split(folder, "train"), TRAINING, seed=seed, device=CPU, precision=PRECISION)
    model.train()
    for _ in range(TRAINING.steps):
        trainer.step()
    found = retrieval_matrix(
        query=embed(model, query, CPU, PRECISION),
        archive=embed(model, archive, CPU, PRECISION),
        query_labels=query.labels,
        archive_labels=archive.labels,
        k=K,
        subject="trained",
        step=TRAINING.steps,
    )
    columns = {(q.query, q.archive, q.metric, q.k): q.values for q in found.query_scores}
    yardstick = series.yardstick
    return np.column_stack(
        [columns[a, b, metric, K] for (a, b), metric in product(yardstick.goal.directions, yardstick.per_query)]
    )


if __name__ == "__main__":
    main()
