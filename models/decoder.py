"""The multi-sensor decoder: from the tokens of one sensor's kept patches to the pixels of any sensor."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # its name in every torch program

from models.config import SENSORS, ModelConfig, Sensor
from models.masking import Mask, take
from models.positions import sine_cosine


class Decoder(nn.Module):
    """One trunk with a pixel head for each of its target sensors.

    The trunk does not depend on the target, so one pass for a source serves all of its targets.
    """

    positions: Tensor
    """(L, D), fixed."""

    def __init__(self, targets: Iterable[Sensor], config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        size = config.size
        width = size.decoder_width
        self.embed = nn.Linear(size.width, width)
        self.mask_token = nn.Parameter(torch.empty(width).normal_(std=0.02))
        self.blocks = nn.Sequential(
            *(
                Block(width, size.decoder_heads, qkv_bias=True, norm_layer=nn.LayerNorm)
                for _ in range(size.decoder_depth)
            )
        )
        self.norm = nn.LayerNorm(width)
        self.heads = nn.ModuleDict({target: nn.Linear(width, config.patch_values(target)) for target in targets})
        table_LD = sine_cosine(config.image_pixels // config.patch_pixels, width)[1:]
        self.register_buffer("positions", table_LD, persistent=False)

    def forward(
        self,
        tokens: dict[Sensor, Tensor],
        masks: dict[Sensor, Mask],
        counted_by: Mapping[tuple[Sensor, Sensor], Sensor | None],
    ) -> dict[tuple[Sensor, Sensor], Tensor]:
        """Patches (B, N, P) of each (source, target) whose target is one of this decoder's.

        Args:
            tokens: of each source's kept patches, CLS first, as the encoder gives them.
            masks: of both sensors.
            counted_by: what to draw, by (source, target): the positions that this sensor's mask hides, in its order;
                None for all positions, in raster order.
        """
        mine = {pair: by for pair, by in counted_by.items() if pair[1] in self.heads}
        # targets that look at the same positions of a source ask the trunk once
        asked = {a: list(dict.fromkeys(by for (source, _), by in mine.items() if source == a)) for a in SENSORS}
        seen: dict[tuple[Sensor, Sensor | None], Tensor] = {}
        for batch in self.config.batches:
            sources = [source for source in batch if asked[source]]
            if not sources:
                continue
            places = {a: [_places(masks[a], masks[by] if by else None) for by in asked[a]] for a in sources}
            places_BN = torch.cat([torch.cat(places[source], dim=1) for source in sources])
            sequence_BLD = torch.cat([self._sequence(tokens[source], masks[source]) for source in sources])
            for source, seen_BND in zip(sources, self._trunk(sequence_BLD, places_BN).chunk(len(sources)), strict=True):
                parts = torch.split(seen_BND, [part.size(1) for part in places[source]], dim=1)
                seen |= {(source, by): part for by, part in zip(asked[source], parts, strict=True)}
        return {(source, target): self.heads[target](seen[source, by]) for (source, target), by in mine.items()}

    def _sequence(self, tokens_BKD: Tensor, mask: Mask) -> Tensor:
        """CLS, the kept patches, the hidden ones, each patch with its position: (B, 1 + L, D)."""
        tokens_BKD = self.embed(tokens_BKD)
        kept_BKD = tokens_BKD[:, 1:] + self.positions[mask.kept]
        hidden_BMD = self.mask_token + self.positions[mask.hidden]
        return torch.cat([tokens_BKD[:, :1], kept_BKD, hidden_BMD], dim=1)

    def _trunk(self, sequence_BLD: Tensor, places_BN: Tensor) -> Tensor:
        """The blocks' output (B, N, D) at these places of the sequence."""
        for block in self.blocks[:-1]:
            sequence_BLD = block(sequence_BLD)
        return self.norm(block_at(self.blocks[-1], sequence_BLD, places_BN))  # type: ignore[no-any-return]  # a module's


def block_at(block: Any, tokens_BLD: Tensor, places_BN: Tensor) -> Tensor:  # noqa: ANN401  # timm types no part of it
    """The output of a timm block at these places of the sequence only, (B, N, D).

    The other places serve as keys and values, and are spared the rest of the block.
    """
    attention, width = block.attn, tokens_BLD.size(-1)
    normed_BLD = block.norm1(tokens_BLD)
    query_weight, other_weight = attention.qkv.weight.split([width, 2 * width])
    query_bias, other_bias = attention.qkv.bias.split([width, 2 * width])
    query_BND = F.linear(take(normed_BLD, places_BN), query_weight, query_bias)
    key_BLD, value_BLD = F.linear(normed_BLD, other_weight, other_bias).chunk(2, dim=-1)
    query, key, value = (_by_head(rows, attention.num_heads) for rows in (query_BND, key_BLD, value_BLD))
    mixed_BND = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
    tokens_BND = take(tokens_BLD, places_BN) + attention.proj(mixed_BND)
    return tokens_BND + block.mlp(block.norm2(tokens_BND))  # type: ignore[no-any-return]  # a module's


def _by_head(rows_BND: Tensor, heads: int) -> Tensor:
    """(B, heads, N, D / heads)."""
    pairs, places, width = rows_BND.shape
    return rows_BND.view(pairs, places, heads, width // heads).transpose(1, 2)


def _places(source: Mask, counted: Mask | None) -> Tensor:
    """Where the positions that `counted` hides, all when None, stand in the source's sequence after CLS: (B, N)."""
    rank_BL = source.order.argsort(dim=1)
    return 1 + (rank_BL if counted is None else rank_BL.gather(1, counted.hidden))
