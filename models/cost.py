"""What a network costs, by arithmetic alone: parameters, FLOPs, bytes. Imports no torch.

A multiply and an add are two FLOPs. Counted are matrix products (linear layers and attention), which is what torch's
FLOP counter counts too; norms, GELU, softmax and losses are not. MIM's similarity matrix, 8 * B * width per pair for a
batch of B pairs, is left out: it depends on the batch and is small.
"""

from models.config import SENSORS, ModelConfig, Sensor

MLP_RATIO = 4
FLOAT_BYTES = 4
"""Weights, optimiser state and the residual stream stay in float32 whatever the arithmetic."""


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

    Args:
        config: the network.
        bytes_per_value: 4 in float32, 2 under autocast to half precision (the residual stream stays in float32).
    """
    size, patches = config.size, config.patches
    residual = inner = 0
    for sensor in SENSORS:
        tokens = 1 + config.kept(sensor)
        inner += config.kept(sensor) * config.patch_values(sensor)
        residual += (2 * size.depth + 1) * tokens * size.width
        inner += (14 * size.depth + 1) * tokens * size.width
    for targets in _decoders(config):
        for places in _places(targets, config).values():
            tokens = 1 + patches
            residual += ((2 * size.decoder_depth - 1) * tokens + 2 * places) * size.decoder_width
            inner += (14 * (size.decoder_depth - 1) * tokens + 3 * tokens + 13 * places) * size.decoder_width
    pixels = sum(2 * _hidden(by, config) * config.patch_values(target) for (_, target), by in config.counted_by.items())
    return FLOAT_BYTES * (residual + pixels) + bytes_per_value * inner


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
