"""Runs to make receipts of, stored or not. Every number is made up."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import fakes
from advice_fakes import REAL
from advisor.cli.advice import advise
from advisor.cli.receipts import receipt_of
from advisor.receipt import Ask, build
from advisor.receipt_form import Receipt
from bench.plan.plan import Request
from bench.profile.dataset import DatasetProfile
from bench.result import TrialResult
from bench.store.results import Results
from bench.store.runs import Run

CLOSE: Final = {"cecd": (0.360, 0.365), "secd": (0.355, 0.365)}
"""Nothing differs."""

APART: Final = {"cecd": (0.300, 0.305), "secd": (0.500, 0.505), "mae": (0.250,)}
"""The specific encoder is twenty points better; a baseline beside them."""

COMMAND: Final = "csmae-bench run --data my-pairs"


def keep(store: Results, trials: Sequence[TrialResult], *, dataset: DatasetProfile = REAL) -> None:
    """Store a run of these trials."""
    run = run_of(trials, dataset=dataset)
    store.add_run(
        run.run_id,
        started_at=run.started_at,
        command=run.command,
        hardware=run.hardware,
        dataset=run.dataset,
        plan=run.plan,
    )
    for trial in trials:
        store.add_trial(trial)


def kept(store: Results, *, goal: str = "cross") -> Receipt:
    """The receipt of the run in the store."""
    return receipt_of(store, store.run("run"), goal=goal).receipt


def run_of(trials: Sequence[TrialResult], *, dataset: DatasetProfile = REAL) -> Run:
    return Run(
        run_id="run",
        started_at=fakes.PROVENANCE.started_at,
        finished_at=None,
        stopped="",
        command=COMMAND,
        hardware=fakes.HARDWARE,
        dataset=dataset,
        plan=fakes.run_plan(*(replace(trial, rungs=()) for trial in trials), request=Request(data="my-pairs")),
    )


def silent(statements: Sequence[str]) -> list[float | None]:
    """A store that answers nothing."""
    return [None for _ in statements]


def written(
    trials: Sequence[TrialResult], *, dataset: DatasetProfile = REAL, goal: str = "cross", ask: Ask = silent
) -> Receipt:
    """The receipt of trials that are in no store."""
    run = run_of(trials, dataset=dataset)
    counsel = advise(trials, hardware=run.hardware, dataset=dataset, goal=goal)
    return build(run, trials, counsel.recommendation, counsel.advice, goal=goal, ask=ask, made_by="0.0")
