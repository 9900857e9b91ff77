"""Full trainings and what a candidate would need."""

import pytest

from bench.plan.calibrate import calibrate
from bench.plan.full import GPU_GIB, full_training, needs
from models import cost
from models.config import configure

CPU = calibrate(peak_flops=1e11)
GPU = calibrate(device="cuda:0", precision="bf16", peak_flops=312e12)
BASE = configure("sesd", "base", bands={"s1": 2, "s2": 10}, image_pixels=120)


def test_the_published_training_has_150_epochs_of_whole_batches() -> None:
    told = full_training(BASE, train_pairs=7761, calibration=GPU)
    assert told.steps == 150 * (7761 // 128)
    assert told.step_seconds
    assert told.seconds
    assert told.seconds.value == pytest.approx(told.steps * told.step_seconds.value)
    assert told.checkpoint_bytes == 3 * told.weights_bytes == 12 * cost.parameters(BASE)
    assert told.descriptor_bytes == 3072


def test_fewer_pairs_than_a_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="train_pairs=100 do not fill"):
        full_training(BASE, train_pairs=100, calibration=CPU)


def test_a_speed_that_nobody_knows_is_unknown_and_memory_is_still_told() -> None:
    told = full_training(BASE, train_pairs=7761, calibration=calibrate(device="cuda:0"))
    assert (told.step_seconds, told.seconds, told.embed_seconds) == (None, None, None)
    assert told.memory.total.value > 16 * 211e6


def test_cards_are_judged_by_the_upper_end_with_a_reserve_and_each_by_itself() -> None:
    told = needs(BASE, batch_pairs=128, calibration=GPU)
    assert list(told.gpus) == list(GPU_GIB)
    assert [told.gpus[size] for size in GPU_GIB] == [told.memory_bytes.high <= size * 1024**3 for size in GPU_GIB]
    assert told.smallest_gpu is not None
    assert told.memory_bytes.high > 0.75 * 1024**3
    assert told.least_bytes.value < told.memory_bytes.value
    assert needs(BASE, batch_pairs=2, calibration=GPU).memory_bytes == told.least_bytes


def test_what_no_card_holds_is_said() -> None:
    told = needs(BASE, batch_pairs=100_000, calibration=GPU)
    assert told.smallest_gpu is None
    assert not any(told.gpus.values())


def test_a_cpu_is_asked_for_its_process() -> None:
    told = needs(BASE, batch_pairs=2, calibration=CPU)
    assert told.gpus == {}
    assert told.memory_bytes.value > 16 * cost.parameters(BASE) + 380e6
