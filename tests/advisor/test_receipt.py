"""The receipt of an advice: what it holds, and that its SQL is true."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from statistics import fmean, stdev

import duckdb
import pytest

import fakes
from advice_fakes import REAL, SYNTHETIC, UNLABELLED, measured
from advisor.cli.advice import advise
from advisor.fingerprints import content_hash
from advisor.receipt import build
from advisor.receipt_form import Receipt
from advisor.receipt_text import markdown
from bench.profile.dataset import DatasetProfile
from bench.result import Outcome, Rung, TrialResult
from bench.store.results import Results
from receipt_fakes import APART, CLOSE, COMMAND, keep, kept, run_of, silent, written


@pytest.fixture(scope="module")
def tie(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Receipt:
    """Its SQL was put to a store."""
    store = Results(Path(shutil.copy(empty_store, tmp_path_factory.mktemp("tied"))))
    keep(store, measured(CLOSE))
    return kept(store)


def value(receipt: Receipt, name: str) -> float:
    return next(number.value for number in receipt.numbers if number.name == name)


SLOW = tuple(
    replace(trial, costs=replace(trial.costs, step_seconds=(0.09, 0.1, 0.1)))
    for trial in measured({"sesd": (0.502, 0.5)})
)


@pytest.mark.parametrize(
    ("trials", "dataset", "goal", "verdict"),
    [
        ((*measured(APART), *SLOW), REAL, "all", "tied"),
        (measured(CLOSE, dataset=UNLABELLED), UNLABELLED, "cross", "tied"),
    ],
)
def test_the_sql_of_every_number_gives_it(
    store: Results, trials: tuple[TrialResult, ...], dataset: DatasetProfile, goal: str, verdict: str
) -> None:
    keep(store, trials, dataset=dataset)
    receipt = kept(store, goal=goal)
    assert receipt.advice.verdict == verdict
    assert receipt.unverified == ()
    by_sql = [number for number in receipt.numbers if number.sql]
    with duckdb.connect(store.path, read_only=True) as connection:
        answers = {number.name: connection.execute(number.sql).fetchall() for number in by_sql}
    assert answers == {number.name: [(pytest.approx(number.value, abs=1e-9),)] for number in by_sql}


def test_its_numbers_are_those_of_a_slow_reckoning() -> None:
    receipt = written(measured(APART))
    assert (receipt.advice.verdict, receipt.advice.candidate) == ("better", "SECD nano")
    assert value(receipt, "SECD nano: mean") == pytest.approx(fmean(APART["secd"]))
    assert value(receipt, "CECD nano: deviation between seeds") == pytest.approx(stdev(APART["cecd"]))
    assert value(receipt, "CECD nano minus SECD nano") == pytest.approx(-0.2)
    assert value(receipt, "specific minus common encoder") == pytest.approx(0.2)
    assert value(receipt, "noise between seeds") == pytest.approx(stdev(APART["cecd"]))
    assert value(receipt, "SECD nano, s1 to s1: trained") == pytest.approx(fmean(APART["secd"]) + 0.1)
    assert value(receipt, "SECD nano, s1 to s2: untrained") == pytest.approx(0.19)
    assert value(receipt, "SECD nano, s1 to s2: an autoencoder a sensor") == pytest.approx(0.25)
    assert value(receipt, "SECD nano, s2 to s1: chance") == pytest.approx(0.15)
    assert receipt.tolerance == pytest.approx(3 * stdev(APART["cecd"]))


def test_a_slow_step_is_a_number_too() -> None:
    receipt = written((*measured({"secd": (0.5, 0.505)}), *SLOW))
    assert value(receipt, "specific minus common decoder: step time") == pytest.approx(0.1 / 0.05 - 1)


def test_each_number_has_a_name_of_its_own_and_a_source(tie: Receipt) -> None:
    assert tie.advice.verdict == "tied"
    names = [number.name for number in tie.numbers]
    assert len(set(names)) == len(names) > 40
    for number in tie.numbers:
        assert bool(number.sql) != bool(number.function), number.name
        assert number.verified == bool(number.sql), number.name
        assert number.trial_ids, number.name
        assert set(number.seeds) <= {0, 1}, number.name
    low = next(number for number in tie.numbers if number.name == "specific minus common encoder: low")
    assert (low.function, low.bootstrap_seed) == ("bench.score.interval.Noise.contrast", 0)


def resolved(path: str) -> object:
    module, _, rest = path.rpartition(".")
    try:
        return getattr(import_module(module), rest)
    except ModuleNotFoundError:
        return getattr(resolved(module), rest)


def test_functions_that_give_a_number_are_there(tie: Receipt) -> None:
    functions = {number.function for number in tie.numbers if number.function}
    assert {"advisor.belief.believe", "bench.score.ties.noise_floor"} < functions
    assert all(callable(resolved(function)) for function in functions)


def test_scores_at_equal_time_name_their_function() -> None:
    trials = [
        replace(
            trial,
            rungs=(Rung(step=50, seconds=2.5), Rung(step=100, seconds=5.0)),
            scores=(*trial.scores, *fakes.matrix("trained", 0.2, step=50)),
        )
        for trial in measured(CLOSE)
    ]
    found = [number for number in written(trials).numbers if "equal" in number.name]
    assert [number.name for number in found] == [
        f"{title}: at equal training time" for title in ("CECD nano", "SECD nano")
    ]
    assert [number.value for number in found] == pytest.approx([0.3625, 0.36])
    assert {number.function for number in found} == {"advisor.pace.equal_seconds"}


def test_data_without_labels_are_measured_by_their_partners() -> None:
    receipt = written(measured(CLOSE, dataset=UNLABELLED), dataset=UNLABELLED, goal="uni")
    assert (receipt.goal, receipt.metric, receipt.k) == ("uni", "partner_recall", 10)
    assert value(receipt, "CECD nano: mean") == pytest.approx(fmean(CLOSE["cecd"]))


def test_without_trials_it_is_a_receipt_of_the_guideline() -> None:
    run = run_of(measured(CLOSE))
    counsel = advise((), hardware=run.hardware, dataset=REAL, goal="cross")
    receipt = build(run, (), counsel.recommendation, counsel.advice, goal="cross", ask=silent, made_by="0.0")
    assert (receipt.advice.verdict, receipt.metric, receipt.tolerance) == ("prior", "", None)
    assert (receipt.trials, receipt.places, receipt.unverified) == ((), (), ())
    assert receipt.data == fakes.data_use(REAL)
    assert "nothing measured" in markdown(receipt)


def test_trials_that_ended_without_a_score_are_hashed_as_well() -> None:
    receipt = written(fakes.trials({"cecd": (0.36,), "secd": (0.36,)}, outcome=Outcome.OUT_OF_MEMORY, dataset=REAL))
    assert receipt.advice.verdict == "prior"
    assert [(t.outcome, t.score, len(t.sha256)) for t in receipt.trials] == 2 * [("out_of_memory", None, 64)]


def test_trials_that_are_not_compared_and_other_environments_are_told_apart() -> None:
    first, *others = measured(CLOSE)
    shorter = replace(fakes.trial_result(seed=7, dataset=REAL, steps=50), trial_id="shorter")
    receipt = written((replace(first, threads=7), *others, shorter))
    assert [entry.trial_id for entry in receipt.trials if not entry.counted] == ["shorter"]
    assert not any("shorter" in number.trial_ids for number in receipt.numbers)
    assert [(place.environment.threads, len(place.trial_ids)) for place in receipt.places] == [(7, 1), (2, 4)]
    assert receipt.planned_seeds == {"CECD nano": (0, 1, 7), "SECD nano": (0, 1)}
    assert receipt.command == COMMAND


def test_equal_trials_in_any_order_give_the_same_receipt() -> None:
    trials = measured(CLOSE)
    there, back = written(trials), written(trials[::-1])
    assert replace(back, planned_seeds=there.planned_seeds) == there


def test_a_number_that_its_sql_does_not_give_is_called_so(tie: Receipt) -> None:
    def ask(statements: Sequence[str]) -> list[float | None]:
        return [0.5, None, *(1e9 for _ in statements[2:])]

    receipt = written(measured(CLOSE), ask=ask)
    wrong = receipt.unverified
    assert len(wrong) == sum(1 for number in tie.numbers if number.sql)
    text = markdown(receipt)
    assert f"**The store contradicts {len(wrong)} of them: they are marked.**" in text
    assert f"**Not verified: the SQL gives 0.5, the advice says {wrong[0].value!r}.**" in text
    assert "**Not verified: the SQL gives no number" in text


def test_the_markdown_has_all_that_a_reader_needs() -> None:
    receipt = written(measured(CLOSE, dataset=SYNTHETIC), dataset=SYNTHETIC)
    text = markdown(receipt)
    assert text.startswith(f"# Receipt of run run\n\n**{receipt.advice.headline}**\n")
    assert "**The images are synthetic: no score here says anything about retrieval on real ones.**" in text
    needed = [entry.sha256 for entry in receipt.trials]
    needed += [number.sql for number in receipt.numbers if number.sql]
    needed += [f"- {number.name}: **" for number in receipt.numbers]
    needed += [receipt.data.fingerprint, fakes.HARDWARE.id, "torch 2.14.1", "0123abc", "csmae-bench verify"]
    assert [one for one in needed if one not in text] == []


def test_real_images_are_not_called_synthetic(tie: Receipt) -> None:
    text = markdown(tie)
    assert "synthetic images" not in text
    assert "images are synthetic" not in text
    assert "Not verified" not in text


def test_the_store_gives_back_what_was_hashed(tie: Receipt) -> None:
    assert {e.trial_id: e.sha256 for e in tie.trials} == {t.trial_id: content_hash(t) for t in measured(CLOSE)}
