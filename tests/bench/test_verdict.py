"""What a run's own results decide, from made-up per-query values."""

from dataclasses import replace

import numpy as np
import pytest

from bench.plan.verdict import hopeless, undecided
from bench.result import CROSS_DIRECTIONS, Candidate, QueryScores, TrialResult
from fakes import UNLABELLED_DATASET, data_use, trial_result

TILES = np.repeat(np.arange(8), 8)
"""Of each query."""


def candidate(variant: str) -> Candidate:
    return Candidate(variant=variant, size="nano")


def trained(variant: str, seed: int, values: np.ndarray) -> TrialResult:
    """A trial without labels whose queries have these values in both directions."""
    result = trial_result(variant=variant, seed=seed, trial_id=f"{variant}-{seed}", data=data_use(UNLABELLED_DATASET))
    scores = tuple(
        QueryScores(query=a, archive=b, metric="partner_recall", k=result.k, values=tuple(values.tolist()))
        for a, b in CROSS_DIRECTIONS
    )
    return replace(result, query_scores=scores)


def results(levels: dict[str, float], *, seeds: int = 3, by_tile: float = 0.0) -> list[TrialResult]:
    """Candidates at these levels; every second tile suits the last one better, the others worse."""
    random = np.random.default_rng(0)
    suits = np.where(TILES % 2, by_tile, -by_tile)
    return [
        trained(variant, seed, level + suits * (variant == list(levels)[-1]) + random.normal(0, 0.02, len(TILES)))
        for variant, level in levels.items()
        for seed in range(seeds)
    ]


FAR = {"cecd": 0.5, "sesd": 0.4}


def test_who_cannot_catch_up_is_hopeless_and_decided() -> None:
    found = hopeless(results(FAR), margin=0.01)
    assert list(found) == [candidate("sesd")]
    assert found[candidate("sesd")].startswith("is 10.")
    assert found[candidate("sesd")].endswith("and cannot catch up")
    assert undecided(results(FAR)) == [candidate("cecd")]


def test_within_the_margin_nobody_is_hopeless_though_decided() -> None:
    assert hopeless(results(FAR), margin=0.12) == {}


def test_equal_candidates_are_all_undecided() -> None:
    level = results({"cecd": 0.5, "secd": 0.5, "sesd": 0.5})
    assert hopeless(level, margin=0.0) == {}
    assert undecided(level) == [candidate(variant) for variant in ("cecd", "secd", "sesd")]


def test_a_candidate_with_one_seed_is_never_hopeless() -> None:
    trials = [*results({"cecd": 0.5}), *results({"sesd": 0.1}, seeds=1)]
    assert hopeless(trials, margin=0.01) == {}
    assert undecided(trials) == [candidate("cecd"), candidate("sesd")]


def test_what_single_queries_decide_may_be_open_between_tiles() -> None:
    trials = results({"cecd": 0.5, "sesd": 0.46}, by_tile=0.1)
    assert list(hopeless(trials, margin=0.0)) == [candidate("sesd")]
    assert undecided(trials) == [candidate("cecd")]
    assert hopeless(trials, margin=0.0, groups=TILES) == {}
    assert undecided(trials, groups=TILES) == [candidate("cecd"), candidate("sesd")]


@pytest.mark.parametrize("rule", [undecided, lambda trials: hopeless(trials, margin=0.01)])
def test_nothing_is_said_of_no_trials(rule: object) -> None:
    assert callable(rule)
    assert not rule([])
