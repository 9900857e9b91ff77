"""The published method's numbers, to 1e-4 absolute and relative."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from models.checkpoint import load_released, released_name
from models.config import SENSORS, ModelConfig, Sensor, Size
from models.csmae import CSMAE

PAIRS = [(source, target) for source, target in product(SENSORS, SENSORS) if source != target]


class Golden(NamedTuple):
    model: CSMAE
    numbers: dict[str, Tensor]
    images: dict[Sensor, Tensor]
    noise: dict[Sensor, Tensor]


def _config(facts: dict[str, str]) -> ModelConfig:
    assert (facts["masking"], facts["recon"]) == ("random", "disjoint")
    return ModelConfig(
        encoder=facts["encoder"],  # type: ignore[arg-type]  # a string of the file
        decoder=facts["decoder"],  # type: ignore[arg-type]  # a string of the file
        size=Size(
            width=int(facts["dim"]),
            depth=int(facts["depth"]),
            shared_depth=int(facts["cross"]),
            heads=int(facts["heads"]),
            decoder_width=int(facts["ddim"]),
            decoder_depth=int(facts["ddep"]),
            decoder_heads=int(facts["dheads"]),
        ),
        bands={"s1": 2, "s2": 10},
        image_pixels=int(facts["img"]),
        patch_pixels=int(facts["patch"]),
        masking="random",
        mask_ratio=float(facts["ratio"]),
        cross_placement="source",
        temperature=float(facts["temp"]),
    )


@pytest.fixture(params=["cecd", "cesd", "secd", "sesd"])
def released(request: pytest.FixtureRequest, golden: Path, tmp_path: Path) -> Golden:
    """A variant loaded through a file as the authors release it, with its inputs and expected numbers."""
    with safe_open(golden / f"csmae_{request.param}.safetensors", framework="pt") as file:
        numbers = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no mapping
        config = _config(file.metadata())
    state = {name.removeprefix("state_dict."): numbers[name] for name in numbers if name.startswith("state_dict.")}
    torch.save({"state_dict": state}, tmp_path / "released.ckpt")
    images = numbers["input.images"]
    return Golden(
        model=load_released(tmp_path / "released.ckpt", config),
        numbers=numbers,
        images={"s1": images[:, 10:], "s2": images[:, :10]},
        noise={sensor: numbers[f"input.noise_{sensor}"] for sensor in SENSORS},
    )


@pytest.fixture
def agrees(released: Golden) -> Callable[[str, Tensor], None]:
    """Whether a number is the golden one of this name."""

    def check(name: str, found: Tensor) -> None:
        expected = released.numbers[name].squeeze()
        torch.testing.assert_close(found.float(), expected, atol=1e-4, rtol=1e-4, msg=lambda text: f"{name}: {text}")

    return check


def test_losses_and_gradients_of_the_training_pass(released: Golden, agrees: Callable[[str, Tensor], None]) -> None:
    losses = released.model(released.images, released.noise)
    losses.total.backward()
    agrees("loss.total", losses.total)
    agrees("loss.mim", losses.mim)
    for sensor in SENSORS:
        agrees(f"loss.umr_{sensor}", losses.umr_by[sensor])
    for source, target in PAIRS:
        agrees(f"loss.cmr_{source}_to_{target}", losses.cmr_by[source, target])
    gradients = {
        f"gradnorm.{released_name(name)}": parameter.grad.norm()
        for name, parameter in released.model.named_parameters()
        if parameter.grad is not None
    }
    assert gradients.keys() == {name for name in released.numbers if name.startswith("gradnorm.")}
    for name, norm in gradients.items():
        agrees(name, norm)


def test_masks_and_predictions(released: Golden, agrees: Callable[[str, Tensor], None]) -> None:
    whole = released.model.reconstruct(released.images, released.noise)
    for sensor in SENSORS:
        agrees(f"mask_{sensor}", whole.hidden[sensor])
        agrees(f"masked_descriptor_{sensor}", whole.descriptors[sensor])
    for source, target in PAIRS:
        agrees(f"mask_{target}_from_{source}", whole.counted[source, target])
    for source, target in product(SENSORS, SENSORS):
        agrees(f"pred_{target}_from_{source}", whole.drawn[source, target])


def test_retrieval_descriptors(released: Golden, agrees: Callable[[str, Tensor], None]) -> None:
    released.model.eval()
    for sensor in SENSORS:
        agrees(f"descriptor_{sensor}", released.model.embed(released.images[sensor], sensor))
