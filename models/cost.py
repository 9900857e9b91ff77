"""What a network costs, by arithmetic alone: parameters, FLOPs, bytes. Imports no torch.

A multiply and an add are two FLOPs. Counted are matrix products (linear layers and attention), which is what torch's
FLOP counter counts too; norms, GELU, softmax and losses are not. MIM's similarity matrix, 8 * B * width per pair for a
batch of B pairs, is left out: it depends on the batch and is small.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from models.config import SENSORS, ModelConfig, Sensor

MLP_RATIO = 4
FLOAT_BYTES = 4
"""Weights, optimiser state and the residual stream stay in float32 whatever the arithmetic."""

BACKWARD_ROWS: Final = 10
"""Widths of a token whose gradients a block's backward pass holds at once: two of the MLP's inside, two outside."""

Part = Literal["stems", "encoder", "decoder", "heads"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the backward pass does at once: a block, a stem, a head."""

    part: Part
    parameters: int
    kept_bytes: int
    """Per pair: what the forward pass keeps for backward."""
    working_bytes: int = 0
    """Per pair: gradients of activations that are there at once meanwhile."""


def parameters(config: ModelConfig) -> int:
    """Trainable parameters."""
    size = config.size
    trunk = (
        _linear_parameters(size.width, size.decoder_width)
        + size.decoder_width  # mask token
        + size.decoder_depth * _block_parameters(size.decoder_width)
        + _norm_parameters(size.decoder_width)
    )
    heads = sum(_linear_parameters(size.decoder_width, config.patch_values(target)) for target in SENSORS)
    return _encoder_trainable(config) + len(_decoders(config)) * trunk + heads


def encoder_parameters(config: ModelConfig) -> int:
    """Parameters of the encoder with its fixed positions: the figure that is published."""
    return _encoder_trainable(config) + (1 + config.patches) * config.size.width


def forward_flops(config: ModelConfig) -> int:
    """FLOPs of a training forward pass, per pair; backward takes twice as many again."""
    width = config.size.width
    encoder = sum(
        2 * config.kept(sensor) * config.patch_values(sensor) * width
        + config.size.depth * _block_flops(1 + config.kept(sensor), 1 + config.kept(sensor), width)
        for sensor in SENSORS
    )
    return encoder + sum(_decoder_flops(targets, config) for targets in _decoders(config))


def embed_flops(config: ModelConfig) -> int:
    """FLOPs to embed one image, nothing hidden; the mean of the two sensors, whose bands differ."""
    width, patches = config.size.width, config.patches
    values = sum(config.patch_values(sensor) for sensor in SENSORS)
    return patches * values * width + config.size.depth * _block_flops(1 + patches, 1 + patches, width)


def state_bytes(config: ModelConfig) -> int:
    """Weights, their gradients and the two moments of AdamW, all in float32."""
    return 4 * FLOAT_BYTES * parameters(config)


def activation_bytes(config: ModelConfig, bytes_per_value: int) -> int:
    """Bytes that a training forward pass keeps for backward, per pair: a lower bound of what training needs.

    Statistics of norms and of attention are left out, under 1 %; so is what autocast keeps in both widths, 3 to 7 %.

    Args:
        config: the network.
        bytes_per_value: 4 in float32, 2 under autocast to half precision (the residual stream stays in float32).
    """
    return sum(stage.kept_bytes for stage in stages(config, bytes_per_value))


def stages(config: ModelConfig, bytes_per_value: int) -> tuple[Stage, ...]:
    """The network in the order of the forward pass; arguments as for `activation_bytes`."""
    return (*_encoder_stages(config, bytes_per_value), *_decoder_stages(config, bytes_per_value))


def _encoder_stages(config: ModelConfig, bytes_per_value: int) -> Iterator[Stage]:
    width = config.size.width
    tokens = {sensor: 1 + config.kept(sensor) for sensor in SENSORS}
    separate = config.encoder == "separate"

    def norm(rows: int, *, last: bool) -> Stage:
        """Its output is the next block's input, counted there, but for the last one."""
        norms = 1 + (last and config.pooling == "mean")
        kept = (FLOAT_BYTES + bytes_per_value * last) * rows * width
        return Stage(part="encoder", parameters=norms * _norm_parameters(width), kept_bytes=kept)

    for sensor in SENSORS:
        values = config.patch_values(sensor)
        yield Stage(
            part="stems",
            parameters=_linear_parameters(values, width) + width,
            kept_bytes=bytes_per_value * config.kept(sensor) * values,
        )
        yield from [_block_stage("encoder", tokens[sensor], width, bytes_per_value)] * config.own_depth
        if config.own_depth:
            yield norm(tokens[sensor], last=separate)
    if not separate:
        rows = sum(tokens.values())
        yield from [_block_stage("encoder", rows, width, bytes_per_value)] * config.common_depth
        yield norm(rows, last=True)


def _decoder_stages(config: ModelConfig, bytes_per_value: int) -> Iterator[Stage]:
    size, width = config.size, config.size.decoder_width
    for targets in _decoders(config):
        places = _places(targets, config)
        asked, rows = sum(places.values()), len(places) * (1 + config.patches)
        yield Stage(part="decoder", parameters=_linear_parameters(size.width, width) + width, kept_bytes=0)
        yield from [_block_stage("decoder", rows, width, bytes_per_value)] * (size.decoder_depth - 1)
        yield Stage(
            part="decoder",
            parameters=_block_parameters(width) + _norm_parameters(width),
            kept_bytes=width * (FLOAT_BYTES * (rows + 2 * asked) + bytes_per_value * (3 * rows + 13 * asked)),
            working_bytes=bytes_per_value * BACKWARD_ROWS * asked * width,
        )
        for target in targets:
            values = config.patch_values(target)
            counted = sum(_hidden(by, config) for (_, drawn), by in config.counted_by.items() if drawn == target)
            yield Stage(
                part="heads",
                parameters=_linear_parameters(width, values),
                kept_bytes=2 * FLOAT_BYTES * counted * values,
                working_bytes=FLOAT_BYTES * counted * values,
            )


def _block_stage(part: Part, rows: int, width: int, bytes_per_value: int) -> Stage:
    return Stage(
        part=part,
        parameters=_block_parameters(width),
        kept_bytes=(2 * FLOAT_BYTES + 14 * bytes_per_value) * rows * width,
        working_bytes=bytes_per_value * BACKWARD_ROWS * rows * width,
    )


def _encoder_trainable(config: ModelConfig) -> int:
    width = config.size.width
    stems = sum(_linear_parameters(config.patch_values(sensor), width) + width for sensor in SENSORS)
    blocks = len(SENSORS) * config.own_depth + config.common_depth
    pooled = {"cls": 0, "mean": len(SENSORS) if config.encoder == "separate" else 1}[config.pooling]
    norms = len(SENSORS) * bool(config.own_depth) + (config.encoder != "separate") + pooled
    return stems + blocks * _block_parameters(width) + norms * _norm_parameters(width)


def _decoders(config: ModelConfig) -> tuple[tuple[Sensor, ...], ...]:
    """The targets of each decoder."""
    return (SENSORS,) if config.decoder == "common" else tuple((sensor,) for sensor in SENSORS)


def _hidden(sensor: Sensor, config: ModelConfig) -> int:
    return config.patches - config.kept(sensor)


def _places(targets: tuple[Sensor, ...], config: ModelConfig) -> dict[Sensor, int]:
    """How many positions the losses look at in each source's pass through the decoder of these targets."""
    looked = {(source, by) for (source, target), by in config.counted_by.items() if target in targets}
    places: dict[Sensor, int] = {}
    for source, by in looked:
        places[source] = places.get(source, 0) + _hidden(by, config)
    return places


def _decoder_flops(targets: tuple[Sensor, ...], config: ModelConfig) -> int:
    size, tokens = config.size, 1 + config.patches
    trunk = sum(
        2 * (1 + config.kept(source)) * size.width * size.decoder_width
        + (size.decoder_depth - 1) * _block_flops(tokens, tokens, size.decoder_width)
        + _block_flops(places, tokens, size.decoder_width)
        for source, places in _places(targets, config).items()
    )
    heads = sum(
        2 * _hidden(by, config) * size.decoder_width * config.patch_values(target)
        for (_, target), by in config.counted_by.items()
        if target in targets
    )
    return trunk + heads


def _block_flops(places: int, tokens: int, width: int) -> int:
    """A block that answers at some places of a sequence: keys and values of all tokens, the rest of the places."""
    key_value = 2 * tokens * width * 2 * width
    attention = 2 * 2 * places * tokens * width
    query_projection_mlp = 2 * places * width * (2 + 2 * MLP_RATIO) * width
    return key_value + attention + query_projection_mlp


def _block_parameters(width: int) -> int:
    attention = _linear_parameters(width, 3 * width) + _linear_parameters(width, width)
    mlp = _linear_parameters(width, MLP_RATIO * width) + _linear_parameters(MLP_RATIO * width, width)
    return attention + mlp + 2 * _norm_parameters(width)


def _linear_parameters(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def _norm_parameters(width: int) -> int:
    return 2 * width
