"""Whether the gain per doubling of the training pairs, fitted on small subsets, holds on a larger one.

CECD nano is trained on nested subsets of one synthetic data set, with equal steps and two seeds. From each four subsets
in a row the curve is fitted and drawn on to the next larger one, which the fit has not seen. Compared are what the
curve says of it and what its trainings scored on the same queries.

    python benchmarks/growth.py                                      # 14 trainings, about 15 minutes
    python benchmarks/growth.py --db growth.duckdb                   # keeps the trials, and trains only what lacks
    python benchmarks/growth.py --write docs/growth.md               # puts the tables between the file's marks
"""

import argparse
import platform
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log2
from pathlib import Path
from statistics import fmean

import numpy as np

from advisor.diagnosis import points
from advisor.growth import Growth, extrapolate, growths
from advisor.line import Bounds, Line
from advisor.series import Series, series
from bench import session
from bench.plan.plan import Request, Wish
from bench.result import Candidate, Outcome, TrialResult
from bench.run.events import TrialFinished
from bench.score import METRICS
from bench.score.goal import GOALS, Yardstick, labelled, unlabelled
from bench.store.results import Results
from bench.units import percent

CECD = Candidate(variant="cecd", size="nano")
PAIRS = (32, 64, 128, 256, 512, 1024, 2048)
FITTED = 4
BATCH_PAIRS, SEEDS, K = 16, 2, 10
YARDSTICKS = (labelled(GOALS["cross"], K), unlabelled(K))
BEGIN, END = "<!-- measured -->", "<!-- end -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A curve beside the subset that it was drawn on to."""

    growth: Growth
    pairs: int
    """Held out."""
    drawn: Bounds | None
    """What the curve says of as many trainings on it; None where it is refused."""
    refusal: str
    measured: float
    missed: Bounds
    """Measured minus drawn, the queries being the same."""

    @property
    def inside(self) -> bool:
        """Whether seeds and queries explain the miss."""
        return not self.missed.decided


def main() -> None:
    """Train what lacks, compare, print, and write the tables where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", type=Path, metavar="FILE", help="keep the trials here; those that are there count")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables between the marks of this file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trials = trained(Results(asked.db or Path(folder) / "growth.duckdb"), asked.steps)
    text = report(trials, asked.steps)
    print(text)
    if asked.write:
        before, _, rest = asked.write.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        asked.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def trained(store: Results, steps: int) -> list[TrialResult]:
    """A training of each subset and seed."""
    wishes = [
        Wish(candidate=CECD, seed=seed, steps=steps, train_pairs=pairs) for pairs in PAIRS for seed in range(SEEDS)
    ]
    kept = store.trials() if store.path.exists() else ()
    there = {_key(trial): trial for trial in kept if trial.outcome is Outcome.COMPLETED}
    lacking = tuple(wish for wish in wishes if (wish.train_pairs, wish.seed, wish.steps) not in there)
    if lacking:
        request = Request(
            data=f"synthetic:train={PAIRS[-1]}",
            variants=(CECD.variant,),
            wishes=lacking,
            batch_pairs=BATCH_PAIRS,
            k=K,
            refine=False,
        )
        with closing(session.run(request, store)) as events:
            for event in events:
                if isinstance(event, TrialFinished):
                    assert event.result.outcome is Outcome.COMPLETED, event.result.cause
                    there[_key(event.result)] = event.result
                    print(f"{event.result.data.train_pairs} pairs, seed {event.result.seed}: done", flush=True)
    return [there[wish.train_pairs, wish.seed, wish.steps] for wish in wishes]


def _key(trial: TrialResult) -> tuple[int | None, int, int]:
    return trial.data.train_pairs, trial.seed, trial.training.steps


def held_out(trials: Sequence[TrialResult], yardstick: Yardstick) -> Iterator[Held]:
    """Each four subsets in a row with the next larger one."""
    for first in range(len(PAIRS) - FITTED):
        fitted, beyond = PAIRS[first : first + FITTED], PAIRS[first + FITTED]
        known = series([trial for trial in trials if trial.data.train_pairs in fitted], yardstick)
        both = series([trial for trial in trials if trial.data.train_pairs in (*fitted, beyond)], yardstick)
        assert known is not None
        assert both is not None
        drawn = extrapolate(known, [CECD], beyond, trainings=SEEDS)
        yield Held(
            growth=growths(known)[0],
            pairs=beyond,
            drawn=drawn.score,
            refusal=drawn.refusal,
            measured=fmean(scores(both)[beyond]),
            missed=missed(both, beyond),
        )


def scores(found: Series) -> dict[int, list[float]]:
    """Of each subset, a seed each."""
    by_pairs: dict[int, list[float]] = {}
    for trial, score in zip(found.trials, found.scored.scores.tolist(), strict=True):
        by_pairs.setdefault(trial.data.train_pairs, []).append(score)
    return by_pairs


def missed(found: Series, beyond: int) -> Bounds:
    """Mean of the held-out subset minus the line through the others: a coefficient of its own in one fit of all."""
    pairs = [trial.data.train_pairs for trial in found.trials]
    held_T = np.array([float(n == beyond) for n in pairs])
    x_T = np.array([log2(n / beyond) for n in pairs])
    line = Line(np.column_stack([np.ones_like(x_T), x_T, held_T]), found.scored, cells=pairs)
    return line.value(np.array([0.0, 0.0, 1.0]))


def report(trials: Sequence[TrialResult], steps: int) -> str:
    """All of it, as Markdown."""
    data = trials[0].data
    parts = [
        f"Data: {data.name}; {datetime.now(UTC).date()}, {platform.machine()}. {CECD.title}, {steps} steps of "
        f"{BATCH_PAIRS} pairs, {SEEDS} seeds, {data.query_pairs} queries, archive of {data.archive_pairs}. Scores in "
        "points, cross-sensor; intervals 95 %."
    ]
    for yardstick in YARDSTICKS:
        found = series(trials, yardstick)
        assert found is not None
        title = f"{METRICS[yardstick.metric].title}@{K}"
        parts.append(
            "\n".join(
                [
                    f"| pairs | {title} of each seed | mean |",
                    "| --- | --- | --- |",
                    *(
                        f"| {pairs:,} | {' / '.join(map(percent, own))} | {percent(fmean(own))} |"
                        for pairs, own in scores(found).items()
                    ),
                ]
            )
        )
        rows = [_row(held) for held in held_out(trials, yardstick)]
        heads = (
            "fitted on",
            "a doubling adds",
            "verdict",
            "held out",
            "the curve says",
            "scored",
            "missed by",
            "inside",
        )
        parts.append("\n".join([f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}", *rows]))
    return "\n\n".join(parts)


def _row(held: Held) -> str:
    growth = held.growth
    cells = (
        f"{growth.levels[0]:,} to {growth.levels[-1]:,}",
        points(growth.per_doubling) if growth.per_doubling else growth.reason,
        growth.verdict,
        f"{held.pairs:,}",
        _range(held.drawn) if held.drawn else "refused",
        percent(held.measured),
        points(held.missed),
        "yes" if held.inside else "**no**",
    )
    return f"| {' | '.join(cells)} |"


def _range(bounds: Bounds) -> str:
    return f"{percent(bounds.estimate)} [{percent(bounds.low)}, {percent(bounds.high)}]"


if __name__ == "__main__":
    main()
