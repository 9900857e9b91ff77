"""Parts of a batch together give the gradients of the whole."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.run.accumulate import accumulate
from models.config import VARIANTS, ModelConfig, Sensor
from models.csmae import CSMAE, build
from models.losses import Losses

Toy = Callable[..., ModelConfig]
Draw = Callable[..., dict[Sensor, Tensor]]

OBJECTIVES: list[dict[str, Any]] = [
    dict(zip(("umr", "cmr", "mim", "mde"), flags, strict=True))
    for flags in product([True, False], repeat=4)
    if any(flags)
]


def gradients(model: CSMAE) -> dict[str, Tensor]:
    found = {name: weights.grad for name, weights in model.named_parameters() if weights.grad is not None}
    model.zero_grad()
    return found


def in_parts(
    model: CSMAE,
    images: dict[Sensor, Tensor],
    noise: dict[Sensor, Tensor],
    parts: int,
    *,
    arithmetic: Callable[[], AbstractContextManager[object]] = nullcontext,
    scale: Callable[[Tensor], Tensor] = lambda loss: loss,
) -> tuple[dict[str, float], dict[str, Tensor]]:
    losses = accumulate(model, images, noise, micro_batches=parts, arithmetic=arithmetic, scale=scale)
    return values(losses), gradients(model)


def values(losses: Losses) -> dict[str, float]:
    named = {name: getattr(losses, name) for name in ("total", "umr", "cmr", "mim", "mde")}
    return {name: loss.item() for name, loss in named.items() if loss is not None}


def assert_alike(found: dict[str, Tensor], expected: dict[str, Tensor], *, scale: float = 1.0) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        size = gradient.abs().max().item() * scale
        torch.testing.assert_close(found[name], gradient * scale, rtol=1e-4, atol=1e-5 * size + 1e-7 * scale)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: "+".join(name for name, on in o.items() if on))
@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients_and_losses_are_those_of_the_whole_batch(
    toy: Toy, images: Draw, noise: Draw, variant: str, objective: dict[str, Any]
) -> None:
    row = VARIANTS[variant]
    config = toy(encoder=row.encoder, decoder=row.decoder, **objective)
    model, seen, drawn = build(config, seed=0), images(config, pairs=7), noise(config, pairs=7)
    losses = model(seen, drawn)
    losses.total.backward()
    expected, whole = values(losses), gradients(model)
    for parts in (3, 7):  # of unequal size, and of a single pair
        found, summed = in_parts(model, seen, drawn, parts)
        assert found == pytest.approx(expected, rel=1e-5)
        assert_alike(summed, whole)


@pytest.mark.parametrize("masking", ["identical", "random", "disjoint"])
def test_every_masking_is_the_same_in_both_passes(toy: Toy, images: Draw, noise: Draw, masking: str) -> None:
    config = toy(masking=masking, mask_ratio=0.6, mde=True, pooling="cls")
    model, seen, drawn = build(config, seed=0), images(config, pairs=6), noise(config, pairs=6)
    model(seen, drawn).total.backward()
    whole = gradients(model)
    assert_alike(in_parts(model, seen, drawn, 4)[1], whole)


def test_fewer_negatives_would_be_another_gradient(toy: Toy, images: Draw, noise: Draw) -> None:
    config = toy(umr=False, cmr=False)
    model, seen, drawn = build(config, seed=0), images(config, pairs=6), noise(config, pairs=6)
    for part in (slice(0, 3), slice(3, 6)):
        losses = model({s: x[part] for s, x in seen.items()}, {s: x[part] for s, x in drawn.items()})
        (losses.total / 2).backward()
    naive = gradients(model)
    ours = in_parts(model, seen, drawn, 2)[1]
    assert max((ours[name] - naive[name]).abs().max().item() for name in ours) > 1e-3


def test_the_scale_of_half_precision_scales_all_of_it(toy: Toy, images: Draw, noise: Draw) -> None:
    config = toy(mde=True)
    model, seen, drawn = build(config, seed=0), images(config, pairs=4), noise(config, pairs=4)
    plain, expected = in_parts(model, seen, drawn, 2)
    scaled, found = in_parts(model, seen, drawn, 2, scale=lambda loss: loss * 1024.0)
    assert scaled == pytest.approx(plain)
    assert_alike(found, expected, scale=1024.0)


def test_casts_of_the_first_pass_do_not_cut_the_second_from_its_weights(toy: Toy, images: Draw, noise: Draw) -> None:
    config = toy(mde=True)
    model, seen, drawn = build(config, seed=0), images(config, pairs=4), noise(config, pairs=4)
    arithmetic = partial(torch.autocast, "cpu", dtype=torch.bfloat16)
    with arithmetic():
        losses = model(seen, drawn)
    losses.total.backward()
    whole = gradients(model)
    _, found = in_parts(model, seen, drawn, 2, arithmetic=arithmetic)
    assert found.keys() == whole.keys()
    for name, gradient in whole.items():
        assert torch.linalg.vector_norm(found[name] - gradient) < 0.1 * torch.linalg.vector_norm(gradient) + 1e-3
