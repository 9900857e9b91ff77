"""A receipt held against the store and against trials that were trained again: what holds, and what does not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from advisor.evidence import Evidence
from advisor.fingerprints import scores_hash
from advisor.receipt import Ask, agrees, environment_of, goal_score
from advisor.receipt_form import Entry, Environment, Number, Receipt
from bench.result import Outcome, TrialResult

Kind = Literal["trial", "SQL answer", "number", "statement", "training"]
"""A trial's content; what a statement gives; a number of the advice; anything else that the receipt says; a re-run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    kind: Kind
    name: str
    held: bool
    words: str
    """What was found where it does not hold; of a training always."""


def compare(receipt: Receipt, again: Receipt, ask: Ask) -> tuple[Check, ...]:
    """Everything that a receipt says, against the receipt that the store gives now for the same trials."""
    return (*_trials(receipt, again), *_answers(receipt, again, ask), *_numbers(receipt, again), *_said(receipt, again))


def _trials(receipt: Receipt, again: Receipt) -> Iterator[Check]:
    found = {entry.trial_id: entry for entry in again.trials}
    for entry in receipt.trials:
        now = found.get(entry.trial_id)
        words = ""
        if now is None:
            words = "is not in the store"
        elif now.sha256 != entry.sha256:
            words = f"has changed in the store: SHA-256 {now.sha256[:12]}, the receipt's is {entry.sha256[:12]}"
        elif now != entry:
            words = "is described otherwise in the receipt than in the store"
        yield Check(kind="trial", name=entry.trial_id, held=not words, words=words)


def _answers(receipt: Receipt, again: Receipt, ask: Ask) -> Iterator[Check]:
    answers = {number.sql: number.answer for number in again.numbers if number.sql}
    ours = set(answers) if receipt.made_by == again.made_by else None
    others = [number.sql for number in receipt.numbers if number.sql and number.sql not in answers]
    answers |= dict(zip(others, ask(others), strict=True))
    for number in receipt.numbers:
        if not number.sql:
            continue
        words = ""
        if not agrees(number.value, answers[number.sql]):
            words = f"the SQL gives {_shown(answers[number.sql])}, the receipt says {number.value!r}"
        elif ours is not None and number.sql not in ours:
            words = "the receipt's SQL is not the one that belongs to this number"
        yield Check(kind="SQL answer", name=number.name, held=not words, words=words)


def _numbers(receipt: Receipt, again: Receipt) -> Iterator[Check]:
    """The advice worked out again."""
    found = {number.name: number for number in again.numbers}
    for number in receipt.numbers:
        now = found.pop(number.name, None)
        words = "" if now and agrees(number.value, now.value) else _otherwise(number, now)
        yield Check(kind="number", name=number.name, held=not words, words=words)
    for name in found:
        yield Check(kind="number", name=name, held=False, words="is not in the receipt")


def _otherwise(number: Number, now: Number | None) -> str:
    return f"is {_shown(now.value if now else None)} from the same trials, the receipt says {number.value!r}"


def _shown(value: float | None) -> str:
    return "no number" if value is None else repr(value)


def _said(receipt: Receipt, again: Receipt) -> Iterator[Check]:
    """Advice, data and circumstances."""
    pairs: dict[str, tuple[object, object]] = {
        name: (getattr(receipt.advice, name), getattr(again.advice, name))
        for name in ("verdict", "candidate", "tied", "headline", "reasons", "cautions")
    }
    for name in ("run_id", "metric", "k", "command", "data", "planned_seeds", "places", "indexes_until"):
        pairs[name] = getattr(receipt, name), getattr(again, name)
    for name, (before, now) in pairs.items():
        words = "" if before == now else f"is {_brief(now)}, the receipt says {_brief(before)}"
        yield Check(kind="statement", name=name.replace("_", " "), held=not words, words=words)
    before, now = receipt.tolerance, again.tolerance
    held = before == now or (before is not None and agrees(before, now))
    words = "" if held else f"is {_shown(now)}, the receipt says {_shown(before)}"
    yield Check(kind="statement", name="tolerance", held=held, words=words)


def _brief(value: object) -> str:
    """What fits a line."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return repr(text) if len(text) < 100 else "another"


def judge(entry: Entry, result: TrialResult | None, receipt: Receipt, evidence: Evidence) -> Check:
    """Whether a trial that was trained again scores as the receipt says.

    Args:
        result: None where it was not trained.
        evidence: of the receipt's trials, for its goal and metric.
    """
    held, words = _judged(entry, result, receipt, evidence)
    name = f"{entry.trial_id} ({entry.candidate}, seed {entry.seed})"
    return Check(kind="training", name=name, held=held, words=words)


def _judged(entry: Entry, result: TrialResult | None, receipt: Receipt, evidence: Evidence) -> tuple[bool, str]:
    if result is None:
        return False, "was not trained: the time was too short, or it does not fit this machine"
    score = goal_score(result, evidence)
    if result.outcome is not Outcome.COMPLETED or score is None or entry.score is None:
        return False, f"ended without a score: {result.outcome.replace('_', ' ')}, {result.cause}"
    there = next((place.environment for place in receipt.places if entry.trial_id in place.trial_ids), None)
    others = _differences(there, environment_of(result))
    if "protocol" in others:
        return False, "was scored by other rules than this version's: nothing to compare"
    if scores_hash(result) == entry.scores_sha256:
        return True, "bit for bit" + (f", in spite of other {', '.join(others)}" if others else "")
    if not others:
        return False, f"not bit for bit: {score!r} instead of {entry.score!r}"
    return _elsewhere(score, entry.score, others, receipt.tolerance)


def _elsewhere(score: float, before: float, others: list[str], tolerance: float | None) -> tuple[bool, str]:
    """Whether a score from another environment is within the noise."""
    words = f"{score:.6f} instead of {before:.6f}, with other {', '.join(others)}"
    if tolerance is None:
        return False, f"{words}: not to be judged, the receipt knows no noise between seeds"
    held = abs(score - before) <= tolerance
    return held, f"{words}: {'within' if held else 'outside'} {tolerance:.6f}"


def _differences(there: Environment | None, here: Environment) -> list[str]:
    if there is None:
        return ["environment"]
    names = ("machine", "device", "precision", "threads", "versions", "tool_version", "commit", "protocol")
    return [name.replace("_", " ") for name in names if getattr(there, name) != getattr(here, name)]
