"""What holds of a receipt: changed receipts do not, and scores from elsewhere are judged by the noise."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

import fakes
from advice_fakes import REAL, measured
from advisor.evidence import weigh
from advisor.receipt_form import Receipt, read
from advisor.verification import compare, judge
from bench.result import Outcome, TrialResult
from bench.score.goal import GOALS
from receipt_fakes import CLOSE, written

TRIALS = measured(CLOSE)
LAST = TRIALS[-1]


def honest(receipt: Receipt) -> Receipt:
    """As a store that agrees leaves it."""
    numbers = tuple(replace(n, answer=n.value, verified=True) if n.sql else n for n in receipt.numbers)
    return replace(receipt, numbers=numbers)


RECEIPT = honest(written(TRIALS))


def ask(statements: Sequence[str]) -> list[float | None]:
    """A store that answers two statements which are not ours."""
    return [{"SELECT 0.36": 0.36, "SELECT 0.5": 0.5}.get(statement) for statement in statements]


def failed(receipt: Receipt, again: Receipt = RECEIPT) -> dict[str, str]:
    return {check.name: check.words for check in compare(receipt, again, ask) if not check.held}


def changed(change: Callable[[Any], None]) -> Receipt:
    """The receipt, changed in its file."""
    document = msgspec.json.decode(msgspec.json.encode(RECEIPT))
    change(document)
    return read(msgspec.json.encode(document), name="receipt.json")


def one(document: Any, name: str) -> Any:  # noqa: ANN401  parsed JSON
    return next(number for number in document["numbers"] if number["name"] == name)


MEAN = "SECD nano: mean"
LOW = "specific minus common encoder: low"


def test_what_was_not_changed_holds() -> None:
    assert failed(RECEIPT) == {}
    assert {check.kind for check in compare(RECEIPT, RECEIPT, ask)} == {"trial", "SQL answer", "number", "statement"}


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (lambda d: d["advice"].update(headline="Take SESD"), {"headline"}),
        (lambda d: d["advice"].update(verdict="better", candidate="SECD nano"), {"verdict", "candidate"}),
        (lambda d: d["advice"]["cautions"].clear(), {"cautions"}),
        (lambda d: d["advice"]["reasons"].pop(), {"reasons"}),
        (lambda d: d["data"].update(train_pairs=9), {"data"}),
        (lambda d: d["places"].clear(), {"places"}),
        (lambda d: d.update(tolerance=1.0), {"tolerance"}),
        (lambda d: d.update(tolerance=None), {"tolerance"}),
        (lambda d: one(d, MEAN).update(value=0.5), {MEAN}),
        (lambda d: one(d, MEAN).update(value=0.5, sql="SELECT 0.5"), {MEAN}),
        (lambda d: one(d, MEAN).update(sql="SELECT 0.36"), {MEAN}),
        (lambda d: one(d, MEAN).update(sql="DROP TABLE trials"), {MEAN}),
        (lambda d: one(d, LOW).update(value=0.001), {LOW}),
        (lambda d: d["numbers"].remove(one(d, LOW)), {LOW}),
        (lambda d: d["trials"][0].update(score=0.9), {"run-cecd-nano-0"}),
        (lambda d: d["trials"][0].update(sha256="00"), {"run-cecd-nano-0"}),
    ],
)
def test_a_changed_receipt_is_noticed(change: Callable[[Any], None], noticed: set[str]) -> None:
    assert set(failed(changed(change))) == noticed


def test_each_failure_is_told_with_both_numbers() -> None:
    found = failed(changed(lambda d: one(d, LOW).update(value=0.001)))
    low = next(number.value for number in RECEIPT.numbers if number.name == LOW)
    assert found[LOW] == f"is {low!r} from the same trials, the receipt says 0.001"
    numbers = tuple(replace(n, answer=0.1) if n.name == MEAN else n for n in RECEIPT.numbers)
    assert failed(RECEIPT, replace(RECEIPT, numbers=numbers))[MEAN] == "the SQL gives 0.1, the receipt says 0.36"


def test_a_receipt_of_another_version_may_use_other_sql() -> None:
    def change(document: Any) -> None:  # noqa: ANN401  parsed JSON
        one(document, MEAN).update(sql="SELECT 0.36")

    assert failed(changed(change)) == {MEAN: "the receipt's SQL is not the one that belongs to this number"}
    assert failed(replace(changed(change), made_by="0.0.9")) == {}


def test_a_trial_that_is_gone_is_told() -> None:
    gone = replace(RECEIPT, trials=RECEIPT.trials[1:])
    assert failed(RECEIPT, gone) == {"run-cecd-nano-0": "is not in the store"}


def shifted(by: float, **changes: Any) -> TrialResult:  # noqa: ANN401  any field of the provenance
    scores = tuple(replace(score, value=score.value + by) for score in LAST.scores)
    return replace(LAST, trial_id="again-01", scores=scores, provenance=replace(LAST.provenance, **changes))


ELSEWHERE = {"machine": "another", "versions": {"python": "3.12"}}
DIFFERENT = "with other machine, versions"


@pytest.mark.parametrize(
    ("result", "held", "words"),
    [
        (shifted(0), True, "bit for bit"),
        (shifted(0, started_at="2027-01-01T00:00:00+00:00", command="other"), True, "bit for bit"),
        (shifted(0.0625), False, "not bit for bit: 0.4275 instead of 0.365"),
        (shifted(0.015, **ELSEWHERE), True, f"0.380000 instead of 0.365000, {DIFFERENT}: within 0.016771"),
        (shifted(-0.02, **ELSEWHERE), False, f"0.345000 instead of 0.365000, {DIFFERENT}: outside 0.016771"),
        (shifted(0, commit="4567def"), True, "bit for bit, in spite of other commit"),
        (shifted(0, protocol=99), False, "was scored by other rules than this version's: nothing to compare"),
        (
            fakes.trial_result(variant="secd", seed=1, outcome=Outcome.OUT_OF_MEMORY, cause="killed", dataset=REAL),
            False,
            "ended without a score: out of memory, killed",
        ),
        (None, False, "was not trained: the time was too short, or it does not fit this machine"),
    ],
)
def test_scores_are_judged_by_where_they_come_from(result: TrialResult | None, held: bool, words: str) -> None:
    evidence = weigh(TRIALS, GOALS["cross"])
    assert evidence
    check = judge(RECEIPT.trials[-1], result, RECEIPT, evidence)
    assert (check.held, check.words) == (held, words)
    assert check.name == "run-secd-nano-1 (SECD nano, seed 1)"


def test_without_noise_scores_from_elsewhere_cannot_be_judged() -> None:
    evidence = weigh(TRIALS, GOALS["cross"])
    assert evidence
    check = judge(RECEIPT.trials[-1], shifted(0.001, **ELSEWHERE), replace(RECEIPT, tolerance=None), evidence)
    assert not check.held
    assert check.words.endswith("not to be judged, the receipt knows no noise between seeds")
