"""Weights in files: our own, with their config inside, and those of the released models."""

import re
from collections.abc import Collection, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from typing import Final
from zipfile import is_zipfile

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # its name in every torch program

from models.config import ModelConfig
from models.csmae import CSMAE, build

RELEASED_NAMES: Final[tuple[tuple[str, str], ...]] = (
    ("encoder.stems.s1.embed.", "backbone.patch_embed.proj."),
    ("encoder.stems.s2.embed.", "backbone.patch_embed_s2.proj."),
    ("encoder.stems.s1.cls", "backbone.cls_token"),
    ("encoder.stems.s2.cls", "backbone.cls_token_s2"),
    ("encoder.positions", "backbone.pos_embed"),
    ("encoder.own.s1.blocks.", "backbone.blocks_s1."),
    ("encoder.own.s2.blocks.", "backbone.blocks_s2."),
    ("encoder.own.s1.norm.", "backbone.norm_s1."),
    ("encoder.own.s2.norm.", "backbone.norm_s2."),
    ("encoder.shared.", "backbone."),
    ("encoder.pooled_norms.both.", "backbone.fc_norm."),
    ("decoders.both.heads.s1.", "decoder.decoder_pred_s2_to_s1."),
    ("decoders.both.heads.s2.", "decoder.decoder_pred_s1_to_s2."),
    ("decoders.both.mask_token", "decoder.mask_token"),
    ("decoders.both.positions", "decoder.decoder_pos_embed"),
    ("decoders.both.", "decoder.decoder_"),
    # a specific decoder serves every reconstruction of its target, the uni-modal one too
    ("decoders.s1.heads.s1.", "decoder_s2_to_s1.decoder_pred."),
    ("decoders.s2.heads.s2.", "decoder_s1_to_s2.decoder_pred."),
    ("decoders.s1.mask_token", "decoder_s2_to_s1.mask_token"),
    ("decoders.s2.mask_token", "decoder_s1_to_s2.mask_token"),
    ("decoders.s1.positions", "decoder_s2_to_s1.decoder_pos_embed"),
    ("decoders.s2.positions", "decoder_s1_to_s2.decoder_pos_embed"),
    ("decoders.s1.", "decoder_s2_to_s1.decoder_"),
    ("decoders.s2.", "decoder_s1_to_s2.decoder_"),
)
"""How our names begin and what the released files write instead; the first row that fits counts."""

SHOWN: Final = 3
"""Names spelled out in a message, of many."""

DAMAGE: Final = (UnpicklingError, RuntimeError, EOFError, LookupError, ValueError, TypeError, AttributeError)
"""What torch's restricted reader raises over an archive of other or damaged content."""


class CheckpointError(ValueError):
    """A file that does not hold the weights asked for."""

    def __init__(self, path: Path, *problems: str) -> None:
        super().__init__(f"{path}: {' '.join(problems)}")
        self.problems = problems
        """A sentence each."""


def save(model: CSMAE, path: Path) -> None:
    """Write weights and config."""
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, path, metadata={"config": msgspec.json.encode(model.config).decode()})


def load(path: Path) -> CSMAE:
    """Read what `save` wrote, on the CPU.

    Raises: CheckpointError: no such file, no file of ours, or weights that do not fit its config.
    """
    try:
        with safe_open(path, framework="pt") as file:
            written = (file.metadata() or {}).get("config")
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no mapping
    except (OSError, SafetensorError) as error:
        raise CheckpointError(path, f"Not readable as safetensors: {error}.") from error
    if written is None:
        raise CheckpointError(path, "Holds no config: it was not written by this program.")
    try:
        config = msgspec.json.decode(written, type=ModelConfig)
    except msgspec.DecodeError as error:
        raise CheckpointError(path, f"Its config cannot be used: {error}.") from error
    model = build(config, seed=0)
    if problems := [*_misfits(model.state_dict(), state)]:
        raise CheckpointError(path, *problems)
    model.load_state_dict(state)
    return model


def save_released(model: CSMAE, path: Path) -> None:
    """Write weights as a released checkpoint has them.

    Raises: CheckpointError: two separate encoders, for which the public code has no names.
    """
    _refuse_separate(model.config, path)
    torch.save({"state_dict": released_state(model)}, path)


def load_released(path: Path, config: ModelConfig) -> CSMAE:
    """Read a released Lightning checkpoint, on the CPU; objects other than plain data are never unpickled.

    Raises: CheckpointError: no checkpoint, or one that does not fit the config.
    """
    _refuse_separate(config, path)
    found = _lightning_state(path)
    model = build(config, seed=0)
    expected = released_state(model)
    if problems := [*_misfits(expected, found), *_other_positions(expected, found)]:
        raise CheckpointError(path, *problems)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            weights = found[released_name(name)]
            in_our_order = weights.movedim(1, -1) if weights.ndim == 4 else weights
            parameter.copy_(in_our_order.reshape(parameter.shape))
    return model


def released_name(name: str) -> str:
    """What the released files call our parameter or buffer of this name."""
    ours, theirs = next(row for row in RELEASED_NAMES if name.startswith(row[0]))
    return theirs + name.removeprefix(ours)


def released_state(model: CSMAE) -> dict[str, Tensor]:
    """Weights and fixed positions under the names and in the shapes of the released files."""
    patch = model.config.patch_pixels
    state = {}
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if re.fullmatch(r"encoder\.stems\..*\.embed\.weight", name):
            # theirs is a convolution: channel before row and column
            shaped = tensor.reshape(len(tensor), patch, patch, -1).movedim(-1, 1)
        elif name.endswith("positions"):
            shaped = F.pad(tensor, (0, 0, 1, 0)).unsqueeze(0)  # theirs has a row of zeros for CLS
        elif name.endswith((".cls", ".mask_token")):
            shaped = tensor.reshape(1, 1, -1)
        else:
            shaped = tensor
        state[released_name(name)] = shaped.detach().contiguous()
    return state


def _lightning_state(path: Path) -> dict[str, Tensor]:
    try:
        archive = BytesIO(path.read_bytes())
    except OSError as error:
        raise CheckpointError(path, f"Not readable: {error.strerror}.") from error
    if not is_zipfile(archive):
        raise CheckpointError(path, "Not a checkpoint written by torch.save, or cut off.")
    archive.seek(0)
    try:
        content = torch.load(archive, map_location="cpu", weights_only=True)
    except DAMAGE as error:
        if foreign := re.search(r"GLOBAL (\S+)", str(error)):
            advice = 'save {"state_dict": …} of it alone, with torch.save, where you trust the file'
            raise CheckpointError(path, f"Holds {foreign[1]}, which is no tensor: {advice}.") from error
        raise CheckpointError(path, "Not a checkpoint written by torch.save, or damaged.") from error
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()):
        raise CheckpointError(path, 'Holds no "state_dict" of tensors, as a Lightning checkpoint does.')
    return state


def _misfits(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Iterator[str]:
    """A sentence for each way in which names or shapes differ."""
    if missing := expected.keys() - found.keys():
        yield f"Lacks {_listed(missing)}."
    if unexpected := found.keys() - expected.keys():
        yield f"Holds {_listed(unexpected)}, for which this config has no place."
    for name in sorted(expected.keys() & found.keys()):
        if expected[name].shape != found[name].shape:
            yield f"{name} is {tuple(found[name].shape)} where this config needs {tuple(expected[name].shape)}."


def _other_positions(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Iterator[str]:
    for name in expected.keys() & found.keys():
        fixed, stored = expected[name], found[name].float()
        # as far as half precision can tell
        if name.endswith("pos_embed") and fixed.shape == stored.shape and not torch.allclose(fixed, stored, atol=4e-3):
            yield f"{name} is not the fixed sine-cosine table of the method."


def _listed(names: Collection[str]) -> str:
    shown = ", ".join(sorted(names)[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def _refuse_separate(config: ModelConfig, path: Path) -> None:
    if config.encoder == "separate":
        raise CheckpointError(path, "The released format has no names for two separate encoders.")
