"""csmae-bench curves: what is printed and returned for trials in a store."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bench.errors import ExitCode
from bench.profile.dataset import DatasetProfile
from bench.result import Candidate, Rung, TrialResult
from bench.store.results import Results
from fakes import DATASET, HARDWARE, REAL_DATASET, UNLABELLED_DATASET, matrix, run_plan, trial_result

Ask = Callable[..., Any]


def scored(variant: str, seed: int, scores: dict[int, float], dataset: DatasetProfile) -> TrialResult:
    made = trial_result(variant=variant, seed=seed, steps=max(scores), dataset=dataset)
    labelled = bool(dataset.classes)
    return replace(
        made,
        scores=tuple(s for step, at in scores.items() for s in matrix("trained", at, step=step, labelled=labelled)),
        rungs=tuple(Rung(step=step, seconds=step / 10) for step in scores),
    )


def fill(store: Results, *trials: TrialResult, dataset: DatasetProfile = DATASET) -> None:
    run_id = trials[0].run_id
    store.add_run(
        run_id,
        started_at=trials[0].provenance.started_at,
        command="made up",
        hardware=HARDWARE,
        dataset=dataset,
        plan=run_plan(run_id=run_id),
    )
    for trial in trials:
        store.add_trial(trial)


def usual(dataset: DatasetProfile = DATASET) -> tuple[TrialResult, ...]:
    return (
        scored("cecd", 0, {500: 0.2, 2000: 0.30}, dataset),
        scored("cecd", 1, {2000: 0.32}, dataset),
        scored("sesd", 0, {2000: 0.25}, dataset),
    )


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_a_row_a_rung_in_each_direction_with_its_seeds(ask: Ask, store: Results) -> None:
    fill(store, *usual())
    answer = ask("curves", "--db", str(store.path))
    assert answer.code == ExitCode.DONE
    assert "Learning curves on synthetic data: cross-sensor F1@10 in %" in answer.out
    assert "64 training pairs, batches of 16" in answer.out
    assert ["CECD", "nano", "500", "20.0", "20.0", "20.0", "1"] in rows(answer.out)
    assert ["2,000", *["31.0", "±", "1.4"] * 3, "2"] in rows(answer.out)
    assert ["SESD", "nano", "2,000", "25.0", "25.0", "25.0", "1"] in rows(answer.out)
    assert "From 3 trials in" in answer.out


@pytest.mark.parametrize("goal", ["cross", "uni", "all"])
def test_it_fits_eighty_columns(ask: Ask, store: Results, goal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    many = (scored("mae", seed, {500: 0.2 + seed / 100, 2000: 0.30}, DATASET) for seed in range(10))
    fill(store, *(replace(t, candidate=Candidate(variant="mae", size="small")) for t in many))
    answer = ask("curves", "--db", str(store.path), "--goal", goal, "--against", "seconds")
    table = [line for line in answer.out.splitlines() if "±" in line and "sd" not in line]
    assert len(table) == 2
    assert table[0].startswith("2 x MAE small ")
    assert all(line.split()[-1] == "10" for line in table)
    assert all("…" not in line for line in answer.out.splitlines())


@pytest.mark.parametrize(
    ("against", "head", "first"),
    [("steps", "Steps", ["500"]), ("pairs", "Pairs seen", ["8,000"]), ("seconds", "Time", ["50", "s"])],
)
def test_the_length_is_told_as_asked(ask: Ask, store: Results, against: str, head: str, first: list[str]) -> None:
    fill(store, *usual())
    answer = ask("curves", "--db", str(store.path), "--against", against)
    assert head in answer.out
    assert ["CECD", "nano", *first, "20.0", "20.0", "20.0", "1"] in rows(answer.out)


def test_subsets_have_tables_of_their_own(ask: Ask, store: Results) -> None:
    half = usual()[0]
    fill(store, *usual(), replace(half, trial_id="half", data=replace(half.data, train_pairs=32)))
    out = ask("curves", "--db", str(store.path)).out
    assert out.index("64 training pairs") < out.index("32 training pairs")


def test_real_data_is_not_called_synthetic(ask: Ask, store: Results) -> None:
    fill(store, *usual(REAL_DATASET), dataset=REAL_DATASET)
    assert "synthetic" not in ask("curves", "--db", str(store.path)).out


def test_without_labels_partners_are_scored(ask: Ask, store: Results) -> None:
    fill(store, *usual(UNLABELLED_DATASET), dataset=UNLABELLED_DATASET)
    assert "cross-sensor partner recall@10 in %" in ask("curves", "--db", str(store.path)).out
    assert ask("curves", "--db", str(store.path), "--goal", "uni").code == ExitCode.USAGE


def test_what_is_no_share_is_not_shown_in_percent(ask: Ask, store: Results) -> None:
    fill(store, *usual())
    answer = ask("curves", "--db", str(store.path), "--metric", "partner_mrr")
    assert "cross-sensor partner MRR\n" in answer.out
    assert ["CECD", "nano", "500", "0.067", "0.067", "0.067", "1"] in rows(answer.out)


def test_in_json_nothing_is_rounded(ask: Ask, store: Results) -> None:
    fill(store, *usual())
    document = json.loads(ask("curves", "--json", "--db", str(store.path)).out)
    data = document["data"]
    assert (document["command"], document["status"]) == ("curves", "done")
    assert (data["run_id"], data["metric"], data["goal"]) == ("run", "f1_of_means", "cross")
    assert data["synthetic"] is True
    cecd = data["curves"][0]
    assert cecd["k"] == 10
    assert cecd["candidate"] == {"variant": "cecd", "size": "nano"}
    assert [point["steps"] for point in cecd["points"]] == [500, 2000]
    assert cecd["points"][1]["mean"]["mean"] == pytest.approx(0.31)
    assert cecd["directions"] == [["s1", "s2"], ["s2", "s1"]]


def test_the_newest_run_is_shown_unless_another_is_named(ask: Ask, store: Results) -> None:
    old = tuple(replace(trial, run_id="old", trial_id=f"old-{trial.trial_id}") for trial in usual())
    before = replace(old[0].provenance, started_at="2025-01-01T00:00:00+00:00")
    fill(store, replace(old[0], provenance=before))
    fill(store, *usual())
    assert "(run run)" in ask("curves", "--db", str(store.path)).out
    assert "(run old)" in ask("curves", "--db", str(store.path), "--run", "old").out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "holds no run yet"),
        (("--metric", "f2"), "there is no metric 'f2'"),
        (("--metric", "class_map"), "there is no metric 'class_map'"),
        (("--against", "epochs"), "there is no column 'epochs'"),
    ],
)
def test_what_cannot_be_shown_is_a_line_and_code_2(ask: Ask, store: Results, words: tuple[str, ...], told: str) -> None:
    answer = ask("curves", "--db", str(store.path), *words)
    assert answer.code == ExitCode.USAGE
    assert told in answer.err
