"""Who cannot be told from the highest mean, and how much the same candidate differs from itself."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Generic, TypeVar

from scipy.special import chdtri  # a chi-square quantile

from bench.score.family import AllPairs
from bench.score.interval import Contrast, measure_noise
from bench.score.resample import RESAMPLES, Groups, Sample, Statistic

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseFloor:
    """Standard deviation between trainings of one candidate that differ in the seed alone, pooled over candidates."""

    deviation: float
    low: float
    high: float
    """Ends of the two-sided chi-square interval."""
    level: float
    freedom: int
    """Seeds beyond the first of each candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TiedGroup(Generic[Name]):
    """The highest mean and whoever the trials cannot tell from it."""

    leader: Name
    members: tuple[Name, ...]
    """Those not decided worse than the leader, and the leader: the cheapest first, else the highest mean first."""
    gaps: dict[Name, Contrast | None]
    """Each candidate's score minus the leader's; None for the leader, and for all where noise cannot be known."""
    noise_floor: NoiseFloor | None
    """None where no candidate has two seeds."""


def tied_group(
    samples: Mapping[Name, Sample],
    statistic: Statistic,
    *,
    groups: Groups | None = None,
    costs: Mapping[Name, float] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> TiedGroup[Name]:
    """Compare everybody with the highest mean, in the knowledge that it was chosen for being the highest.

    If all candidates are equal, anybody is put out of the group in at most 1 - level of cases.

    Args:
        samples: at least one candidate; of equal means the first one leads.
        statistic: makes a score of the means over queries.
        groups: tile of each query.
        costs: of each candidate, in any unit that was settled on before the trials ran.
        resamples, seed: of the bootstrap.
    """
    names, values = list(samples), list(samples.values())
    means = {name: float(statistic(sample.mean(axis=1)).mean()) for name, sample in samples.items()}
    leader = max(names, key=means.__getitem__)
    noise = measure_noise(values, statistic, groups=groups, resamples=resamples, seed=seed)
    family = AllPairs(level=level, candidates=len(names))
    gaps = {
        name: noise.contrast([(other == name) - float(other == leader) for other in names], family)
        if noise and name != leader
        else None
        for name in names
    }
    members = [name for name, gap in gaps.items() if gap is None or not gap.decided]
    return TiedGroup(
        leader=leader,
        members=tuple(sorted(members, key=lambda name: costs[name] if costs else -means[name])),
        gaps=gaps,
        noise_floor=noise_floor(samples, statistic, level=level),
    )


def noise_floor(samples: Mapping[Name, Sample], statistic: Statistic, *, level: float = 0.95) -> NoiseFloor | None:
    """How much a candidate's score moves from seed to seed on these queries; None where none has two seeds."""
    scores = [statistic(sample.mean(axis=1)) for sample in samples.values()]
    freedom = sum(len(score) - 1 for score in scores)
    if freedom < 1:
        return None
    squares = sum(float(((score - score.mean()) ** 2).sum()) for score in scores)
    low, high = (sqrt(squares / float(chdtri(freedom, tail))) for tail in ((1 - level) / 2, (1 + level) / 2))
    return NoiseFloor(deviation=sqrt(squares / freedom), low=low, high=high, level=level, freedom=freedom)
