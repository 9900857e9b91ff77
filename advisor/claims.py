"""Every number that an advice shows, with the trials it rests on and the SQL, or the function, that gives it again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from advisor.belief import PARTS, Posterior
from advisor.evidence import Effect, Evidence, Standing
from advisor.recommend import Recommendation
from bench.result import BASELINES, Candidate, Gallery, TrialResult
from bench.score.goal import completed
from bench.score.interval import Contrast
from models.config import VARIANTS, Sensor

BOOTSTRAP_SEED: Final = 0
"""The one that `bench.score.interval.measure_noise` is called with, and that `advisor.belief` draws by."""

INTERVAL: Final = "bench.score.interval.Noise.contrast"

BELIEF: Final = "advisor.belief.believe"

Directions = Sequence[tuple[Sensor, Gallery]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A number and where it comes from."""

    name: str
    """What it is, as "CECD nano: mean"; no two claims of an advice share it."""
    value: float
    """Scores as shares: 0.01 is a point."""
    trial_ids: tuple[str, ...]
    sql: str = ""
    """One reading statement whose only answer is the value; empty where no SQL can give it."""
    function: str = ""
    """What gives it where SQL cannot."""
    bootstrap_seed: int | None = None
    """Of the resampling or drawing behind it; None where nothing is left to chance."""


def claims(recommendation: Recommendation, trials: Sequence[TrialResult]) -> tuple[Claim, ...]:
    """The numbers of an advice: candidates, differences, effects, noise, the retrieval matrix of the recommended one.

    Args:
        trials: those that the advice compares.
    """
    found: list[Claim] = []
    contending: tuple[str, ...] = ()
    if recommendation.evidence:
        scored = _Scored(recommendation.evidence, completed(trials))
        contending = scored.ids(*scored.contenders)
        for standing in recommendation.evidence.standings:
            found += _standing(standing, scored)
        for effect in recommendation.evidence.effects:
            found += _effect(effect, scored)
        found += (*_noise(scored), *_equal_seconds(scored))
        if recommendation.candidate:
            found += _matrix(recommendation.candidate, scored)
    if recommendation.posterior:
        found += _posterior(recommendation.posterior, contending)
    return tuple(found)


class _Scored:
    """The completed trials of an evidence, and where their scores lie in the store."""

    def __init__(self, evidence: Evidence, trials: Sequence[TrialResult]) -> None:
        self.evidence = evidence
        self._trials = sorted(trials, key=lambda trial: trial.trial_id)

    def ids(self, *candidates: Candidate) -> tuple[str, ...]:
        """The trials of these candidates."""
        return tuple(trial.trial_id for trial in self._trials if trial.candidate in candidates)

    @property
    def contenders(self) -> tuple[Candidate, ...]:
        """What can be recommended, the highest mean first."""
        return tuple(
            s.candidate
            for s in self.evidence.standings
            if s.score is not None and not VARIANTS[s.candidate.variant].baseline
        )

    @property
    def leader(self) -> Candidate:
        """What the others' differences are from."""
        (leader,) = (s.candidate for s in self.evidence.standings if s.tied and s.to_best is None)
        return leader

    def rows(self, trial_ids: Sequence[str], directions: Directions = ()) -> str:
        """Their scores, in the goal's directions unless others are given."""
        ways = (f"{query}-{archive}" for query, archive in directions or self.evidence.goal.directions)
        return (
            f"FROM trial_scores WHERE trial_id IN ({_listed(trial_ids)}) AND metric = '{self.evidence.metric}' "
            f"AND k = {self.evidence.k} AND query || '-' || archive IN ({_listed(ways)})"
        )

    def mean(self, *candidates: Candidate) -> str:
        """The mean score over seeds; every trial has every direction, so that all rows weigh the same."""
        return f"SELECT avg(trained) {self.rows(self.ids(*candidates))}"


def _listed(names: Iterator[str] | Sequence[str]) -> str:
    return ", ".join("'" + name.replace("'", "''") + "'" for name in names)


def _standing(standing: Standing, scored: _Scored) -> Iterator[Claim]:
    """A line of the table of candidates, and its difference from the highest mean; nothing without a score."""
    if standing.score is None:
        return
    own = scored.ids(standing.candidate)
    title, rows, table = standing.candidate.title, scored.rows(own), f"FROM trials WHERE trial_id IN ({_listed(own)})"
    found: dict[str, tuple[float | None, str]] = {
        "mean": (standing.score, scored.mean(standing.candidate)),
        "deviation between seeds": (
            standing.seed_deviation,
            f"SELECT stddev_samp(score) FROM (SELECT avg(trained) AS score {rows} GROUP BY trial_id)",  # noqa: S608  quoted by _listed
        ),
        "untrained": (standing.untrained, f"SELECT avg(untrained) {rows}"),
        "pairs a second": (standing.pairs_per_second, f"SELECT median(pairs_per_second) {table}"),
        "parameters": (standing.parameters, f"SELECT max(parameters) {table}"),
    }
    for name, (value, sql) in found.items():
        if value is not None:
            yield Claim(name=f"{title}: {name}", value=value, trial_ids=own, sql=sql)
    if standing.to_best:
        best = scored.leader
        difference = f"SELECT ({scored.mean(standing.candidate)}) - ({scored.mean(best)})"
        yield from _contrast(f"{title} minus {best.title}", standing.to_best, scored, difference)


def _contrast(name: str, found: Contrast, scored: _Scored, sql: str) -> Iterator[Claim]:
    """A difference by SQL, and the ends of its interval, which all contenders' noise goes into."""
    every = scored.ids(*scored.contenders)
    yield Claim(name=name, value=found.estimate, trial_ids=every, sql=sql)
    for end, value in (("low", found.low), ("high", found.high)):
        yield Claim(
            name=f"{name}: {end}", value=value, trial_ids=every, function=INTERVAL, bootstrap_seed=BOOTSTRAP_SEED
        )


def _effect(effect: Effect, scored: _Scored) -> Iterator[Claim]:
    """Specific minus common, averaged over the pairs of contenders that differ in this part alone."""
    every = scored.ids(*scored.contenders)
    pairs = ", ".join(f"('{specific}', '{common}')" for specific, common in _pairs(effect.part))
    joined = f"FROM own s JOIN own c USING (size) WHERE (s.variant, c.variant) IN ({pairs})"
    name = f"specific minus common {effect.part}"
    if effect.contrast:
        own = f"SELECT variant, size, avg(trained) AS score {scored.rows(every)} GROUP BY ALL"
        sql = f"WITH own AS ({own}) SELECT avg(s.score - c.score) {joined}"
        yield from _contrast(name, effect.contrast, scored, sql)
    if effect.cost is not None:
        laps = f"SELECT variant, size, unnest(step_seconds) AS lap FROM trials WHERE trial_id IN ({_listed(every)})"  # noqa: S608  quoted by _listed
        own = f"SELECT variant, size, median(lap) AS seconds FROM ({laps}) GROUP BY ALL"  # noqa: S608  our own text
        sql = f"WITH own AS ({own}) SELECT avg(s.seconds / c.seconds) - 1 {joined}"
        yield Claim(name=f"{name}: step time", value=effect.cost, trial_ids=every, sql=sql)


def _pairs(part: str) -> Iterator[tuple[str, str]]:
    """Variants that differ in this part alone, the specific one first."""
    (other,) = (name for name in PARTS if name != part)
    for (specific, a), (common, b) in product(VARIANTS.items(), repeat=2):
        kinds = getattr(a, part), getattr(b, part)
        if kinds == ("specific", "common") and getattr(a, other) == getattr(b, other):
            yield specific, common


def _noise(scored: _Scored) -> Iterator[Claim]:
    """Deviation between seeds, pooled over contenders, with its interval."""
    floor, every = scored.evidence.noise, scored.ids(*scored.contenders)
    if floor is None:
        return
    seeds = f"SELECT variant, size, avg(trained) AS score {scored.rows(every)} GROUP BY variant, size, trial_id"
    own = f"SELECT var_pop(score) * count(*) AS squares, count(*) - 1 AS freedom FROM ({seeds}) GROUP BY variant, size"  # noqa: S608  our own text
    sql = f"SELECT sqrt(sum(squares) / sum(freedom)) FROM ({own})"  # noqa: S608  our own text
    yield Claim(name="noise between seeds", value=floor.deviation, trial_ids=every, sql=sql)
    for end, value in (("low", floor.low), ("high", floor.high)):
        yield Claim(
            name=f"noise between seeds: {end}", value=value, trial_ids=every, function="bench.score.ties.noise_floor"
        )


def _equal_seconds(scored: _Scored) -> Iterator[Claim]:
    """Scores after equal training time: read off between rungs, which is no matter of SQL."""
    found = scored.evidence.at_equal_seconds
    for candidate, score in found.scores.items() if found else ():
        yield Claim(
            name=f"{candidate.title}: at equal training time",
            value=score,
            trial_ids=scored.ids(candidate),
            function="advisor.pace.equal_seconds",
        )


def _posterior(posterior: Posterior, trial_ids: tuple[str, ...]) -> Iterator[Claim]:
    """What guideline and trials say together: a model, which is no matter of SQL."""
    found = {
        f"{belief.candidate.title}, guideline and trials: {name.replace('_', ' ')}": getattr(belief, name)
        for belief in posterior.beliefs
        for name in ("advantage", "low", "high", "probability_best", "measured_share")
    }
    found |= {
        f"specific minus common {part.part}, guideline and trials: {name}": getattr(part, name)
        for part in posterior.parts
        for name in ("mean", "low", "high")
    }
    for name, value in found.items():
        yield Claim(name=name, value=value, trial_ids=trial_ids, function=BELIEF, bootstrap_seed=BOOTSTRAP_SEED)
    if posterior.share_of_full is not None:
        name = "share of the full training that a trial shows"
        yield Claim(name=name, value=posterior.share_of_full, trial_ids=trial_ids, function="advisor.evidence.weigh")


def _matrix(candidate: Candidate, scored: _Scored) -> Iterator[Claim]:
    """The retrieval matrix of a candidate and what stands beside it, a direction at a time."""
    uni_modal = scored.evidence.uni_modal(candidate.title)
    baseline = [
        s.candidate
        for s in scored.evidence.standings
        if VARIANTS[s.candidate.variant].baseline and s.candidate.size == candidate.size
    ]
    for row in scored.evidence.matrices.get(candidate.title, ()):
        own, where = scored.ids(candidate), f"{candidate.title}, {row.direction[0]} to {row.direction[1]}"
        values: Mapping[str, tuple[float | None, str]] = {
            "trained": (row.trained, "avg(trained)"),
            "deviation between seeds": (row.seed_deviation, "stddev_samp(trained)"),
            **{subject.replace("_", " "): (getattr(row, subject), f"avg({subject})") for subject in BASELINES},
        }
        for name, (value, answer) in values.items():
            if value is not None:
                sql = f"SELECT {answer} {scored.rows(own, [row.direction])}"
                yield Claim(name=f"{where}: {name}", value=value, trial_ids=own, sql=sql)
        if row.direction in uni_modal:
            beside = scored.ids(*baseline)
            sql = f"SELECT avg(trained) {scored.rows(beside, [row.direction])}"
            yield Claim(
                name=f"{where}: an autoencoder a sensor", value=uni_modal[row.direction], trial_ids=beside, sql=sql
            )
