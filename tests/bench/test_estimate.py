"""Estimates: their parts add up, they grow with what is asked, and they say what they rest on."""

from dataclasses import replace

import pytest

import plan_fakes
from bench.plan.calibrate import Calibration, calibrate
from bench.plan.estimate import MemoryEstimate, TimeEstimate, memory, predictions, step_seconds, trial_seconds
from bench.plan.quantity import Estimate, times, together
from bench.result import Training
from models import cost
from models.config import SIZES, VARIANTS, ModelConfig, configure

PRIOR = calibrate(peak_flops=1e11)
PROBED = calibrate([plan_fakes.probe_of(candidate) for candidate in plan_fakes.CANDIDATES], threads=2)
GPU = calibrate(device="cuda:0", precision="bf16", peak_flops=312e12)
UNKNOWN = calibrate()


def network(variant: str = "secd", size: str = "nano") -> ModelConfig:
    return configure(variant, size, bands={"s1": 2, "s2": 10}, image_pixels=64)


def parts(told: MemoryEstimate) -> list[Estimate]:
    return [
        told.weights,
        told.gradients,
        told.optimizer,
        *told.activations.values(),
        told.workspace,
        told.loader,
    ]


@pytest.mark.parametrize("calibration", [PRIOR, PROBED, GPU], ids=["prior", "probed", "gpu"])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", SIZES)
def test_the_parts_of_memory_add_up_and_it_grows_with_the_batch(
    variant: str, size: str, calibration: Calibration
) -> None:
    before = 0.0
    for batch in (2, 3, 16, 128, 1024):
        told = memory(network(variant, size), batch_pairs=batch, calibration=calibration, mapped_bytes=1e6)
        assert sum(part.value for part in parts(told)) == pytest.approx(told.total.value)
        assert all(part.value >= 0 for part in parts(told))
        assert told.total.low <= told.total.value <= told.total.high
        assert told.total.value >= before
        before = told.total.value


def test_weights_and_optimiser_state_are_exact() -> None:
    model = network()
    told = memory(model, batch_pairs=32, calibration=PRIOR)
    assert told.weights.low == told.weights.high == 4 * cost.parameters(model)
    assert told.optimizer.low == told.optimizer.high == 8 * cost.parameters(model)


def test_branches_hold_the_state_twice_on_a_cpu_alone() -> None:
    model = network(size="tiny")
    for calibration, copies in ((PRIOR, 1), (GPU, 0)):
        plain, branched = (
            memory(model, batch_pairs=8, calibration=calibration, branches=branches).total.value
            for branches in (False, True)
        )
        assert branched - plain == pytest.approx(copies * 12 * cost.parameters(model), abs=1)


@pytest.mark.parametrize("calibration", [PRIOR, PROBED, GPU], ids=["prior", "probed", "gpu"])
def test_a_step_takes_longer_with_a_larger_batch(calibration: Calibration) -> None:
    told = [step_seconds(network(), batch_pairs=batch, calibration=calibration) for batch in (2, 8, 32, 4096)]
    values = [one.value for one in told if one]
    assert len(values) == 4
    assert values == sorted(values)


def test_a_trial_is_its_start_its_steps_its_branches_and_its_scorings() -> None:
    training = Training(steps=200, batch_pairs=32, decay_share=0.3)
    told = trial_seconds(network(), training, plan_fakes.DATA, PROBED, rungs=(50, 100))
    step = step_seconds(network(), batch_pairs=32, calibration=PROBED)
    assert told
    assert step
    assert told.steps.value == pytest.approx(200 * step.value)
    assert told.branches.value == pytest.approx((15 + 30) * step.value)
    plain = trial_seconds(network(), training, plan_fakes.DATA, PROBED)
    assert plain
    assert told.scoring.value == pytest.approx(2 * plain.scoring.value)
    assert told.scoring.value > 4 * 1500 / 1600  # embedding alone
    assert total_of(told) == pytest.approx(told.total.value)
    gone_on = trial_seconds(network(), training, plan_fakes.DATA, PROBED, steps_saved=140)
    assert gone_on
    assert gone_on.total.value == pytest.approx(plain.total.value - 140 * step.value)


def total_of(told: TimeEstimate) -> float:
    return told.start.value + told.steps.value + told.branches.value + told.scoring.value


@pytest.mark.parametrize(
    ("calibration", "quantities"),
    [
        (PROBED, {"peak_rss_bytes", "step_seconds", "total_seconds"}),
        (GPU, {"peak_memory_bytes", "step_seconds", "total_seconds"}),
        (UNKNOWN, {"peak_rss_bytes"}),
        (calibrate(device="cuda:0"), {"peak_memory_bytes"}),
    ],
)
def test_what_can_be_said_is_predicted_and_nothing_else(calibration: Calibration, quantities: set[str]) -> None:
    told = predictions(network(), Training(steps=20, batch_pairs=16), plan_fakes.DATA, calibration)
    assert {one.quantity for one in told} == quantities


def test_a_process_counts_the_pairs_that_it_reads_each_once() -> None:
    training = Training(steps=2, batch_pairs=16)

    def peak(training: Training) -> float:
        told = predictions(network(), training, plan_fakes.DATA, PRIOR)
        return next(one.value for one in told if one.quantity == "peak_rss_bytes")

    pair = 2 * 12 * 64 * 64
    assert peak(replace(training, steps=3)) - peak(training) == pytest.approx(16 * pair, abs=1)
    assert peak(replace(training, steps=1000)) - peak(training) == pytest.approx((512 - 32) * pair, abs=1)


def test_sources_and_bases_say_what_the_numbers_rest_on() -> None:
    prior, probed = (memory(network(), batch_pairs=32, calibration=c).total for c in (PRIOR, PROBED))
    assert prior.source == "prior"
    assert "nothing measured here" in prior.basis
    step = step_seconds(network(), batch_pairs=32, calibration=PROBED)
    other = step_seconds(network("mae"), batch_pairs=32, calibration=PROBED)
    assert step
    assert other
    assert (step.source, other.source) == ("measured", "calibrated")
    assert "1 of this very setting" in step.basis
    assert "4 runs here, 4 of this size" in other.basis
    assert probed.source == "prior"  # these probes told no memory


def test_sums_are_as_unsure_as_their_parts_and_no_better_than_the_worst() -> None:
    sure = Estimate(value=10, low=10, high=10, source="prior", basis="counted")
    one = Estimate(value=100, low=97, high=104, source="measured", basis="seen")
    two = Estimate(value=50, low=46, high=53, source="calibrated", basis="fitted")
    both = together(sure, one, two)
    assert (both.value, both.low, both.high) == (160, 155, 165)
    assert (both.source, both.basis) == ("calibrated", "seen; fitted")
    assert times(one, 3) == replace(one, value=300, low=291, high=312)
    with pytest.raises(ValueError, match="does not lie between"):
        Estimate(value=1, low=2, high=3, source="prior", basis="")
