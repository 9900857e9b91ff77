"""What probes and stored trials teach: known truths are found again, and what is of another machine teaches nothing."""

from dataclasses import replace
from math import exp
from typing import Any

import numpy as np
import pytest

import fakes
import plan_fakes
from bench.plan import formula, observe
from bench.plan.calibrate import calibrate
from bench.plan.estimate import memory, predictions, step_seconds, trial_seconds
from bench.plan.plan import Probe
from bench.result import Candidate, Costs, Outcome, Training, TrialResult
from models.config import VARIANTS, ModelConfig, configure

MACHINE = fakes.PROVENANCE.machine
SPEED = 4e10
"""The made-up machine's, in the formula's work a second."""
PROCESS = 450e6
HERE: dict[str, Any] = {"machine": MACHINE, "device": "cpu", "precision": "fp32", "threads": 2}


def network(variant: str = "cecd", size: str = "nano", pixels: int = 64) -> ModelConfig:
    return configure(variant, size, bands={"s1": 2, "s2": 10}, image_pixels=pixels)


def trial(
    model: ModelConfig, batch: int, *, slower: float = 1.0, larger: float = 1.0, marks: tuple[str, ...] = ()
) -> TrialResult:
    """A trial of a machine that the formulas describe, up to a factor of time and one of memory."""
    base = fakes.trial_result()
    training = Training(steps=100, batch_pairs=batch)
    step = slower * formula.step_work(model, batch_pairs=batch, precision="fp32") / SPEED
    embed = (base.data.query_pairs + base.data.archive_pairs) * slower * formula.embed_work(model) / SPEED
    terms = formula.memory_terms(model, batch_pairs=batch, precision="fp32", device_kind="cpu")
    beside = observe.beside_bytes(model, base.data, training, branches=False)
    costs = Costs(
        step_seconds=(step, step, step),
        train_seconds=100 * step,
        embed_seconds=embed,
        search_seconds=0.01,
        total_seconds=100 * step + 2 * (embed + 0.01) + 0.75,
        peak_rss_bytes=round(PROCESS + beside + larger * terms.dynamic),
    )
    return replace(base, model=model, training=training, costs=costs, marks=marks, rungs=())


HISTORY = [trial(network(v), b, slower=1.3) for v in ("cecd", "sesd") for b in (8, 32, 128)]


def test_a_speed_that_trials_show_is_found_again() -> None:
    found = calibrate(history=HISTORY, **HERE)
    for model, batch in ((network("secd"), 64), (network("secd", pixels=120), 16), (network("cecd", "tiny"), 8)):
        estimate = step_seconds(model, batch_pairs=batch, calibration=found)
        assert estimate
        truth = 1.3 * formula.step_work(model, batch_pairs=batch, precision="fp32") / SPEED
        assert estimate.value == pytest.approx(truth, rel=0.01)
        assert estimate.low < truth < estimate.high
        assert estimate.source == "calibrated"


def test_a_setting_that_was_measured_is_called_so_and_known_best() -> None:
    found = calibrate(history=HISTORY, **HERE)
    own, other = (step_seconds(network("cecd", size), batch_pairs=32, calibration=found) for size in ("nano", "tiny"))
    assert own
    assert other
    assert (own.source, other.source) == ("measured", "calibrated")
    assert own.high / own.low < other.high / other.low


def test_memory_is_split_between_the_process_and_what_the_batch_takes() -> None:
    found = calibrate(history=[trial(network(), batch, larger=1.2) for batch in (8, 32, 128, 256)], **HERE)
    assert found.process_bytes[0] < PROCESS < found.process_bytes[2]
    model, batch = network("sesd"), 200
    terms = formula.memory_terms(model, batch_pairs=batch, precision="fp32", device_kind="cpu")
    told = memory(model, batch_pairs=batch, calibration=found)
    truth = PROCESS + formula.BUFFER_BYTES + formula.LIBRARY_BYTES + observe.fixed_bytes(model) + 1.2 * terms.dynamic
    assert told.total.low < truth < told.total.high
    assert told.total.value == pytest.approx(truth, rel=0.05)


@pytest.mark.parametrize(
    "changes",
    [
        {"provenance": replace(fakes.PROVENANCE, machine="another")},
        {"device": "cuda:0"},
        {"precision": "bf16"},
        {"threads": 1},
        {"outcome": Outcome.DIVERGED},
        {"costs": replace(HISTORY[0].costs, micro_batches=4)},
    ],
)
def test_trials_that_are_not_comparable_change_nothing(changes: dict[str, Any]) -> None:
    foreign = [replace(one, **changes) for one in HISTORY]
    alone, beside = calibrate(history=HISTORY[:2], **HERE), calibrate(history=[*HISTORY[:2], *foreign], **HERE)
    for model, batch in ((network("secd"), 64), (network("sesd", "tiny"), 4)):
        assert predictions(model, Training(steps=50, batch_pairs=batch), plan_fakes.DATA, alone) == predictions(
            model, Training(steps=50, batch_pairs=batch), plan_fakes.DATA, beside
        )


def test_trials_of_another_machine_leave_times_unknown() -> None:
    found = calibrate(history=HISTORY, **(HERE | {"machine": "another"}))
    assert step_seconds(network(), batch_pairs=32, calibration=found) is None
    assert {p.quantity for p in predictions(network(), HISTORY[0].training, plan_fakes.DATA, found)} == {
        "peak_rss_bytes"
    }


def test_start_and_scoring_are_taken_from_trials() -> None:
    found = calibrate(history=HISTORY, **HERE)
    one = HISTORY[0]
    told = trial_seconds(one.model, one.training, one.data, found)
    assert told
    assert told.start.value == pytest.approx(0.75)
    assert told.total.value == pytest.approx(one.costs.total_seconds, rel=0.01)


def probed(model: ModelConfig, batch: int) -> Probe:
    work = formula.step_work(model, batch_pairs=batch, precision="fp32")
    terms = formula.memory_terms(model, batch_pairs=batch, precision="fp32", device_kind="cpu")
    return Probe(
        candidate=Candidate(variant="cecd", size="nano"),
        precision="fp32",
        matmul_flops={"fp32": 5e10},
        step_seconds=work / SPEED,
        embed_pairs_per_second=SPEED / formula.embed_work(model),
        start_seconds=0.3,
        steps=8,
        model=model,
        batch_pairs=batch,
        threads=2,
        process_bytes=round(PROCESS),
        grown_bytes=round(formula.BUFFER_BYTES + observe.fixed_bytes(model) + terms.dynamic),
    )


def test_one_probe_serves_every_candidate_its_own_best() -> None:
    found = calibrate([probed(network(), 32)], **HERE)
    widths = []
    for variant, size, batch in (("cecd", "nano", 32), ("sesd", "nano", 32), ("sesd", "tiny", 8)):
        model = network(variant, size)
        estimate = step_seconds(model, batch_pairs=batch, calibration=found)
        assert estimate
        assert estimate.value == pytest.approx(
            formula.step_work(model, batch_pairs=batch, precision="fp32") / SPEED, rel=1e-6
        )
        widths.append(estimate.high / estimate.low)
    assert widths == sorted(widths)
    assert widths[0] < widths[1] < widths[2]


@pytest.mark.parametrize("changes", [{"model": None}, {"threads": 1}, {"device": "cuda:0"}])
def test_a_probe_of_something_else_calibrates_nothing(changes: dict[str, Any]) -> None:
    found = calibrate([replace(probed(network(), 32), **changes)], **HERE)
    assert step_seconds(network(), batch_pairs=32, calibration=found) is None


def test_a_disturbed_trial_counts_less() -> None:
    quiet = HISTORY[:3]
    slow = trial(network(), 64, slower=2.6)
    plain, marked = (
        step_seconds(network(), batch_pairs=64, calibration=calibrate(history=[*quiet, one], **HERE))
        for one in (slow, replace(slow, marks=("another process used the processor",)))
    )
    assert plain
    assert marked
    assert marked.value < plain.value


def test_intervals_hold_95_of_100_made_up_trials() -> None:
    random = np.random.default_rng(0)
    inside = 0
    for _ in range(100):
        family = {name: exp(random.normal(0, 0.04)) for name in VARIANTS}
        told = [
            trial(network(v), int(b), slower=family[v] * exp(random.normal(0, 0.07)))
            for v, b in zip(random.choice([*VARIANTS], 8), random.choice([8, 16, 32, 64], 8), strict=True)
        ]
        variant, batch = str(random.choice([*VARIANTS])), 128
        taken = family[variant] * exp(random.normal(0, 0.07))
        estimate = step_seconds(network(variant), batch_pairs=batch, calibration=calibrate(history=told, **HERE))
        assert estimate
        truth = taken * formula.step_work(network(variant), batch_pairs=batch, precision="fp32") / SPEED
        inside += estimate.low <= truth <= estimate.high
    assert inside >= 92
