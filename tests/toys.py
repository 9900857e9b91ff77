"""Toy networks and toy images."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from models.config import SENSORS, ModelConfig, Sensor, Size

TOY = Size(width=16, depth=2, shared_depth=1, heads=2, decoder_width=8, decoder_depth=2, decoder_heads=2)

Images = dict[Sensor, Tensor]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Several threads would only wait for each other over tensors this small."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def toy() -> Callable[..., ModelConfig]:
    """A config of the smallest network that has every part; keyword arguments replace fields."""

    def config(**fields: object) -> ModelConfig:
        plain: dict[str, Any] = {
            "encoder": "common",
            "decoder": "common",
            "size": TOY,
            "bands": {"s1": 1, "s2": 3},
            "image_pixels": 12,
            "patch_pixels": 4,
        }
        plain.update(fields)
        return ModelConfig(**plain)

    return config


@pytest.fixture(scope="session")
def images() -> Callable[..., Images]:
    """Noise as images of a config's shape."""

    def draw(config: ModelConfig, pairs: int = 3, seed: int = 0) -> Images:
        random = torch.Generator().manual_seed(seed)
        pixels = config.image_pixels
        return {
            sensor: torch.randn(pairs, config.bands[sensor], pixels, pixels, generator=random) for sensor in SENSORS
        }

    return draw


@pytest.fixture(scope="session")
def noise() -> Callable[..., Images]:
    """Masking noise for a config."""

    def draw(config: ModelConfig, pairs: int = 3, seed: int = 1) -> Images:
        random = torch.Generator().manual_seed(seed)
        return {sensor: torch.rand(pairs, config.patches, generator=random) for sensor in SENSORS}

    return draw
