"""The closed formulas behind estimates, held to slow obvious versions."""

from dataclasses import replace

import pytest

import plan_fakes
from bench.plan import formula
from models import cost
from models.config import SIZES, VARIANTS, configure

MODEL = configure("secd", "tiny", bands={"s1": 2, "s2": 10}, image_pixels=64)


def peak_step_by_step(batch_pairs: int) -> float:
    """Walk through the backward pass, a stage after the other, and remember the most that was held."""
    stages = cost.stages(MODEL, 4)
    most = 0
    for done in range(len(stages)):
        kept, begun = stages[: len(stages) - done], stages[len(stages) - 1 - done :]
        held = sum(stage.kept_bytes for stage in kept) * batch_pairs
        gradients = sum(4 * stage.parameters for stage in begun)
        most = max(most, held + gradients + batch_pairs * kept[-1].working_bytes)
    return most


@pytest.mark.parametrize("batch_pairs", [2, 8, 64])
def test_the_peak_is_the_worst_moment_of_the_backward_pass(batch_pairs: int) -> None:
    terms = formula.memory_terms(MODEL, batch_pairs=batch_pairs, precision="fp32", device_kind="cuda")
    images = 3 * batch_pairs * 12 * 64 * 64 * 4
    embedding = 128 * (formula.EMBED_IMAGES * 10 * 64 * 64 * 4 + formula.EMBED_ROWS * 4 * 65 * 192)
    assert terms.dynamic == pytest.approx(max(peak_step_by_step(batch_pairs) + images, embedding))


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", SIZES)
def test_no_part_is_negative_and_state_is_counted(variant: str, size: str, kind: formula.DeviceKind) -> None:
    model = configure(variant, size, bands={"s1": 2, "s2": 10}, image_pixels=120)
    for batch in (2, 128):
        terms = formula.memory_terms(model, batch_pairs=batch, precision="fp32", device_kind=kind)
        assert min(terms.gradients, terms.working, terms.loader, *terms.activations.values()) >= 0
        assert terms.weights + terms.optimizer == 12 * cost.parameters(model)


def test_half_precision_copies_weights_and_halves_most_activations() -> None:
    full, half = (
        formula.memory_terms(MODEL, batch_pairs=64, precision=precision, device_kind="cuda")
        for precision in ("fp32", "bf16")
    )
    assert half.weights == 1.5 * full.weights
    assert 0.5 < half.dynamic / full.dynamic < 0.75


def test_a_step_has_its_flops_and_more() -> None:
    one, two = (formula.step_work(MODEL, batch_pairs=batch, precision="fp32") for batch in (10, 20))
    fixed = 2 * one - two
    assert fixed == pytest.approx(8e8 + 8.1e7 * (2 * 10 + 2 + 8) + 280 * cost.parameters(MODEL))
    assert two > 3 * 20 * cost.forward_flops(MODEL) + fixed


@pytest.mark.parametrize(
    ("changes", "passes"),
    [
        ({}, 10 * 2 + 2 + 8),
        ({"encoder": "common"}, 12 + 8),
        ({"decoder": "specific"}, 10 * 2 + 2 + 16),
        ({"encoder": "separate", "decoder": "specific"}, 24 + 16),
        ({"masking": "disjoint", "mask_ratio": 0.75}, 10 * 2 + 2 * 2 + 2 * 8),
    ],
)
def test_blocks_are_counted_as_often_as_they_are_called(changes: dict[str, object], passes: int) -> None:
    assert formula.block_passes(replace(MODEL, **changes)) == passes  # type: ignore[arg-type]  # fields of the record


def test_a_pair_in_the_cache_has_two_bytes_a_value() -> None:
    model = plan_fakes.MODELS[plan_fakes.CANDIDATES[0]]
    assert formula.stored_bytes(model) == 2 * 12 * 64 * 64
