from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from models.config import SENSORS, ModelConfig, Sensor
from models.csmae import build

Toy = Callable[..., ModelConfig]
Draw = Callable[..., dict[Sensor, Tensor]]


@pytest.mark.parametrize("encoder", ["common", "specific", "separate"])
def test_the_tokens_of_the_sensors_never_mix(toy: Toy, images: Draw, noise: Draw, encoder: str) -> None:
    config = toy(encoder=encoder)
    model = build(config, seed=0)
    seen = images(config)
    before = model.reconstruct(seen, noise(config)).descriptors
    after = model.reconstruct(seen | {"s2": seen["s2"] + 1}, noise(config)).descriptors
    assert torch.equal(before["s1"], after["s1"])
    assert not torch.allclose(before["s2"], after["s2"])


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_descriptor_does_not_see_hidden_patches(toy: Toy, images: Draw, noise: Draw, pooling: str) -> None:
    config = toy(pooling=pooling)
    model = build(config, seed=0)
    seen, drawn = images(config), noise(config)
    before = model.reconstruct(seen, drawn)
    for row, patch in torch.nonzero(before.hidden["s1"]).tolist():
        top, left = 4 * (patch // 3), 4 * (patch % 3)
        seen["s1"][row, :, top : top + 4, left : left + 4] = 9.0
    assert torch.equal(model.reconstruct(seen, drawn).descriptors["s1"], before.descriptors["s1"])


def test_cls_pooling_gives_the_normed_cls_token(toy: Toy, images: Draw) -> None:
    config = toy(pooling="cls")
    model = build(config, seed=0)
    descriptors = model.embed(images(config)["s1"], "s1")
    assert descriptors.mean(dim=1).abs().max() < 1e-5
    assert torch.allclose(descriptors.var(dim=1, correction=0), torch.ones(3), atol=1e-3)


def test_separate_encoders_share_no_parameter(toy: Toy, images: Draw) -> None:
    config = toy(encoder="separate")
    model = build(config, seed=0)
    reached = []
    for sensor in SENSORS:
        model.zero_grad()
        torch.autograd.backward(model.embed(images(config)[sensor], sensor).square().sum())
        reached.append({name for name, parameter in model.named_parameters() if parameter.grad is not None})
    assert reached[0]
    assert reached[1]
    assert not reached[0] & reached[1]
    assert reached[0] | reached[1] == {name for name, _ in model.named_parameters() if name.startswith("encoder.")}
