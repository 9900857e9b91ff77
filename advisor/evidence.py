"""What the trials say: standings, effects of sharing, and whether either exceeds the noise."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean, median, stdev
from typing import Final

from advisor.belief import PARTS, Measured, Part
from advisor.pace import EqualSeconds, equal_seconds
from bench.data.places import Queries
from bench.plan.full import PAPER_EPOCHS
from bench.result import Candidate, Gallery, Outcome, TrialResult
from bench.score.family import Bonferroni
from bench.score.goal import Goal, MatrixRow, Yardstick, completed, labelled, unlabelled
from bench.score.interval import Contrast, Noise, measure_noise
from bench.score.ties import NoiseFloor, TiedGroup, tied_group
from models.config import VARIANTS, Sensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One candidate's trials in sum."""

    candidate: Candidate
    completed: int
    """Trials that were trained and scored."""
    other: tuple[str, ...]
    """The other endings, each with its cause."""
    score: float | None
    """Mean over seeds of the goal's metric; None without a completed trial."""
    seed_deviation: float | None
    """Standard deviation over seeds; None below two."""
    untrained: float | None
    """The same metric before any training."""
    parameters: int | None
    pairs_per_second: float | None
    """Median over trials."""
    train_seconds: float | None
    """Mean over trials."""
    trial_seconds: float | None
    """Of a whole trial, scoring included; mean over trials."""
    peak_memory_bytes: int | None
    """Largest over trials: of the accelerator where there is one, else of the process."""
    to_best: Contrast | None
    """Its score minus the highest mean; None for the highest itself and where noise is unknown."""
    tied: bool
    """Whether the trials cannot tell it from the highest mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Specific minus common, for encoder or decoder, averaged over the other choice."""

    part: Part
    contrast: Contrast | None
    """None when the trials do not hold both kinds, or only one seed."""
    cost: float | None
    """Training time of a step with the specific kind over the common kind, minus 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything the trials of one comparable set say for a goal."""

    goal: Goal
    metric: str
    """"f1_of_means" for labelled data, "partner_recall" without labels."""
    k: int
    standings: tuple[Standing, ...]
    """Highest mean first, candidates without a score last; baselines among them."""
    effects: tuple[Effect, ...]
    noise: NoiseFloor | None
    """Between seeds of the same candidate, pooled over candidates; None when none has two."""
    seeds: int
    """Fewest completed trials of any candidate that has one, baselines not counted."""
    queries: int
    archive: int
    train_pairs: int
    synthetic: bool
    matrices: dict[str, tuple[MatrixRow, ...]]
    """By candidate title."""
    steps: int = 0
    """Training steps of each trial."""
    left_out: int = 0
    """Trials that were given but are not comparable with these: other data, settings or protocol, or a seed again."""
    starved: bool = False
    """Whether every trial ran out of memory."""
    at_equal_seconds: EqualSeconds | None = None
    """The candidates at equal training time; everything else compares them at equal steps."""
    measured: Measured | None = None
    """Means of the contenders with their noise; None where noise cannot be known."""

    def uni_modal(self, title: str) -> dict[tuple[Sensor, Gallery], float]:
        """What autoencoders of one sensor each score beside this candidate, by direction; empty if none was trained."""
        size = title.rpartition(" ")[2]
        return {
            row.direction: row.trained
            for standing in self.standings
            if VARIANTS[standing.candidate.variant].baseline and standing.candidate.size == size
            for row in self.matrices.get(standing.candidate.title, ())
            if standing.candidate.title != title
        }


def comparable(results: Sequence[TrialResult]) -> tuple[TrialResult, ...]:
    """The largest set of trials that may be compared, by trial id; of equally large ones the newest.

    Compared are trials of one protocol, on one data set, with equal training and the same number of neighbours. A seed
    that a candidate was trained with again counts once, since a repetition shows nothing of the noise between seeds.
    """
    sets: dict[object, list[TrialResult]] = defaultdict(list)
    for result in results:
        data = result.data.fingerprint, result.data.train_pairs
        sets[result.provenance.protocol, data, result.k, result.training].append(result)
    once = [_once(trials) for trials in sets.values()]
    chosen = max(once, key=lambda trials: (len(completed(trials)), max(map(_age, trials))), default=[])
    return tuple(sorted(chosen, key=lambda trial: trial.trial_id))


def _once(trials: Sequence[TrialResult]) -> list[TrialResult]:
    """One trial of each candidate and seed: a completed one if there is one, then the newest."""
    ordered = sorted(trials, key=lambda trial: (trial.outcome is Outcome.COMPLETED, _age(trial)))
    return list({(trial.candidate, trial.seed): trial for trial in ordered}.values())


def _age(trial: TrialResult) -> tuple[str, str]:
    return trial.provenance.started_at, trial.trial_id


def weigh(results: Sequence[TrialResult], goal: Goal, *, queries: Queries | None = None) -> Evidence | None:
    """What comparable trials say for a goal; None when there is no trial at all.

    Without labels only partner retrieval can be measured, which exists across sensors: the goal is then that.

    Args:
        queries: of the data; with their tiles known, what is alike within a tile counts once.
    """
    trials = comparable(results)
    if not trials:
        return None
    data = trials[0].data
    groups = queries.groups if queries and queries.fingerprint == data.fingerprint else None
    yardstick = labelled(goal, trials[0].k) if data.labelled else unlabelled(trials[0].k, goal)
    by_candidate: dict[Candidate, list[TrialResult]] = defaultdict(list)
    for trial in trials:
        by_candidate[trial.candidate].append(trial)
    samples = {c: sample for c, own in by_candidate.items() if (sample := yardstick.sample(own)) is not None}
    scores = {c: yardstick.statistic(sample.mean(axis=1)).tolist() for c, sample in samples.items()}
    contenders = {c: sample for c, sample in sorted(samples.items()) if not VARIANTS[c.variant].baseline}
    tie = tied_group(contenders, yardstick.statistic, groups=groups) if contenders else None
    noise = measure_noise(list(contenders.values()), yardstick.statistic, groups=groups) if contenders else None
    standings = [_standing(c, own, scores.get(c, []), yardstick, tie) for c, own in by_candidate.items()]
    return Evidence(
        goal=yardstick.goal,
        metric=yardstick.metric,
        k=trials[0].k,
        standings=tuple(sorted(standings, key=_order)),
        effects=tuple(_effect(part, list(contenders), by_candidate, noise) for part in PARTS),
        noise=tie.noise_floor if tie else None,
        seeds=min(map(len, contenders.values()), default=0),
        queries=data.query_pairs,
        archive=data.archive_pairs,
        train_pairs=data.train_pairs,
        synthetic=data.synthetic,
        matrices={c.title: yardstick.matrix(completed(by_candidate[c])) for c in samples},
        steps=trials[0].training.steps,
        left_out=len(results) - len(trials),
        starved=all(trial.outcome is Outcome.OUT_OF_MEMORY for trial in trials),
        at_equal_seconds=equal_seconds(trials, yardstick),
        measured=_measured(list(contenders), noise, trials[0]) if noise else None,
    )


def _measured(contenders: Sequence[Candidate], noise: Noise, trial: TrialResult) -> Measured:
    training, pairs = trial.training, trial.data.train_pairs
    return Measured(
        candidates=tuple(contenders),
        scores=tuple(noise.means.tolist()),
        covariance=tuple(map(tuple, noise.covariance.tolist())),
        share_of_full=min(1.0, training.steps * training.batch_pairs / (PAPER_EPOCHS * pairs)),
    )


LEVEL: Final = 0.95
"""Confidence of intervals."""


def _standing(
    candidate: Candidate,
    trials: Sequence[TrialResult],
    scores: Sequence[float],
    yardstick: Yardstick,
    tie: TiedGroup[Candidate] | None,
) -> Standing:
    done = completed(trials)
    rates = [t.costs.pairs_per_second for t in done if t.costs.pairs_per_second is not None]
    times = [t.costs.train_seconds for t in done if t.costs.train_seconds is not None]
    whole = [t.costs.total_seconds for t in done if t.costs.total_seconds is not None]
    peaks = [t.costs.peak_memory_bytes or t.costs.peak_rss_bytes for t in done]
    return Standing(
        candidate=candidate,
        completed=len(done),
        other=tuple(
            f"seed {t.seed}: {t.outcome.replace('_', ' ')}" + (f", {t.cause}" if t.cause else "")
            for t in trials
            if t.outcome is not Outcome.COMPLETED
        ),
        score=fmean(scores) if scores else None,
        seed_deviation=stdev(scores) if len(scores) > 1 else None,
        untrained=yardstick.untrained(trials),
        parameters=max((t.costs.parameters or 0 for t in trials), default=0) or None,
        pairs_per_second=median(rates) if rates else None,
        train_seconds=fmean(times) if times else None,
        trial_seconds=fmean(whole) if whole else None,
        peak_memory_bytes=max((peak for peak in peaks if peak is not None), default=None),
        to_best=tie.gaps.get(candidate) if tie else None,
        tied=tie is not None and candidate in tie.members,
    )


def _order(standing: Standing) -> tuple[float, Candidate]:
    return (float("inf") if standing.score is None else -standing.score, standing.candidate)


def _effect(
    part: Part,
    contenders: Sequence[Candidate],
    trials: Mapping[Candidate, Sequence[TrialResult]],
    noise: Noise | None,
) -> Effect:
    """Specific minus common, over all pairs of contenders that differ in this part alone."""
    pairs = [
        (specific, common)
        for specific, common in product(contenders, repeat=2)
        if specific.size == common.size and _differ(specific, common, part)
    ]
    if not pairs:
        return Effect(part=part, contrast=None, cost=None)
    weights = dict.fromkeys(contenders, 0.0)
    for specific, common in pairs:
        weights[specific] += 1 / len(pairs)
        weights[common] -= 1 / len(pairs)
    ratios = [
        s / c for a, b in pairs if (s := _step_seconds(trials[a])) is not None and (c := _step_seconds(trials[b]))
    ]
    return Effect(
        part=part,
        contrast=noise.contrast(list(weights.values()), Bonferroni(level=LEVEL, comparisons=len(PARTS)))
        if noise
        else None,
        cost=fmean(ratios) - 1 if ratios else None,
    )


def _differ(specific: Candidate, common: Candidate, part: Part) -> bool:
    a, b = VARIANTS[specific.variant], VARIANTS[common.variant]
    if part == "encoder":
        return (a.encoder, b.encoder) == ("specific", "common") and a.decoder == b.decoder
    return (a.decoder, b.decoder) == ("specific", "common") and a.encoder == b.encoder


def _step_seconds(trials: Sequence[TrialResult]) -> float | None:
    laps = [lap for trial in completed(trials) for lap in trial.costs.step_seconds]
    return median(laps) if laps else None
