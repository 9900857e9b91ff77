"""The multi-sensor encoder (blocks of each sensor's own) and the cross-sensor encoder (blocks that both pass)."""

from functools import partial
from typing import Final

import torch
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from models.config import SENSORS, ModelConfig, Sensor
from models.masking import Mask, take
from models.positions import sine_cosine

_norm: Final = partial(nn.LayerNorm, eps=1e-6)


class Stem(nn.Module):
    """Turns patches of one sensor into tokens, a CLS token first."""

    def __init__(self, values: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Linear(values, width)
        self.cls = nn.Parameter(torch.empty(width).normal_(std=0.02))

    def forward(self, patches_BKP: Tensor, positions_BKD: Tensor) -> Tensor:
        """Tokens (B, 1 + K, D)."""
        tokens_BKD = self.embed(patches_BKP) + positions_BKD
        return torch.cat([self.cls.expand(len(tokens_BKD), 1, -1), tokens_BKD], dim=1)


class Stack(nn.Module):
    """Transformer blocks and a layer norm."""

    def __init__(self, depth: int, config: ModelConfig) -> None:
        super().__init__()
        width, heads = config.size.width, config.size.heads
        self.blocks = nn.Sequential(
            *(
                Block(width, heads, qkv_bias=True, norm_layer=_norm)  # type: ignore[arg-type]  # timm passes partials too
                for _ in range(depth)
            )
        )
        self.norm = _norm(width)

    def forward(self, tokens_BKD: Tensor) -> Tensor:
        """Tokens of the same shape."""
        return self.norm(self.blocks(tokens_BKD))  # type: ignore[no-any-return]  # a module's


class Encoder(nn.Module):
    """Tokens of each sensor, each from its own kept patches alone: the sensors never mix."""

    positions: Tensor
    """(L, D), fixed."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.size.width
        self.stems = nn.ModuleDict({sensor: Stem(config.patch_values(sensor), width) for sensor in SENSORS})
        own = SENSORS if config.own_depth else ()
        self.own = nn.ModuleDict({sensor: Stack(config.own_depth, config) for sensor in own})
        separate = config.encoder == "separate"
        # two separate encoders each end with a norm of their own: nothing is left to share
        self.shared = nn.Identity() if separate else Stack(config.common_depth, config)
        pooled = {"cls": (), "mean": SENSORS if separate else ("both",)}[config.pooling]
        self.pooled_norms = nn.ModuleDict({name: _norm(width) for name in pooled})
        table_LD = sine_cosine(config.image_pixels // config.patch_pixels, width)[1:]
        self.register_buffer("positions", table_LD, persistent=False)

    def forward(self, patches: dict[Sensor, Tensor], masks: dict[Sensor, Mask]) -> dict[Sensor, Tensor]:
        """Tokens (B, 1 + K, D) of both sensors' kept patches, CLS first, in the order of the mask.

        Args:
            patches: (B, L, P) a sensor.
            masks: tell the kept ones.
        """
        tokens = {}
        for sensor in SENSORS:
            kept_BK = masks[sensor].kept
            tokens[sensor] = self._alone(take(patches[sensor], kept_BK), self.positions[kept_BK], sensor)
        for batch in self.config.batches:
            together = self.shared(torch.cat([tokens[sensor] for sensor in batch]))
            tokens |= dict(zip(batch, together.chunk(len(batch)), strict=True))
        return tokens

    def whole(self, patches_BLP: Tensor, sensor: Sensor) -> Tensor:
        """Tokens (B, 1 + L, D) of one sensor, nothing hidden, in raster order."""
        return self.shared(self._alone(patches_BLP, self.positions, sensor))  # type: ignore[no-any-return]  # a module's

    def describe(self, tokens_BKD: Tensor, sensor: Sensor) -> Tensor:
        """The descriptor (B, D) of an image: the normalised mean of its patch tokens, or its CLS token."""
        if self.config.pooling == "cls":
            return tokens_BKD[:, 0]
        norm = self.pooled_norms[sensor if self.config.encoder == "separate" else "both"]
        return norm(tokens_BKD[:, 1:].mean(dim=1))  # type: ignore[no-any-return]  # a module's

    def _alone(self, patches_BKP: Tensor, positions_BKD: Tensor, sensor: Sensor) -> Tensor:
        """Tokens (B, 1 + K, D) after the blocks that only this sensor passes."""
        tokens_BKD: Tensor = self.stems[sensor](patches_BKP, positions_BKD)
        return self.own[sensor](tokens_BKD) if sensor in self.own else tokens_BKD
