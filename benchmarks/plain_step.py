"""The training step without any of our shortcuts, as the public code makes it: what `train_step.py` divides by.

One sensor after the other, attention written out, four decodings of all positions, pixels of all patches.
"""

from collections.abc import Mapping
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # its name in every torch program

from models.config import SENSORS, ModelConfig, Sensor

Weights = Mapping[str, Tensor]
"""By the names of the released checkpoints."""


def plain_loss(
    weights: Weights, images: dict[Sensor, Tensor], noise: dict[Sensor, Tensor], config: ModelConfig
) -> Tensor:
    """UMR + CMR + MIM under random masking, cross-modal patches placed by the source."""
    shuffled = {sensor: noise[sensor].argsort(dim=1) for sensor in SENSORS}
    tokens = {sensor: _encode(weights, images[sensor], shuffled[sensor], sensor, config) for sensor in SENSORS}
    losses = []
    for source, target in product(SENSORS, SENSORS):
        drawn_BLP = _decode(weights, tokens[source], shuffled[source], target, config)
        error_BL = (drawn_BLP - _patches(images[target], config.patch_pixels)).square().mean(dim=-1)
        hidden_BL = torch.ones_like(error_BL).scatter(1, shuffled[source][:, : config.kept_patches], 0.0)
        losses.append((error_BL * hidden_BL).sum() / hidden_BL.sum())
    pooled = (_norm(weights, "backbone.fc_norm", tokens[sensor][:, 1:].mean(dim=1), 1e-6) for sensor in SENSORS)
    return torch.stack([*losses, _nt_xent(*pooled, temperature=config.temperature)]).sum()


def _encode(weights: Weights, images_BCHW: Tensor, shuffled_BL: Tensor, sensor: Sensor, config: ModelConfig) -> Tensor:
    suffix = {"s1": "", "s2": "_s2"}[sensor]
    projection = f"backbone.patch_embed{suffix}.proj"
    grid = F.conv2d(
        images_BCHW, weights[f"{projection}.weight"], weights[f"{projection}.bias"], stride=config.patch_pixels
    )
    positions = weights["backbone.pos_embed"]
    tokens_BLD = grid.flatten(2).transpose(1, 2) + positions[:, 1:]
    kept_BK = shuffled_BL[:, : config.kept_patches]
    tokens_BKD = tokens_BLD.gather(1, kept_BK.unsqueeze(-1).expand(-1, -1, tokens_BLD.size(-1)))
    cls = weights[f"backbone.cls_token{suffix}"] + positions[:, :1]
    x = torch.cat([cls.expand(len(tokens_BKD), -1, -1), tokens_BKD], dim=1)
    if config.own_depth:
        for index in range(config.own_depth):
            x = _block(weights, f"backbone.blocks_{sensor}.{index}", x, config.size.heads, 1e-6)
        x = _norm(weights, f"backbone.norm_{sensor}", x, 1e-6)
    for index in range(config.common_depth):
        x = _block(weights, f"backbone.blocks.{index}", x, config.size.heads, 1e-6)
    return _norm(weights, "backbone.norm", x, 1e-6)


def _decode(weights: Weights, tokens_BKD: Tensor, shuffled_BL: Tensor, target: Sensor, config: ModelConfig) -> Tensor:
    named = {"s1": "s2_to_s1", "s2": "s1_to_s2"}[target]
    common = config.decoder == "common"
    decoder = "decoder" if common else f"decoder_{named}"
    x = _linear(weights, f"{decoder}.decoder_embed", tokens_BKD)
    hidden = weights[f"{decoder}.mask_token"].expand(len(x), shuffled_BL.size(1) + 1 - x.size(1), -1)
    patches_BLD = torch.cat([x[:, 1:], hidden], dim=1)
    restore_BLD = shuffled_BL.argsort(dim=1).unsqueeze(-1).expand_as(patches_BLD)
    x = torch.cat([x[:, :1], patches_BLD.gather(1, restore_BLD)], dim=1) + weights[f"{decoder}.decoder_pos_embed"]
    for index in range(config.size.decoder_depth):
        x = _block(weights, f"{decoder}.decoder_blocks.{index}", x, config.size.decoder_heads, 1e-5)
    x = _norm(weights, f"{decoder}.decoder_norm", x, 1e-5)
    return _linear(weights, f"{decoder}.decoder_pred_{named}" if common else f"{decoder}.decoder_pred", x)[:, 1:]


def _block(weights: Weights, name: str, x: Tensor, heads: int, epsilon: float) -> Tensor:
    pairs, length, width = x.shape
    qkv = _linear(weights, f"{name}.attn.qkv", _norm(weights, f"{name}.norm1", x, epsilon))
    query, key, value = qkv.reshape(pairs, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4).unbind(0)
    attention = (query * (width // heads) ** -0.5 @ key.transpose(-2, -1)).softmax(dim=-1)
    mixed = (attention @ value).transpose(1, 2).reshape(pairs, length, width)
    x = x + _linear(weights, f"{name}.attn.proj", mixed)
    inner = F.gelu(_linear(weights, f"{name}.mlp.fc1", _norm(weights, f"{name}.norm2", x, epsilon)))
    return x + _linear(weights, f"{name}.mlp.fc2", inner)


def _linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def _norm(weights: Weights, name: str, x: Tensor, epsilon: float) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], epsilon)


def _patches(images_BCHW: Tensor, patch: int) -> Tensor:
    pairs, bands, height, width = images_BCHW.shape
    grid = images_BCHW.reshape(pairs, bands, height // patch, patch, width // patch, patch)
    return torch.einsum("nchpwq->nhwpqc", grid).reshape(pairs, -1, patch * patch * bands)


def _nt_xent(s1_BD: Tensor, s2_BD: Tensor, *, temperature: float) -> Tensor:
    both_AD = F.normalize(torch.cat([s1_BD, s2_BD]), dim=1)
    similarity_AA = (both_AD @ both_AD.T / temperature).exp()
    others_A = similarity_AA.sum(dim=1) - similarity_AA.diagonal()
    pairs = len(s1_BD)
    partner_A = torch.cat([similarity_AA.diagonal(pairs), similarity_AA.diagonal(-pairs)])
    return -(partner_A / others_A).log().mean()
