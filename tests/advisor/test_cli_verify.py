"""csmae-bench verify: untouched stores hold, changed ones and changed receipts do not, and neither do other scores."""

import json
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

import fakes
from advice_fakes import REAL, measured
from advisor.cli.again import as_request, cheapest, train_again
from advisor.cli.streams import stderr
from bench.errors import DataError, ExitCode, UsageError
from bench.plan.plan import Request
from bench.profile.dataset import DatasetProfile
from bench.result import Rung, TrialResult
from bench.run.events import Event, Planned, Profiled, TrialFinished
from bench.score.goal import GOALS
from bench.store.results import Results
from index_fakes import PLAIN
from receipt_fakes import CLOSE, keep, kept, run_of

Ask = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A store with a run, and the receipt of its advice."""

    store: Path
    receipt: Path
    ask: Ask

    def verify(self, *words: str) -> Any:  # noqa: ANN401  an answer
        return self.ask("verify", str(self.receipt), "--db", str(self.store), *words)

    def failed(self, *words: str) -> dict[str, str]:
        """What does not hold, by name."""
        answer = self.verify(*words, "--json")
        assert answer.code == ExitCode.FAILED, answer.err
        data = json.loads(answer.out)["data"]
        assert data["holds"] is False
        return {check["name"]: check["words"] for check in data["checks"] if not check["held"]}

    def rewrite(self, change: Callable[[Any], None]) -> None:
        """Change the receipt."""
        document = json.loads(self.receipt.read_bytes())
        change(document)
        self.receipt.write_text(json.dumps(document))


RUNGS = (Rung(step=50, seconds=2.5), Rung(step=100, seconds=5.0))


def timed(seconds: float, trial: TrialResult) -> TrialResult:
    return replace(trial, costs=replace(trial.costs, total_seconds=seconds), rungs=RUNGS)


TRIALS = tuple(timed(9 - number, trial) for number, trial in enumerate(measured(CLOSE)))
"""The last one is the cheapest."""

LAST = TRIALS[-1]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    """Only to be copied."""
    folder = tmp_path_factory.mktemp("made")
    store = Results(Path(shutil.copy(empty_store, folder)))
    keep(store, TRIALS)
    (folder / "receipt.json").write_bytes(msgspec.json.encode(kept(store)))
    return folder


@pytest.fixture
def desk(made: Path, tmp_path: Path, ask: Ask) -> Desk:
    shutil.copytree(made, tmp_path / "desk")
    return Desk(store=tmp_path / "desk" / "results.duckdb", receipt=tmp_path / "desk" / "receipt.json", ask=ask)


def test_an_untouched_store_holds_whatever_came_later(desk: Desk) -> None:
    store = Results(desk.store)
    store.add_trial(replace(LAST, trial_id="later", seed=5))
    store.add_index_measurements([replace(PLAIN, trial_id=TRIALS[0].trial_id)])
    answer = desk.ask("verify", str(desk.receipt.parent), "--db", str(desk.store))
    assert (answer.code, answer.err) == (ExitCode.DONE, "")
    assert "trials, as hashed              4 of 4" in answer.out
    assert answer.out.endswith("\nAll holds.\n")


def test_a_changed_score_is_noticed_in_hash_and_sql(desk: Desk) -> None:
    with duckdb.connect(desk.store) as connection:
        connection.execute(
            "UPDATE scores SET value = 0.9 WHERE trial_id = ? AND subject = 'trained' AND metric = 'f1_of_means'",
            [LAST.trial_id],
        )
    answer = desk.verify()
    assert answer.code == ExitCode.FAILED
    assert "trials, as hashed              3 of 4" in answer.out
    text = " ".join(answer.out.split())
    assert f"✗ {LAST.trial_id}: has changed in the store: SHA-256" in text
    assert "✗ SECD nano: mean: the SQL gives 0.6" in text
    assert "✗ CECD nano: mean" not in text
    assert text.endswith("checks do not hold.")


@pytest.mark.parametrize(
    ("statement", "noticed"),
    [
        ("DELETE FROM trials WHERE trial_id = 'run-secd-nano-1'", {"run-secd-nano-1": "is not in the store"}),
        (
            "UPDATE trials SET pairs_per_second = 1, machine = 'mine'",
            {
                "SECD nano: pairs a second": "is 1.0 from the same trials",
                "run-cecd-nano-0": "has changed in the store",
                "places": "is another",
            },
        ),
    ],
)
def test_what_else_was_changed_is_noticed(desk: Desk, statement: str, noticed: dict[str, str]) -> None:
    with duckdb.connect(desk.store) as connection:
        connection.execute(statement)
    failed = desk.failed()
    assert {name: failed[name][: len(words)] for name, words in noticed.items()} == noticed


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d.update(run_id="other"), "does not hold run other of the receipt: --db names the store that does"),
        (lambda d: d.update(schema_version=99), "receipt.json is of a newer form (schema version 99, here 1)"),
        (lambda d: d.update(kind="x"), "receipt.json is no receipt"),
        (lambda d: d.update(goal=None), "receipt.json is a damaged receipt"),
        (lambda d: d.update(goal="best"), "receipt.json is a damaged receipt"),
    ],
)
def test_what_cannot_be_verified_is_a_line_and_code_2(desk: Desk, change: Callable[[Any], None], told: str) -> None:
    desk.rewrite(change)
    answer = desk.verify()
    assert answer.code == ExitCode.USAGE
    (line,) = answer.err.splitlines()
    assert told in line


def test_how_to_train_again_is_asked_for_together_with_it(desk: Desk) -> None:
    answer = desk.verify("--data", "elsewhere")
    assert answer.code == ExitCode.USAGE
    assert "--data and --time-budget are for training again: give --rerun COUNT with them" in answer.err


def test_a_receipt_that_is_not_there_is_told(desk: Desk) -> None:
    desk.receipt.unlink()
    answer = desk.verify()
    assert answer.code == ExitCode.USAGE
    assert "receipt.json cannot be read: No such file or directory" in answer.err


@dataclass(slots=True)
class Session:
    """Trains as the test wants it to."""

    results: tuple[TrialResult, ...] = (replace(LAST, trial_id="again-01", run_id="again"),)
    dataset: DatasetProfile = REAL
    error: Exception | None = None
    requests: list[Request] = field(default_factory=list)
    stores: list[Path] = field(default_factory=list)

    def run(self, request: Request, store: Results) -> Generator[Event]:
        self.requests.append(request)
        self.stores.append(store.path)
        if self.error:
            raise self.error
        yield Profiled(hardware=fakes.HARDWARE, dataset=self.dataset, queries=fakes.REAL_QUERIES)
        yield Planned(plan=fakes.run_plan(*TRIALS[-1:], request=request))
        for result in self.results:
            yield TrialFinished(result=result)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    found = Session()
    monkeypatch.setattr("bench.session.run", found.run)
    return found


def test_a_trial_that_scores_the_same_again_holds_bit_for_bit(desk: Desk, session: Session) -> None:
    answer = desk.verify("--rerun", "1", "--time-budget", "5m")
    assert answer.code == ExitCode.DONE, answer.out
    assert "trials, trained again          1 of 1" in answer.out
    assert "run-secd-nano-1 (SECD nano, seed 1): bit for bit" in answer.out
    (request,), (path,) = session.requests, session.stores
    (wish,) = request.wishes
    assert (wish.candidate, wish.seed, wish.steps, wish.rungs) == (LAST.candidate, 1, 100, (50,))
    assert wish.train_pairs == LAST.data.train_pairs
    assert (request.data, request.device, request.precision, request.k) == ("my-pairs", "cpu", "fp32", 10)
    assert (request.batch_pairs, request.time_budget_seconds) == (16, 300)
    assert (request.from_scratch, request.refine) == (True, False)
    assert path != desk.store
    assert not path.parent.exists()


def test_the_cheapest_are_trained_first_and_other_scores_do_not_hold(desk: Desk, session: Session) -> None:
    session.results = (replace(LAST, scores=tuple(replace(score, value=0.5) for score in LAST.scores)),)
    failed = desk.failed("--rerun", "2", "--data", "elsewhere")
    assert [wish.candidate.title for wish in session.requests[0].wishes] == ["SECD nano", "CECD nano"]
    assert session.requests[0].data == "elsewhere"
    assert failed["run-secd-nano-1 (SECD nano, seed 1)"].startswith("not bit for bit: 0.5")
    assert failed["run-cecd-nano-1 (CECD nano, seed 1)"].startswith("was not trained")
    assert len(failed) == 2


def again(data: str | None = None) -> dict[str, TrialResult]:
    return train_again(
        run_of(TRIALS), TRIALS[-1:], data=data, time_budget=None, goal=GOALS["cross"], console=stderr(quiet=True)
    )


def test_other_data_are_told(session: Session) -> None:
    session.dataset = replace(REAL, fingerprint="12" * 32)
    with pytest.raises(UsageError, match="new-pairs is not what the receipt's trials were trained on: its fingerprint"):
        again("new-pairs")


def test_data_that_are_not_here_are_told(session: Session) -> None:
    session.error = DataError("my-pairs does not exist")
    with pytest.raises(UsageError, match="my-pairs does not exist; --data says where the pairs of BigEarthNet excerpt"):
        again()


@pytest.mark.parametrize(("gpus", "device"), [(0, "auto"), (1, "auto"), (2, "cuda:1")])
def test_the_device_is_the_same_where_it_is_there(gpus: int, device: str) -> None:
    hardware = replace(fakes.HARDWARE, gpus=gpus * (fakes.GPU,))
    trials = [replace(LAST, device="cuda:1")]
    assert as_request(run_of(TRIALS), trials, hardware=hardware, data=None, time_budget=None).device == device


def test_a_trial_that_repeats_another_is_not_trained_again() -> None:
    trials = [replace(LAST, retry_of="run-01"), TRIALS[0]]
    assert cheapest(trials, 2) == (TRIALS[0],)
    with pytest.raises(UsageError, match="rests on no completed trial"):
        cheapest(trials[:1], 1)
