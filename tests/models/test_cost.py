from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from models import cost
from models.config import SENSORS, SIZES, VARIANTS, ModelConfig, Sensor, configure
from models.csmae import CSMAE, build

Toy = Callable[..., ModelConfig]
Draw = Callable[..., dict[Sensor, Tensor]]

PUBLISHED_MILLIONS = {"cecd": 114.13, "cesd": 139.75, "secd": 185.02, "sesd": 210.63}
"""Trainable parameters at the paper's size."""


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_are_those_of_the_built_model(variant: str, size: str) -> None:
    config = configure(variant, size, bands={"s1": 2, "s2": 10}, image_pixels=120)
    with torch.device("meta"):
        model = CSMAE(config)
    assert cost.parameters(config) == _count(model)
    fixed = model.encoder.positions.numel() + config.size.width
    assert cost.encoder_parameters(config) == _count(model.encoder) + fixed
    assert cost.state_bytes(config) == 16 * _count(model)


@pytest.mark.parametrize(("variant", "millions"), PUBLISHED_MILLIONS.items())
def test_parameters_are_the_published_ones(variant: str, millions: float) -> None:
    config = configure(variant, "base", bands={"s1": 2, "s2": 10}, image_pixels=120)
    assert round(cost.parameters(config) / 1e6, 2) == millions
    encoder = cost.encoder_parameters(config)
    assert encoder == 87_184_128 if variant.startswith("ce") else round(encoder / 1e6, 2) == 158.07
    assert round(cost.embed_flops(config) / 1e9, 1) == 11.3


@contextmanager
def _counted() -> Iterator[FlopCounterMode]:
    """Counts FLOPs with attention written out: the counter takes the CPU's fused attention for free."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        yield counter


OBJECTIVES: list[dict[str, Any]] = [{}, {"umr": False}, {"cmr": False}, {"umr": False, "cmr": False}]


@pytest.mark.parametrize("placement", ["source", "target"])
@pytest.mark.parametrize("masking", ["identical", "random", "disjoint"])
@pytest.mark.parametrize("decoder", ["common", "specific"])
def test_flops_are_those_that_torch_counts(toy: Toy, images: Draw, decoder: str, masking: str, placement: str) -> None:
    config = toy(decoder=decoder, masking=masking, cross_placement=placement, mask_ratio=0.7)
    for objective in OBJECTIVES:
        _same_flops(replace(config, **objective), images)


def _same_flops(config: ModelConfig, images: Draw) -> None:
    model, pairs = build(config, seed=0), 3
    with _counted() as forward:
        model(images(config, pairs=pairs))
    similarities = 2 * (2 * pairs) ** 2 * config.size.width
    assert forward.get_total_flops() == pairs * cost.forward_flops(config) + similarities


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("encoder", ["common", "specific", "separate"])
def test_embedding_flops_and_parameters_are_those_that_torch_counts(
    toy: Toy, images: Draw, encoder: str, pooling: str
) -> None:
    config = toy(encoder=encoder, pooling=pooling)
    model, seen = build(config, seed=0), images(config)
    with _counted() as embedding:
        for sensor in SENSORS:
            model.embed(seen[sensor], sensor)
    assert embedding.get_total_flops() == 3 * 2 * cost.embed_flops(config)
    assert cost.parameters(config) == _count(model)


def _kept_bytes(model: CSMAE, images: dict[Sensor, Tensor], dtype: torch.dtype | None) -> int:
    """Bytes of the tensors that autograd keeps, weights apart."""
    own = {tensor.untyped_storage().data_ptr() for tensor in chain(model.parameters(), model.buffers())}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if (address := tensor.untyped_storage().data_ptr()) not in own:
            kept[address] = tensor
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", dtype=dtype, enabled=dtype is not None),
    ):
        losses = model(images)
    assert losses.total.isfinite()
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@pytest.mark.parametrize(("dtype", "width"), [(None, 4), (torch.bfloat16, 2)])
@pytest.mark.parametrize("variant", VARIANTS)
def test_activations_are_nearly_those_that_autograd_keeps(
    images: Draw, variant: str, dtype: torch.dtype | None, width: int
) -> None:
    config = configure(variant, "nano", bands={"s1": 2, "s2": 10}, image_pixels=64)
    model = build(config, seed=0)
    few, many = (_kept_bytes(model, images(config, pairs=pairs), dtype) for pairs in (4, 8))
    estimate = cost.activation_bytes(config, width)
    assert estimate <= (many - few) / 4 < 1.08 * estimate
