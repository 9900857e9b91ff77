"""Every choice that defines a network, as plain data; the tables of variants and sizes. Imports no torch."""

from dataclasses import dataclass
from typing import Final, Literal

Sensor = Literal["s1", "s2"]
"""Sentinel-1 (radar) or Sentinel-2 (optical)."""

SENSORS: Final[tuple[Sensor, ...]] = ("s1", "s2")

EncoderSharing = Literal["common", "specific", "separate"]
"""Blocks shared by the sensors; blocks of their own before the shared ones; two encoders that share nothing."""

DecoderSharing = Literal["common", "specific"]
"""One trunk with a pixel head a sensor; a complete decoder for each target sensor."""

Masking = Literal["identical", "random", "disjoint"]
"""Whether the two sensors hide the same patches, independent ones, or exactly those that the other keeps."""

CrossPlacement = Literal["source", "target"]
"""Whose hidden patches count in the cross-modal loss: the released models use "source", the paper's figure "target"."""

Pooling = Literal["mean", "cls"]
"""What becomes the descriptor: the mean of the patch tokens, or the CLS token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Which parts of the autoencoder the two sensors share."""

    title: str
    """The name as the paper writes it."""
    encoder: EncoderSharing
    decoder: DecoderSharing
    baseline: bool = False
    """Trained to compare with, never recommended."""


VARIANTS: Final[dict[str, Variant]] = {
    "cecd": Variant(title="CECD", encoder="common", decoder="common"),
    "cesd": Variant(title="CESD", encoder="common", decoder="specific"),
    "secd": Variant(title="SECD", encoder="specific", decoder="common"),
    "sesd": Variant(title="SESD", encoder="specific", decoder="specific"),
    "mae": Variant(title="2 x MAE", encoder="separate", decoder="specific", baseline=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Widths and depths of encoder and decoder."""

    width: int
    depth: int
    """Blocks in the path of each image."""
    shared_depth: int
    """How many of them the sensors share, at the end, when the encoder is specific."""
    heads: int
    decoder_width: int = 512
    decoder_depth: int = 8
    decoder_heads: int = 16


SIZES: Final[dict[str, Size]] = {
    # ours, for CPUs
    "nano": Size(width=96, depth=4, shared_depth=2, heads=4, decoder_width=64, decoder_depth=1, decoder_heads=2),
    # the ViT sizes of the paper's code, with its decoder
    "tiny": Size(width=192, depth=12, shared_depth=2, heads=3),
    "small": Size(width=384, depth=12, shared_depth=2, heads=6),
    "base": Size(width=768, depth=12, shared_depth=2, heads=12),
    "large": Size(width=1024, depth=24, shared_depth=2, heads=16),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """One network and its training objective, complete: two equal configs build the same network."""

    encoder: EncoderSharing
    decoder: DecoderSharing
    size: Size
    bands: dict[Sensor, int]
    """Channels of each sensor's images."""
    image_pixels: int
    """Height and width of the images."""
    patch_pixels: int
    """Height and width of a patch."""
    masking: Masking = "random"
    mask_ratio: float = 0.5
    """Share of the patches hidden from the encoder (of S2 under disjoint masking: one minus it)."""
    cross_placement: CrossPlacement = "source"
    umr: bool = True
    """Uni-modal reconstruction: hidden patches of a sensor from its own kept ones."""
    cmr: bool = True
    """Cross-modal reconstruction: patches of a sensor from the other's kept ones."""
    mim: bool = True
    """Mutual information maximisation: NT-Xent between the descriptors of a batch."""
    mde: bool = False
    """Inter-modal discrepancy elimination: descriptors of a pair pulled together by angle."""
    temperature: float = 0.5
    """Divides the cosine similarities of MIM."""
    pooling: Pooling = "mean"

    def __post_init__(self) -> None:
        """Refuse what no network can be built from, naming field, value and rule."""
        if self.patch_pixels < 1 or self.image_pixels % self.patch_pixels:
            raise ValueError(f"patch_pixels={self.patch_pixels} does not divide image_pixels={self.image_pixels}")
        if self.size.width % self.size.heads:
            raise ValueError(f"heads={self.size.heads} does not divide width={self.size.width}")
        if self.size.width % 4 or self.size.decoder_width % 4:
            raise ValueError("width and decoder_width must be multiples of 4 for 2-D sine-cosine positions")
        if self.size.decoder_width % self.size.decoder_heads:
            raise ValueError(f"decoder_heads={self.size.decoder_heads} does not divide {self.size.decoder_width}")
        if not 0 <= self.size.shared_depth <= self.size.depth or min(self.size.depth, self.size.decoder_depth) < 1:
            depths = f"depth={self.size.depth}, decoder_depth={self.size.decoder_depth}"
            raise ValueError(f"{depths} must be at least 1, shared_depth={self.size.shared_depth} from 0 to depth")
        if set(self.bands) != set(SENSORS) or min(self.bands.values()) < 1:
            raise ValueError(f"bands={self.bands} must give at least one channel to each of s1 and s2")
        if not 0 < self.mask_ratio < 1 or not 0 < self.kept_patches < self.patches:
            raise ValueError(f"mask_ratio={self.mask_ratio} must keep and hide at least one of {self.patches} patches")
        if not self.temperature > 0:
            raise ValueError(f"temperature={self.temperature} must be above 0")
        if not (self.umr or self.cmr or self.mim or self.mde):
            raise ValueError("at least one of umr, cmr, mim and mde must be on")

    @property
    def patches(self) -> int:
        """Patches of an image (L)."""
        return (self.image_pixels // self.patch_pixels) ** 2

    @property
    def kept_patches(self) -> int:
        """Patches that the encoder sees of S1, and of S2 unless masking is disjoint (K)."""
        return int(self.patches * (1 - self.mask_ratio))

    def kept(self, sensor: Sensor) -> int:
        """Patches that the encoder sees of this sensor."""
        swapped = sensor == "s2" and self.masking == "disjoint"
        return self.patches - self.kept_patches if swapped else self.kept_patches

    def patch_values(self, sensor: Sensor) -> int:
        """Values in a patch of this sensor (P)."""
        return self.patch_pixels**2 * self.bands[sensor]

    @property
    def batches(self) -> tuple[tuple[Sensor, ...], ...]:
        """Sensors that pass shared blocks as one batch: both, if they keep equally many patches."""
        return (SENSORS,) if self.kept("s1") == self.kept("s2") else tuple((sensor,) for sensor in SENSORS)

    @property
    def counted_by(self) -> dict[tuple[Sensor, Sensor], Sensor]:
        """Each (source, target) that the objective reconstructs, with the sensor whose hidden patches count in it."""
        pairs = {(sensor, sensor): sensor for sensor in SENSORS if self.umr}
        if self.cmr:
            # under identical masking both placements mean the same patches
            by_source = self.cross_placement == "source" or self.masking == "identical"
            pairs |= {(a, b): a if by_source else b for a in SENSORS for b in SENSORS if a != b}
        return pairs

    @property
    def own_depth(self) -> int:
        """Blocks that each sensor has for itself."""
        return {"common": 0, "specific": self.size.depth - self.size.shared_depth, "separate": self.size.depth}[
            self.encoder
        ]

    @property
    def common_depth(self) -> int:
        """Blocks that both sensors pass."""
        return self.size.depth - self.own_depth


def configure(
    variant: str, size: str, *, bands: dict[Sensor, int], image_pixels: int, patch_pixels: int | None = None
) -> ModelConfig:
    """The config of a candidate for images of this shape, with the objective of the released models.

    Args:
        variant: a key of `VARIANTS`.
        size: a key of `SIZES`.
        bands: channels of each sensor.
        image_pixels: height and width of the images.
        patch_pixels: height and width of a patch; an eighth of the image when left out, as in the paper's 120 / 15.
    Raises: KeyError: no such variant or size. ValueError: shapes that do not fit.
    """
    row = VARIANTS[variant]
    return ModelConfig(
        encoder=row.encoder,
        decoder=row.decoder,
        size=SIZES[size],
        bands=bands,
        image_pixels=image_pixels,
        patch_pixels=patch_pixels or image_pixels // 8,
        cmr=not row.baseline,
        mim=not row.baseline,
    )
