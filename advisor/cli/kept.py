"""Which trial is meant, among those whose descriptors are still on the disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.errors import UsageError
from bench.gallery.choose import name_of
from bench.plan.plan import CONTENDERS
from bench.result import Candidate
from bench.store.results import Results

_NEWEST_FIRST: Final = """
SELECT trial_id, run_id, variant, size, outcome = 'completed' AS whole
FROM trials ORDER BY started_at DESC, trial_id DESC
"""
_MOST_TRIALS: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A trial, by what it takes to find the rest."""

    trial_id: str
    run_id: str
    candidate: Candidate
    whole: bool
    """Whether it was completed."""


def kept_trial(store: Results, name: str | None, *, root: Path) -> Kept:
    """The trial of this name; without one, the newest completed trial that left descriptors, baselines last.

    Args:
        name: or the beginning of one.
        root: of `bench.data.descriptors`.
    Raises: UsageError: there is none, or several begin so.
    """
    rows = store.query(_NEWEST_FIRST, max_rows=_MOST_TRIALS).rows
    trials = {
        trial_id: Kept(
            trial_id=trial_id, run_id=run_id, candidate=Candidate(variant=variant, size=size), whole=bool(whole)
        )
        for trial_id, run_id, variant, size, whole in rows
    }
    if not trials:
        raise UsageError(f"{store.path} holds no trial yet: csmae-bench run makes some")
    if name is not None:
        return trials[name_of(name, list(trials), kind="trial")]
    left = [trial for trial in trials.values() if trial.whole and (root / trial.trial_id).is_dir()]
    if not left:
        raise UsageError(
            f"no completed trial in {store.path} has its descriptors in {root}: they were removed to make room, or the "
            "trials ran on another machine; csmae-bench run makes new ones"
        )
    return next((trial for trial in left if trial.candidate.variant in CONTENDERS), left[0])
