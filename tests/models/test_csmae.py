from collections.abc import Callable
from dataclasses import replace
from itertools import product
from math import isfinite
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models.config import SENSORS, VARIANTS, ModelConfig, Sensor, configure
from models.csmae import CSMAE, build

Toy = Callable[..., ModelConfig]
Draw = Callable[..., dict[Sensor, Tensor]]

OBJECTIVES: list[dict[str, Any]] = [
    dict(zip(("umr", "cmr", "mim", "mde"), flags, strict=True))
    for flags in product([True, False], repeat=4)
    if any(flags)
]
"""Every subset of the losses but the empty one."""

MASKINGS = [
    pytest.param({"masking": masking, "cross_placement": placement}, id=f"{masking}-{placement}")
    for masking in ("identical", "random", "disjoint")
    for placement in ("source", "target")
]


def _reachable(name: str, config: ModelConfig) -> bool:
    if name.startswith("decoders."):
        return config.umr or config.cmr
    return not name.startswith("encoder.pooled_norms.") or config.mim or config.mde


def _trains(model: CSMAE, config: ModelConfig, seen: dict[Sensor, Tensor]) -> None:
    for part in model.modules():
        if hasattr(part, "config"):
            setattr(part, "config", config)  # noqa: B010  # spares building the same weights for each objective
    model.zero_grad()
    losses = model(seen)
    losses.total.backward()
    for name in ("umr", "cmr", "mim", "mde"):
        assert (getattr(losses, name) is not None) == getattr(config, name)
    sizes = {n: 0.0 if p.grad is None else p.grad.abs().sum().item() for n, p in model.named_parameters()}
    assert all(map(isfinite, sizes.values()))
    assert {name for name, size in sizes.items() if size} == {name for name in sizes if _reachable(name, config)}


@pytest.mark.parametrize("masking", MASKINGS)
@pytest.mark.parametrize("decoder", ["common", "specific"])
@pytest.mark.parametrize("encoder", ["common", "specific", "separate"])
def test_every_combination_trains_every_parameter_in_reach(
    toy: Toy, images: Draw, encoder: str, decoder: str, masking: dict[str, Any]
) -> None:
    config = toy(encoder=encoder, decoder=decoder, mask_ratio=0.6, **masking)
    model, seen = build(config, seed=0), images(config)
    for objective in OBJECTIVES:
        _trains(model, replace(config, **objective), seen)


@pytest.mark.parametrize("encoder", ["common", "specific", "separate"])
def test_every_objective_trains_a_cls_descriptor(toy: Toy, images: Draw, encoder: str) -> None:
    config = toy(encoder=encoder, pooling="cls")
    model, seen = build(config, seed=0), images(config)
    for objective in OBJECTIVES:
        _trains(model, replace(config, **objective), seen)


def test_the_parts_of_a_batch_make_its_losses(toy: Toy, images: Draw, noise: Draw) -> None:
    config = toy(decoder="specific", mde=True)
    model, seen, drawn = build(config, seed=0), images(config), noise(config)
    parts, losses = model.parts(seen, drawn), model(seen, drawn)
    assert torch.equal(model.objective(parts.errors, parts.descriptors).total, losses.total)
    kept = model.describe_kept(seen, drawn)
    for sensor in SENSORS:
        assert torch.equal(kept[sensor], parts.descriptors[sensor])
        assert torch.equal(parts.errors[sensor, sensor], losses.umr_by[sensor])


def test_noise_drawn_beforehand_is_that_drawn_on_the_way(toy: Toy, images: Draw) -> None:
    config = toy()
    model, seen = build(config, seed=0), images(config)
    on_the_way = model(seen, generator=torch.Generator().manual_seed(3))
    before = model(seen, model.draw_noise(3, torch.Generator().manual_seed(3)))
    assert torch.equal(on_the_way.total, before.total)


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("masking", MASKINGS)
@pytest.mark.parametrize("decoder", ["common", "specific"])
def test_losses_average_the_full_reconstruction_over_the_counted_patches(
    toy: Toy, images: Draw, decoder: str, masking: dict[str, Any], ratio: float
) -> None:
    config = toy(decoder=decoder, mask_ratio=ratio, **masking)
    model = build(config, seed=0)
    seen = images(config)
    random = torch.Generator().manual_seed(1)
    drawn = {sensor: torch.rand(3, config.patches, generator=random) for sensor in SENSORS}
    losses, whole = model(seen, drawn), model.reconstruct(seen, drawn)
    found = {(sensor, sensor): loss for sensor, loss in losses.umr_by.items()} | losses.cmr_by
    for source, target in product(SENSORS, SENSORS):
        errors = []
        by = source if config.cross_placement == "source" else target
        for row, patch in torch.nonzero(whole.hidden[by]).tolist():
            top, left = 4 * (patch // 3), 4 * (patch % 3)
            true = seen[target][row, :, top : top + 4, left : left + 4].permute(1, 2, 0).flatten()
            errors.append((whole.drawn[source, target][row, patch] - true).square().mean())
        assert torch.equal(whole.counted[source, target], whole.hidden[by])
        assert found[source, target].item() == pytest.approx(torch.stack(errors).mean().item(), rel=1e-5)


def test_a_target_decoded_from_a_source_sees_the_source_at_its_own_places(toy: Toy, images: Draw, noise: Draw) -> None:
    config = toy(cross_placement="target")
    released = build(toy(), seed=0)
    ours = build(config, seed=0)
    seen, drawn = images(config), noise(config)
    for pair, patches in released.reconstruct(seen, drawn).drawn.items():
        assert torch.equal(ours.reconstruct(seen, drawn).drawn[pair], patches)


def test_the_total_is_the_sum_of_the_parts(toy: Toy, images: Draw) -> None:
    config = toy(mde=True)
    losses = build(config, seed=0)(images(config))
    parts = [*losses.umr_by.values(), *losses.cmr_by.values(), losses.mim, losses.mde]
    assert losses.total.item() == pytest.approx(sum(part.item() for part in parts), rel=1e-6)


def test_equal_seeds_build_equal_weights_and_leave_the_global_generator_alone(toy: Toy) -> None:
    state = torch.get_rng_state()
    one, same, other = (build(toy(), seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["decoders.both.mask_token"], other["decoders.both.mask_token"])


def test_weights_start_as_in_mae() -> None:
    model = build(configure("cecd", "nano", bands={"s1": 2, "s2": 10}, image_pixels=64), seed=0)
    weights = dict(model.named_parameters())
    weight = weights["encoder.stems.s2.embed.weight"]
    bound = (6 / (weight.size(0) + weight.size(1))) ** 0.5
    assert 0.99 * bound < weight.abs().max().item() <= bound
    assert 0.01 < weights["encoder.stems.s1.cls"].std().item() < 0.03
    assert weights["encoder.stems.s2.embed.bias"].abs().max().item() == 0


def test_a_generator_makes_a_forward_pass_repeatable(toy: Toy, images: Draw) -> None:
    config = toy()
    model = build(config, seed=0)
    first, again, other = (
        model(images(config), generator=torch.Generator().manual_seed(seed)).total.item() for seed in (1, 1, 2)
    )
    assert first == again != other


def test_matrices_decay_and_nothing_else(toy: Toy) -> None:
    model = build(toy(), seed=0)
    decayed, rest = model.parameter_groups(0.05)
    assert (decayed["weight_decay"], rest["weight_decay"]) == (0.05, 0.0)
    assert len(decayed["params"]) + len(rest["params"]) == len([*model.parameters()])
    matrices = {id(parameter) for parameter in decayed["params"]}
    linear = {id(module.weight) for module in model.modules() if isinstance(module, nn.Linear)}
    assert matrices == linear


@pytest.mark.parametrize("shape", [(3, 2, 12, 12), (3, 1, 12, 16), (3, 1, 8, 8)])
def test_images_of_another_shape_are_refused_in_words(toy: Toy, images: Draw, shape: tuple[int, ...]) -> None:
    config = toy()
    with pytest.raises(ValueError, match="images of s1 have shape"):
        build(config, seed=0)(images(config) | {"s1": torch.zeros(shape)})


def test_sensors_of_unequal_numbers_are_refused_in_words(toy: Toy, images: Draw) -> None:
    config = toy()
    with pytest.raises(ValueError, match="not 3 and 4"):
        build(config, seed=0)(images(config) | {"s2": images(config, pairs=4)["s2"]})


def test_mim_refuses_a_batch_of_one_pair(toy: Toy, images: Draw) -> None:
    config = toy()
    with pytest.raises(ValueError, match="at least 2 pairs"):
        build(config, seed=0)(images(config, pairs=1))


def _half_precision_gap(model: CSMAE, seen: dict[Sensor, Tensor], drawn: dict[Sensor, Tensor], device: str) -> float:
    plain: float = model(seen, drawn).total.item()
    with torch.autocast(device, dtype=torch.bfloat16):
        losses = model(seen, drawn)
    losses.total.backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in model.parameters())
    half: float = losses.total.item()
    return abs(half / plain - 1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_trains_in_half_precision(images: Draw, noise: Draw, variant: str) -> None:
    config = configure(variant, "nano", bands={"s1": 2, "s2": 10}, image_pixels=64)
    assert _half_precision_gap(build(config, seed=0), images(config), noise(config), "cpu") < 0.02


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_trains_on_a_gpu_as_on_the_cpu(images: Draw, noise: Draw, variant: str) -> None:
    config = configure(variant, "nano", bands={"s1": 2, "s2": 10}, image_pixels=64)
    model, seen, drawn = build(config, seed=0), images(config), noise(config)
    on_cpu = model(seen, drawn).total.item()
    model.cuda()
    seen, drawn = ({s: tensor.cuda() for s, tensor in tensors.items()} for tensors in (seen, drawn))
    assert model(seen, drawn).total.item() == pytest.approx(on_cpu, rel=1e-3)
    assert _half_precision_gap(model, seen, drawn, "cuda") < 0.02
