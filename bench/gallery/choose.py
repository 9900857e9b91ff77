"""Which queries are worth looking at: pure functions of a trial's per-query scores."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bench.errors import UsageError
from bench.result import CROSS_DIRECTIONS, DIRECTIONS, Direction, TrialResult
from bench.score import METRICS

Rule = Literal["worst", "best", "divided", "random"]
"""By what queries are chosen."""

RULES: Final[tuple[Rule, ...]] = get_args(Rule)

PREFERRED: Final = ("ndcg", "precision", "map", "partner_mrr")
"""Metrics that order queries, the first that was measured: graded ones come first, they leave the fewest ties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """A query that was chosen."""

    row: int
    """In the query split."""
    value: float | None = None
    """What it was chosen by: a mean over directions, or the gap between them; None: nothing was compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What queries are compared by."""

    metric: str
    """A key of `METRICS`."""
    k: int | None
    judged: tuple[Direction, ...]
    """The directions that are compared."""
    values: Mapping[Direction, NDArray[np.float64]]
    """Of each query, in every direction in which the metric was measured."""

    @property
    def title(self) -> str:
        """The metric as people read it: "precision@10"."""
        return METRICS[self.metric].title + ("" if self.k is None else f"@{self.k}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The queries to look at, and why these."""

    picks: tuple[Pick, ...]
    words: str
    """As "lowest mean precision@10 over S1 to S2, S2 to S1"."""
    judged: str
    """What the values of the picks are, as "mean precision@10"; empty when nothing was compared."""
    basis: Basis | None
    """None: the trial keeps no scores of single queries."""


def choose(
    trial: TrialResult,
    ids: Sequence[str],
    wanted: Rule | Sequence[str],
    *,
    count: int = 4,
    seed: int = 0,
    metric: str | None = None,
    directions: Sequence[Direction] | None = None,
) -> Choice:
    """The queries that a rule puts first, ties by their names, or those of these names.

    A query without a value in one of the directions, as one without labels may be, is not compared.

    Args:
        ids: names of all queries.
        wanted: a rule, or names, each whole or a beginning that only one query has.
        count: how many a rule gives.
        seed: of the rule `random`.
        metric: what queries are compared by, a key of `METRICS`; None: the first of `PREFERRED` that was measured.
        directions: what the rule judges; None: those between sensors, and for `divided` all that were measured.
    Raises: UsageError: the trial has no such values, or there is no such query.
    """
    rule = next((rule for rule in RULES if rule == wanted), None)
    judging = rule not in (None, "random")
    if not (judging or metric or trial.query_scores):
        basis = None
    else:
        preferred = DIRECTIONS if rule == "divided" else CROSS_DIRECTIONS
        basis = _basis(trial, metric, tuple(directions or ()) if judging else (), preferred)
    if rule is None:
        return Choice(picks=_named(wanted, ids), words="chosen by name", judged="", basis=basis)
    if rule == "random" or basis is None:
        rows = np.random.default_rng(seed).permutation(len(ids))[:count].tolist()
        return Choice(
            picks=tuple(Pick(row=row) for row in rows), words=f"drawn by lot, seed {seed}", judged="", basis=basis
        )
    judged, words = _words(rule, basis)
    return Choice(picks=_ruled(rule, basis, ids, count), words=words, judged=judged, basis=basis)


def name_of(name: str, known: Sequence[str], *, kind: str, words: Sequence[str] = ()) -> str:
    """The whole of a name that may be only its beginning.

    Args:
        kind: what it names, as "query".
        words: what else could have been meant.
    Raises: UsageError: no such name, or several.
    """
    if name in known:
        return name
    begin = [one for one in known if one.startswith(name)]
    if len(begin) == 1:
        return begin[0]
    if begin:
        raise UsageError(
            f"the name of more than one {kind} begins with {name!r}, as {begin[0]} and {begin[1]}: write more of it"
        )
    near = difflib.get_close_matches(name, [*words, *known], n=1)
    raise UsageError(f"there is no {kind} {name!r}" + (f": did you mean {near[0]}?" if near else ""))


def _named(names: Sequence[str], ids: Sequence[str]) -> tuple[Pick, ...]:
    rows = (ids.index(name_of(name, ids, kind="query", words=RULES)) for name in names)
    return tuple(Pick(row=row) for row in dict.fromkeys(rows))


def _basis(
    trial: TrialResult, metric: str | None, directions: tuple[Direction, ...], preferred: Sequence[Direction]
) -> Basis:
    measured: dict[str, dict[Direction, tuple[int | None, tuple[float, ...]]]] = {}
    for scores in trial.query_scores:
        if scores.archive != "both" and scores.k in (None, trial.k):
            measured.setdefault(scores.metric, {})[scores.query, scores.archive] = (scores.k, scores.values)
    if not measured:
        raise UsageError(f"trial {trial.trial_id} keeps no scores of single queries: name queries, or take random ones")
    metric = metric or next((name for name in PREFERRED if name in measured), next(iter(measured)))
    if metric not in measured:
        raise UsageError(f"trial {trial.trial_id} has no {metric} of single queries; it has {', '.join(measured)}")
    found = measured[metric]
    missing = [f"{query}-{archive}" for query, archive in directions if (query, archive) not in found]
    if missing:
        raise UsageError(f"trial {trial.trial_id} has no {metric} of single queries for {', '.join(missing)}")
    judged = directions or tuple(one for one in preferred if one in found) or tuple(found)
    return Basis(
        metric=metric,
        k=found[judged[0]][0],
        judged=judged,
        values={one: np.array(values) for one, (_, values) in found.items()},
    )


def _ruled(rule: Rule, basis: Basis, ids: Sequence[str], count: int) -> tuple[Pick, ...]:
    if rule == "divided" and len(basis.judged) < 2:
        raise UsageError("divided queries are those whose directions differ: compare at least two directions")
    values_DN = np.stack([basis.values[direction] for direction in basis.judged])
    value_N = np.ptp(values_DN, axis=0) if rule == "divided" else values_DN.mean(axis=0)
    sign = 1 if _lowest_first(rule, basis) else -1
    known = np.flatnonzero(np.isfinite(value_N)).tolist()
    if not known:
        raise UsageError(f"no query has a {basis.title} in each of the directions that are compared")
    order = sorted(known, key=lambda row: (sign * value_N[row], ids[row]))
    return tuple(Pick(row=row, value=float(value_N[row])) for row in order[:count])


def _lowest_first(rule: Rule, basis: Basis) -> bool:
    return rule == ("worst" if METRICS[basis.metric].higher_is_better else "best")


def _words(rule: Rule, basis: Basis) -> tuple[str, str]:
    """What is judged, and by which of its values queries are chosen."""
    directions = ", ".join(f"{query.upper()} to {archive.upper()}" for query, archive in basis.judged)
    if rule == "divided":
        judged = f"gap in {basis.title}"
        return judged, f"largest {judged} between {directions}"
    judged = f"mean {basis.title}" if len(basis.judged) > 1 else basis.title
    end = "lowest" if _lowest_first(rule, basis) else "highest"
    return judged, f"{end} {judged} over {directions}"
