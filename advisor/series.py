"""Trainings that are equal in all but their pairs, their size, their variant and their seed, and lines through them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from math import log2
from typing import Final, Literal

import msgspec
import numpy as np

from advisor.line import Line, Scored, Values, score
from bench.result import Candidate, TrialResult
from bench.score.goal import Yardstick, completed
from bench.score.resample import Groups
from models.config import SIZES, VARIANTS

Over = Literal["pairs", "width"]

FEWEST_LEVELS: Final[dict[Over, int]] = {"pairs": 3, "width": 2}
"""Subset sizes, or widths, that a slope needs. Two widths say what lies between them, and nothing beyond."""

FEWEST_REPEATS: Final = 3
"""Trainings that repeat another one with a new seed: below, the noise of seeds is a guess."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """Lines over doublings, fitted together: an intercept for each candidate or variant, a slope for each size."""

    line: Line
    reference: int
    """Level at which x is 0: the largest."""
    intercepts: tuple[str, ...]
    slopes: tuple[str, ...]

    def weights(self, slope: str, *, level: float | None = None, of: Collection[str] = ()) -> Values:
        """Of the coefficients, for a slope, or for the mean height of lines of that slope at a level.

        Args:
            level: pairs or width.
            of: intercepts of those lines; all when left out.
        """
        chosen, x = set(of or self.intercepts), 1.0
        means = np.zeros(len(self.intercepts))
        if level is not None:
            x = log2(level / self.reference)
            means = np.array([(name in chosen) / len(chosen) for name in self.intercepts])
        return np.concatenate([means, [x * (name == slope) for name in self.slopes]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """Completed trials of one data set and one setting, each seed of a candidate on a subset once."""

    trials: tuple[TrialResult, ...]
    scored: Scored

    @property
    def sizes(self) -> tuple[str, ...]:
        """Those trained, the smallest first."""
        there = {trial.candidate.size for trial in self.trials}
        return tuple(size for size in SIZES if size in there)

    def of_size(self, size: str) -> tuple[TrialResult, ...]:
        """The trials of this size."""
        return tuple(trial for trial in self.trials if trial.candidate.size == size)

    def of_one_subset(self) -> tuple[TrialResult, ...]:
        """The trials on the subset that the most sizes were trained on; of several the largest."""
        on: dict[int, list[TrialResult]] = defaultdict(list)
        for trial in self.trials:
            on[trial.data.train_pairs].append(trial)
        return tuple(on[max(on, key=lambda pairs: (len(levels(on[pairs], "width")), pairs))])

    def fit(self, trials: Sequence[TrialResult], over: Over) -> Fit | str:
        """Lines through some of these trials; over width they must be of one subset.

        Returns: in words why not, where the trials are too few to tell noise, or lie off any line.
        """
        there = levels(trials, over)
        if len(there) < FEWEST_LEVELS[over]:
            what = {"pairs": "subsets of different size are", "width": "widths are"}[over]
            return f"{FEWEST_LEVELS[over]} {what} needed to see a trend, {len(there)} there"
        cells = [(trial.candidate, trial.data.train_pairs) for trial in trials]
        repeats = len(cells) - len(set(cells))
        if repeats < FEWEST_REPEATS:
            return (
                f"{FEWEST_REPEATS} trainings repeated with another seed are needed to know the noise, {repeats} there"
            )
        names = [_names(trial.candidate, over) for trial in trials]
        intercepts, slopes = (tuple(dict.fromkeys(name)) for name in zip(*names, strict=True))
        x_T = np.array([log2(_level(trial, over) / there[-1]) for trial in trials])
        constant_TI = np.array([[own == name for name in intercepts] for own, _ in names], dtype=np.float64)
        rising_TS = np.array([[own == name for name in slopes] for _, own in names]) * x_T[:, np.newaxis]
        design_TP = np.hstack([constant_TI, rising_TS])
        scored = self.scored.of([self.trials.index(trial) for trial in trials])
        line = Line(design_TP, scored, cells=cells)
        if line.bends():
            return _bent(Line(np.column_stack([design_TP, x_T**2]), scored, cells=cells), len(there))
        return Fit(line=line, reference=there[-1], intercepts=intercepts, slopes=slopes)


def series(results: Iterable[TrialResult], yardstick: Yardstick, *, groups: Groups | None = None) -> Series | None:
    """Of the settings that the trials were made with, the one that shows the most subsets, then sizes, then trials.

    Equal are protocol, data set, neighbours, schedule, arithmetic and objective; baselines are left out.

    Args:
        groups: the tile of each query, as `Queries.groups` gives it.
    Returns: None without a completed trial, or with one query or tile.
    """
    settings: dict[object, dict[object, TrialResult]] = defaultdict(dict)
    for trial in sorted(completed(list(results)), key=_age):
        if trial.k == yardstick.k and trial.query_scores and not VARIANTS[trial.candidate.variant].baseline:
            settings[_setting(trial)][trial.candidate, trial.data.train_pairs, trial.seed] = trial
    chosen = max((tuple(own.values()) for own in settings.values()), key=_shown, default=())
    trials = tuple(sorted(chosen, key=lambda t: (t.candidate, t.data.train_pairs, t.seed)))
    sample_TQC = yardstick.sample(trials)
    scored = None if sample_TQC is None else score(sample_TQC, yardstick.statistic, groups=groups)
    return Series(trials=trials, scored=scored) if scored else None


def levels(trials: Iterable[TrialResult], over: Over) -> tuple[int, ...]:
    """Training pairs, or widths, ascending."""
    return tuple(sorted({_level(trial, over) for trial in trials}))


def _level(trial: TrialResult, over: Over) -> int:
    return trial.data.train_pairs if over == "pairs" else trial.model.size.width


def _names(candidate: Candidate, over: Over) -> tuple[str, str]:
    """Whose intercept and whose slope a training tells of."""
    return (candidate.title, candidate.size) if over == "pairs" else (candidate.variant, over)


def _bent(curve: Line, there: int) -> str:
    """How the trainings leave a straight line; the last coefficient of the curve is its bend."""
    bend = curve.value(np.eye(len(curve.coefficients))[-1]) if there > 2 else None
    if bend is None or not bend.decided:
        return "the scores scatter about a straight line over doublings by more than seeds and queries explain"
    how = "less and less" if bend.high < 0 else "more and more"
    return f"each doubling adds {how}, so no one number holds"


def _setting(trial: TrialResult) -> tuple[object, ...]:
    objective = replace(trial.model, encoder="common", decoder="common", size=SIZES["nano"])
    return (
        trial.provenance.protocol,
        trial.data.fingerprint,
        trial.training,
        trial.precision,
        msgspec.json.encode(objective, order="deterministic"),
    )


def _age(trial: TrialResult) -> tuple[str, str]:
    return trial.provenance.started_at, trial.trial_id


def _shown(trials: Sequence[TrialResult]) -> tuple[object, ...]:
    """What a setting's trials can show, for `max`."""
    widths = len({trial.candidate.size for trial in trials})
    newest = max(map(_age, trials))
    return len(levels(trials, "pairs")), widths, len(trials), trials[0].training.steps, newest
