from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from models.config import SENSORS, ModelConfig, Sensor
from models.masking import draw, take

Toy = Callable[..., ModelConfig]
Draw = Callable[..., dict[Sensor, Tensor]]


@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.75])
def test_random_masking_keeps_the_lowest_noise_of_each_sensor(toy: Toy, noise: Draw, ratio: float) -> None:
    config = toy(image_pixels=16, mask_ratio=ratio)
    drawn = noise(config)
    for sensor, mask in draw(drawn, config).items():
        for row in range(3):
            order = sorted(range(16), key=lambda patch: drawn[sensor][row, patch].item())
            kept = round(16 * (1 - ratio))
            assert mask.kept[row].tolist() == order[:kept]
            assert mask.hidden[row].tolist() == order[kept:]
            assert mask.hidden_in_raster()[row].tolist() == [patch in order[kept:] for patch in range(16)]


def test_random_masking_hides_other_patches_of_each_sensor(toy: Toy, noise: Draw) -> None:
    config = toy()
    drawn = draw(noise(config), config)
    assert not torch.equal(drawn["s1"].hidden_in_raster(), drawn["s2"].hidden_in_raster())


def test_identical_masking_hides_the_same_patches(toy: Toy, noise: Draw) -> None:
    config = toy(masking="identical")
    drawn = draw(noise(config), config)
    assert torch.equal(drawn["s1"].hidden_in_raster(), drawn["s2"].hidden_in_raster())


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.8])
def test_disjoint_masking_hides_exactly_what_the_other_keeps(toy: Toy, noise: Draw, ratio: float) -> None:
    config = toy(masking="disjoint", mask_ratio=ratio)
    drawn = draw(noise(config), config)
    assert torch.equal(drawn["s1"].hidden_in_raster(), ~drawn["s2"].hidden_in_raster())
    assert {sensor: drawn[sensor].kept.size(1) for sensor in SENSORS} == {s: config.kept(s) for s in SENSORS}


def test_take_returns_the_rows_in_the_order_asked_for() -> None:
    rows = torch.arange(24.0).reshape(2, 4, 3)
    taken = take(rows, torch.tensor([[3, 0], [1, 1]]))
    assert torch.equal(taken, torch.stack([rows[0, [3, 0]], rows[1, [1, 1]]]))
