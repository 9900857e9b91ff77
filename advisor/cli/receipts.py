"""A receipt from a store: the advice again, and its SQL really put to the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from advisor import __version__
from advisor.cli.advice import advise
from advisor.evidence import Evidence, comparable
from advisor.receipt import Ask, build
from advisor.receipt_form import Receipt
from bench.errors import UsageError
from bench.plan.index import IndexMeasurement
from bench.result import TrialResult
from bench.store.results import Results
from bench.store.runs import Run

AT_ONCE: Final = 16
"""Statements in one question: opening the store takes as long as answering several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A receipt, and what it was made of."""

    receipt: Receipt
    evidence: Evidence | None
    compared: tuple[TrialResult, ...]
    """The trials that the advice compares."""


def receipt_of(store: Results, run: Run, *, goal: str) -> Made:
    """The receipt of the advice that `recommend` gives for a run."""
    trials = store.trials(run_id=run.run_id)
    known = {trial.trial_id for trial in trials}
    return _made(store, run, trials, [m for m in store.index_measurements() if m.trial_id in known], goal=goal)


def receipt_again(store: Results, run: Run, told: Receipt) -> Made:
    """The receipt that the store gives now for the trials and measurements of another, whatever came later."""
    known = {entry.trial_id for entry in told.trials}
    trials = tuple(trial for trial in store.trials(run_id=run.run_id, protocol=None) if trial.trial_id in known)
    indexes = [
        measurement
        for measurement in store.index_measurements()
        if measurement.trial_id in known and measurement.measured_at <= told.indexes_until
    ]
    return _made(store, run, trials, indexes, goal=told.goal)


def _made(
    store: Results, run: Run, trials: Sequence[TrialResult], indexes: Sequence[IndexMeasurement], *, goal: str
) -> Made:
    queries = store.queries(run.dataset.fingerprint)
    counsel = advise(trials, hardware=run.hardware, dataset=run.dataset, goal=goal, queries=queries, indexes=indexes)
    receipt = build(
        run,
        trials,
        counsel.recommendation,
        counsel.advice,
        goal=goal,
        ask=asker(store),
        made_by=__version__,
        indexes=indexes,
    )
    return Made(receipt=receipt, evidence=counsel.recommendation.evidence, compared=comparable(trials))


def asker(store: Results) -> Ask:
    """Puts statements to the store, which they can only read."""

    def ask(statements: Sequence[str]) -> list[float | None]:
        answers: list[float | None] = []
        for start in range(0, len(statements), AT_ONCE):
            batch = statements[start : start + AT_ONCE]
            row = _row(store, f"SELECT {', '.join(f'({statement})' for statement in batch)}")
            together = row if len(row) == len(batch) else None  # one that fails must not take the others with it
            answers += together or [_only(_row(store, statement)) for statement in batch]
        return answers

    return ask


def _row(store: Results, statement: str) -> list[float | None]:
    """The numbers of the only row of an answer; nothing where there is no such row."""
    try:
        table = store.query(statement, max_rows=1)
    except UsageError:
        return []
    if table.truncated or not table.rows:
        return []
    return [float(value) if isinstance(value, int | float) else None for value in table.rows[0]]


def _only(row: Sequence[float | None]) -> float | None:
    return row[0] if len(row) == 1 else None
