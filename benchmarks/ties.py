"""How often a tie is broken by mistake, and how often a true gap is found: simulated from real per-query scores.

Candidates are draws of seeds of one and the same candidate, so that any "better" is a mistake. For the second
question one of them is lifted by two points: as many of its misses become hits, at random. Each repetition draws
queries, or whole tiles, anew, and is judged as a run is (`bench.score.ties.tied_group`), with fewer resamples.

    python benchmarks/ties_trials.py FOLDER           # first: the trainings
    python benchmarks/ties.py FOLDER
    python benchmarks/ties.py FOLDER --write docs/ties.md            # puts the table between the file's marks
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from math import sqrt
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from ties_trials import SERIES, TRAINING, K, Series, load

from bench.profile.hardware import probe as probe_hardware
from bench.score.family import AllPairs
from bench.score.interval import measure_noise
from bench.score.power import Pilot
from bench.score.resample import Groups, Sample
from bench.score.ties import noise_floor, tied_group
from bench.units import percent

GAP: Final = 0.02
CANDIDATES: Final = (2, 4)
SEEDS: Final = (2, 3, 5)
RESAMPLES: Final = 200
STREAM: Final = 1
"""Of random numbers. Another one after a change of the rule: what a rule was chosen by does not test it."""
HITS: Final = {"partner_recall": 1}
"""Results that a query's value is the mean of, where not K: the partner alone is found or not."""
BEGIN, END = "<!-- measured -->", "<!-- end -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Trainings of one candidate, from which candidates that are equal in truth are drawn."""

    series: Series
    sample: Sample
    groups: NDArray[np.int64] | None
    """Tile of each query, where whole tiles are drawn."""

    def draw(self, random: np.random.Generator, candidates: int, seeds: int) -> tuple[list[Sample], Groups | None]:
        """Equal candidates on new queries."""
        drawn = self.candidates(random, candidates, seeds)
        queries = self.sample.shape[1]
        if self.groups is None:
            rows = random.integers(queries, size=queries)
            return [sample[:, rows] for sample in drawn], None
        tiles = self.groups.max() + 1
        members = [np.flatnonzero(self.groups == tile) for tile in random.integers(tiles, size=tiles)]
        groups = np.repeat(np.arange(tiles), [len(rows) for rows in members])
        return [sample[:, np.concatenate(members)] for sample in drawn], groups

    def candidates(self, random: np.random.Generator, candidates: int, seeds: int) -> list[Sample]:
        """Draws of seeds, all queries; disjoint where there are enough seeds, else with replacement."""
        available = len(self.sample)
        again = not self.disjoint(candidates, seeds)
        rows = random.choice(available, size=(candidates, seeds), replace=again)
        return [self.sample[own] for own in rows]

    def disjoint(self, candidates: int, seeds: int) -> bool:
        """Whether there are enough seeds for candidates that share none."""
        return candidates * seeds <= len(self.sample)

    def lifted(self, random: np.random.Generator, sample_SQC: Sample) -> Sample:
        """As if the candidate were better by the gap: each of its misses is a hit with the same small probability."""
        results = HITS.get(self.series.yardstick.per_query[0], K)
        hits = random.binomial(results, self._flip_probability, size=sample_SQC.shape) / results
        return sample_SQC + (1 - sample_SQC) * hits

    @property
    def _flip_probability(self) -> float:
        means_C = self.sample.mean(axis=(0, 1))
        before = float(self.series.yardstick.statistic(means_C))
        shares = np.linspace(0, 0.2, 2001)
        lifts = self.series.yardstick.statistic(means_C + (1 - means_C) * shares[:, np.newaxis]) - before
        return float(np.interp(GAP, lifts, shares))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One setting, simulated."""

    world: World
    candidates: int
    seeds: int
    mistaken: float
    """Share of repetitions in which anybody equal was put out of the tie."""
    found: float
    """Share of the lesser candidates put out of the tie by the lifted one."""
    stated: float
    """What `bench.score.power` says of that."""
    repetitions: int


def simulate(world: World, candidates: int, seeds: int, repetitions: int) -> Row:
    """Judge equal candidates, then the same with the first one lifted, over and over."""
    random = np.random.default_rng([STREAM, candidates, seeds])
    statistic = world.series.yardstick.statistic
    mistaken, found = 0, 0
    for repetition in range(repetitions):
        drawn, groups = world.draw(random, candidates, seeds)
        first = world.lifted(random, drawn[0])
        for samples in (drawn, [first, *drawn[1:]]):
            tie = tied_group(dict(enumerate(samples)), statistic, groups=groups, resamples=RESAMPLES, seed=repetition)
            if samples is drawn:
                mistaken += len(tie.members) < candidates
            else:
                found += len(set(range(candidates)) - set(tie.members)) if tie.leader == 0 else 0
    return Row(
        world=world,
        candidates=candidates,
        seeds=seeds,
        mistaken=mistaken / repetitions,
        found=found / repetitions / (candidates - 1),
        stated=stated_power(world, candidates, seeds),
        repetitions=repetitions,
    )


def stated_power(world: World, candidates: int, seeds: int) -> float:
    """The power of this setting, by the noise of all trainings there are."""
    random = np.random.default_rng(0)
    each = len(world.sample) // candidates
    first, *others = world.candidates(random, candidates, each)
    samples = [world.lifted(random, first), *others]
    noise = measure_noise(samples, world.series.yardstick.statistic, groups=world.groups)
    alike = measure_noise([world.sample], world.series.yardstick.statistic, groups=world.groups)
    assert noise is not None
    assert alike is not None
    # all that a seed does to these queries is its own: drawing from them again comes on top
    noise = replace(noise, between_seeds=alike.between_seeds + noise.shared)
    weights = [1.0, -1.0] + [0.0] * (candidates - 2)
    gap = noise.contrast(weights, AllPairs(level=0.95, candidates=candidates))
    queries = world.sample.shape[1]
    return Pilot(contrast=gap, seeds=each, queries=queries).power(GAP, seeds=seeds, queries=queries)


def worlds(folder: Path) -> Iterator[World]:
    """Every series, by query and by tile where tiles are known."""
    for series in SERIES:
        kept = load(folder, series)
        yield World(series=series, sample=kept.sample, groups=None)
        if kept.groups is not None:
            yield World(series=series, sample=kept.sample, groups=kept.groups)


def report(rows: Sequence[Row]) -> str:
    """The noise of each series in words, then the table."""
    lines = [
        f"Simulated {datetime.now(UTC):%Y-%m-%d} on {probe_hardware().cpu_name}: {rows[0].repetitions:,} repetitions a "
        f"row with {RESAMPLES} resamples each; CECD nano, {TRAINING.steps} steps of {TRAINING.batch_pairs} pairs.",
        "",
    ]
    for world in {row.world.series.name: row.world for row in rows}.values():
        floor = noise_floor({"": world.sample}, world.series.yardstick.statistic)
        assert floor is not None
        trained, queries, _ = world.sample.shape
        score = float(world.series.yardstick.statistic(world.sample.mean(axis=(0, 1))))
        lines.append(
            f"* {world.series.title}: {trained} seeds, {queries} queries; mean {percent(score)}, noise floor "
            f"{percent(floor.deviation)} [{percent(floor.low)}, {percent(floor.high)}] points"
        )
    lines += [
        "",
        "| data | drawn anew | candidates | seeds | better by mistake, % | 2 points found, % | power stated, % |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        drawn = "queries" if row.world.groups is None else f"{row.world.groups.max() + 1} tiles"
        seeds = f"{row.seeds}{'' if row.world.disjoint(row.candidates, row.seeds) else ', not disjoint'}"
        lines.append(
            f"| {row.world.series.title} | {drawn} | {row.candidates} | {seeds} | {_share(row.mistaken, row)} | "
            f"{_share(row.found, row)} | {percent(row.stated)} |"
        )
    return "\n".join(lines)


def _share(share: float, row: Row) -> str:
    """With its Monte Carlo standard error, in percent."""
    return f"{percent(share)} ± {percent(sqrt(max(share * (1 - share), 1e-9) / row.repetitions))}"


def main() -> None:
    """Simulate, print, and write the table where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the marks of this file")
    asked = parser.parse_args()
    rows = []
    for world, candidates, seeds in product(worlds(asked.folder), CANDIDATES, SEEDS):
        rows.append(simulate(world, candidates, seeds, asked.repetitions))
        print(f"{world.series.name} {candidates} x {seeds}: {rows[-1].mistaken:.1%} {rows[-1].found:.1%}", flush=True)
    text = report(rows)
    print(text)
    if asked.write:
        page = asked.write.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        asked.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
