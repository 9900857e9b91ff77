"""The configuration file that the public CSMAE code (github.com/jakhac/CSMAE) reads, for one candidate.

Keys and their meaning were read in that repository: each is used by its train.py or by what that starts.
"""

from collections.abc import Iterator
from typing import Final

from bench.full.plan import LEARNING_RATE, SEED, WARMUP_EPOCHS
from bench.plan.full import PAPER_BATCH, PAPER_EPOCHS
from bench.result import Candidate
from models.config import VARIANTS, ModelConfig, Sensor, configure

PUBLIC_SIZES: Final = {"tiny": "vit_tiny", "small": "vit_small", "base": "vit_base", "large": "vit_large"}
"""What that code calls our sizes; it has no other."""

PUBLIC_BANDS: Final[dict[Sensor, int]] = {"s1": 2, "s2": 10}
"""Its channels are fixed."""

PUBLIC_PIXELS: Final = 120

DEPTHS_WHY: Final = (
    "The authors' files for CECD and CESD give 12 and 0 here, which builds two encoders that share no block.",
    "The files beside their released weights give 0 and 12, and the weights have these: they are followed.",
)
"""Said where a common encoder's depths differ from what the repository itself gives."""

PAPER: Final = "paper"
OURS: Final = "ours"
YOURS: Final = "yours"

_COMMENT_COLUMN: Final = 42

_Row = tuple[str, str]
"""A line of YAML, and whose value it holds."""


def public_config(candidate: Candidate, *, root_dir: str, split_dir: str, pairs: int | None = None) -> str:
    """The file's text: YAML with a comment behind each value that says whose it is.

    Args:
        root_dir: folder that holds BigEarthNetEncoded.lmdb.
        split_dir: folder of train.csv, val.csv and test.csv.
        pairs: training pairs to take, the first by name; None: all.
    Raises: ValueError: a size or variant that the public code does not have.
    """
    if candidate.size not in PUBLIC_SIZES:
        raise ValueError(f"the public code has no size {candidate.size!r}; it has {', '.join(PUBLIC_SIZES)}")
    if VARIANTS[candidate.variant].baseline:
        raise ValueError(f"the public code has no variant {candidate.variant!r}")
    model = configure(candidate.variant, candidate.size, bands=PUBLIC_BANDS, image_pixels=PUBLIC_PIXELS)
    rows = (
        *_surroundings(),
        *_network(candidate, model),
        *_data(root_dir, split_dir, pairs),
        *_optimisation(),
    )
    return "".join(f"{line}\n" for line in (*_head(candidate), *map(_commented, rows)))


def _head(candidate: Candidate) -> Iterator[str]:
    yield f"# {candidate.title} for the public CSMAE code: python train.py --config-path FOLDER --config-name FILE"
    yield "#"
    yield "# paper: as in the authors' configuration files. The paper's own text was not at hand; where it differs, it"
    yield "#   is right. ours: chosen here. yours: depends on your machine and accounts."
    yield "# Left out, since nothing in that repository reads them: optimizer.classifier_lr, scheduler.lr_decay_steps,"
    yield "#   data.num_classes."
    yield ""


def _surroundings() -> Iterator[_Row]:
    yield "defaults:", "of Hydra, which reads this file"
    yield "  - _self_", ""
    yield "  - override hydra/hydra_logging: disabled", ""
    yield "  - override hydra/job_logging: disabled", ""
    yield "hydra:", ""
    yield "  output_subdir: null", ""
    yield "  run:", ""
    yield "    dir: .", ""
    yield "wandb:", "Weights & Biases, which draws the losses"
    yield "  enabled: false", f"{OURS}: without an account; true needs the next two"
    yield "  entity: null", YOURS
    yield "  project: null", YOURS
    yield "augmentations:", ""
    yield "  - rrc:", "random crops"
    yield "      enabled: false", PAPER
    yield "    horizontal_flip:", ""
    yield "      prob: 0.5", PAPER
    yield "    vertical_flip:", ""
    yield "      prob: 0.5", PAPER
    yield f"    crop_size: {PUBLIC_PIXELS}", f"{PAPER}: the image as it is"
    yield "    num_crops: 1", PAPER


def _network(candidate: Candidate, model: ModelConfig) -> Iterator[_Row]:
    """The network and its objective."""
    yield "backbone:", ""
    yield f"  name: {PUBLIC_SIZES[candidate.size]}", PAPER if candidate.size == "base" else f"{OURS}; {PAPER}: vit_base"
    yield "  kwargs:", ""
    yield f"    patch_size: {model.patch_pixels}", PAPER
    yield f"    img_size: {model.image_pixels}", PAPER
    yield f"    in_chans: {sum(model.bands.values())}", f"{PAPER}: ten bands of Sentinel-2, two of Sentinel-1"
    depths = PAPER if model.size.depth == 12 else f"{OURS}; {PAPER}: of 12 blocks"
    if model.encoder == "common":
        yield from ((f"    # {sentence}", "") for sentence in DEPTHS_WHY)
    yield f"    multi_sensor_encoder_depth: {model.own_depth}", f"{depths}; blocks of each sensor"
    yield f"    cross_sensor_encoder_depth: {model.common_depth}", f"{depths}; blocks that both share"
    yield f"    masking_strategy: {model.masking}", PAPER
    yield "    global_pool: avg", PAPER
    yield "method_kwargs:", ""
    yield f"  decoder_embed_dim: {model.size.decoder_width}", PAPER
    yield f"  decoder_depth: {model.size.decoder_depth}", PAPER
    yield f"  decoder_num_heads: {model.size.decoder_heads}", PAPER
    yield f"  decoding_strategy: {model.decoder}", PAPER
    yield "  reconstruction_strategy: disjoint", f"{PAPER}: the source's hidden patches count across sensors"
    yield f"  mask_ratio: {model.mask_ratio}", PAPER
    yield "  norm_pix_loss: false", PAPER
    yield f"  apply_umr_loss: {_flag(model.umr)}", PAPER
    yield f"  apply_cmr_loss: {_flag(model.cmr)}", PAPER
    yield f"  apply_mde_loss: {_flag(model.mde)}", f"{PAPER}; true fails in that code"
    yield f"  apply_mim_loss: {_flag(model.mim)}", PAPER
    yield f"  mim_temp: {model.temperature}", PAPER


def _data(root_dir: str, split_dir: str, pairs: int | None) -> Iterator[_Row]:
    yield "data:", ""
    yield "  dataset: ben", PAPER
    yield f"  root_dir: {_quoted(root_dir)}", f"{YOURS}: the folder that holds BigEarthNetEncoded.lmdb"
    yield f"  split_dir: {_quoted(split_dir)}", f"{YOURS}: the folder of train.csv, val.csv, test.csv"
    if pairs is not None:
        yield f"  max_img_idx: {pairs}", f"{OURS}: the first so many by name, of every split; neighbours are alike"
    yield "  num_workers: 10", f"{PAPER}; {YOURS}: processes that read"
    yield "  num_bands: 12", PAPER
    yield f"  img_size: {PUBLIC_PIXELS}", PAPER


def _optimisation() -> Iterator[_Row]:
    yield "optimizer:", "AdamW"
    yield f"  batch_size: {PAPER_BATCH}", f"{PAPER}: of one device"
    yield f"  lr: {LEARNING_RATE:.1e}", PAPER
    yield "  weight_decay: 0.05", PAPER
    yield "  kwargs:", ""
    yield "    betas: [0.9, 0.95]", PAPER
    yield "scheduler:", ""
    yield "  name: warmup_cosine", PAPER
    yield "  warmup_start_lr: 0.0", PAPER
    yield "  min_lr: 0", PAPER
    yield f"  warmup_epochs: {WARMUP_EPOCHS}", PAPER
    yield "  interval: step", PAPER
    yield "checkpoint:", ""
    yield "  dir: trained_models", f"{PAPER}; {YOURS}"
    yield "find_unused_parameters: false", PAPER
    yield f"seed: {SEED}", PAPER
    yield (
        f"max_epochs: {PAPER_EPOCHS}",
        f"{PAPER}: the first public file; the later ones say 1, which trains next to nothing",
    )
    yield "devices: [0]", f"{PAPER}; {YOURS}"
    yield "sync_batchnorm: true", f"{PAPER}; there is no batch norm in the network"
    yield "accelerator: gpu", PAPER
    yield "precision: 16", PAPER


def _commented(row: _Row) -> str:
    line, whose = row
    return f"{line:<{_COMMENT_COLUMN}} # {whose}" if whose else line


def _flag(value: bool) -> str:  # noqa: FBT001  a value to write, not a choice
    return "true" if value else "false"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
