"""The cross-sensor masked autoencoder, wired from its parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from models import masking
from models.config import SENSORS, ModelConfig, Sensor
from models.decoder import Decoder
from models.encoder import Encoder
from models.losses import Losses, discrepancy, nt_xent, reconstruction_error
from models.masking import Mask, take


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstruction:
    """What a network makes of masked pairs, at all positions: for pictures and for comparison."""

    hidden: dict[Sensor, Tensor]
    """(B, L), true where the encoder does not see the patch, in raster order."""
    counted: dict[tuple[Sensor, Sensor], Tensor]
    """(B, L), true where the loss of a (source, target) in the objective looks, in raster order."""
    drawn: dict[tuple[Sensor, Sensor], Tensor]
    """(B, L, P) by (source, target), in raster order; within a patch: row, column, channel."""
    descriptors: dict[Sensor, Tensor]
    """(B, D), of the kept patches alone: what MIM and MDE see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the losses are made of, with gradient: the errors average over pairs, the descriptors are one a pair."""

    errors: dict[tuple[Sensor, Sensor], Tensor]
    """Reconstruction errors by (source, target), scalars; empty when neither UMR nor CMR is in the objective."""
    descriptors: dict[Sensor, Tensor]
    """(B, D), of the kept patches alone: what MIM and MDE see."""


class CSMAE(nn.Module):
    """Hackstein et al., 2024: an encoder and pixel decoders, each common to the sensors or specific."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        common = config.decoder == "common"
        targets: dict[str, tuple[Sensor, ...]] = {"both": SENSORS} if common else {s: (s,) for s in SENSORS}
        self.decoders = nn.ModuleDict({name: Decoder(served, config) for name, served in targets.items()})
        self.apply(_initialise)

    def forward(
        self,
        images: dict[Sensor, Tensor],
        noise: dict[Sensor, Tensor] | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Losses:
        """The training losses of a batch of pairs, image i of each sensor showing the same place.

        Args:
            images: (B, C, H, W) a sensor, normalised.
            noise: (B, L) a sensor: the patches of the lowest noise are kept. Drawn when left out.
            generator: draws the noise, on the network's device; torch's own when left out.
        Raises: ValueError: images of another shape than the config's, unequal numbers, or fewer than 2 pairs for MIM.
        """
        drawn = self.draw_noise(len(images["s1"]), generator) if noise is None else noise
        parts = self.parts(images, drawn)
        return self.objective(parts.errors, parts.descriptors)

    def parts(self, images: dict[Sensor, Tensor], noise: dict[Sensor, Tensor]) -> Parts:
        """What the losses of a batch, or of some pairs of it, are made of; arguments and errors as for `forward`."""
        patches = self._patches(images)
        masks = masking.draw(noise, self.config)
        tokens = self.encoder(patches, masks)
        made = self._decode(tokens, masks, self.config.counted_by)
        errors = {
            pair: reconstruction_error(made[pair], take(patches[pair[1]], masks[by].hidden))
            for pair, by in self.config.counted_by.items()
        }
        return Parts(errors=errors, descriptors=self._describe(tokens))

    def describe_kept(self, images: dict[Sensor, Tensor], noise: dict[Sensor, Tensor]) -> dict[Sensor, Tensor]:
        """The descriptors of `parts` alone, nothing decoded."""
        return self._describe(self.encoder(self._patches(images), masking.draw(noise, self.config)))

    def objective(self, errors: dict[tuple[Sensor, Sensor], Tensor], descriptors: dict[Sensor, Tensor]) -> Losses:
        """The losses of a whole batch from its parts."""
        s1_BD, s2_BD = (descriptors[sensor] for sensor in SENSORS)
        return Losses.of(
            errors,
            mim=nt_xent(s1_BD, s2_BD, temperature=self.config.temperature) if self.config.mim else None,
            mde=discrepancy(s1_BD, s2_BD) if self.config.mde else None,
        )

    def draw_noise(self, pairs: int, generator: torch.Generator | None = None) -> dict[Sensor, Tensor]:
        """Masking noise (B, L) a sensor, on the network's device; torch's own generator when left out."""
        device = self.encoder.positions.device
        return {s: torch.rand(pairs, self.config.patches, device=device, generator=generator) for s in SENSORS}

    @torch.no_grad()
    def reconstruct(self, images: dict[Sensor, Tensor], noise: dict[Sensor, Tensor]) -> Reconstruction:
        """What the network makes of pairs masked by this noise; arguments and errors as for `forward`."""
        patches = self._patches(images)
        masks = masking.draw(noise, self.config)
        tokens = self.encoder(patches, masks)
        hidden = {sensor: mask.hidden_in_raster() for sensor, mask in masks.items()}
        return Reconstruction(
            hidden=hidden,
            counted={pair: hidden[by] for pair, by in self.config.counted_by.items()},
            drawn=self._decode(tokens, masks, dict.fromkeys(product(SENSORS, SENSORS))),
            descriptors=self._describe(tokens),
        )

    def embed(self, images_BCHW: Tensor, sensor: Sensor) -> Tensor:
        """Descriptors (B, D) of one sensor's images, nothing hidden, not normalised."""
        return self.encoder.describe(self.encoder.whole(self._cut(images_BCHW, sensor), sensor), sensor)

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Groups for AdamW: matrices decay; biases, norms and tokens do not."""
        decayed = [parameter for parameter in self.parameters() if parameter.ndim > 1]
        rest = [parameter for parameter in self.parameters() if parameter.ndim <= 1]
        return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]

    def _describe(self, tokens: dict[Sensor, Tensor]) -> dict[Sensor, Tensor]:
        return {sensor: self.encoder.describe(tokens[sensor], sensor) for sensor in SENSORS}

    def _decode(
        self,
        tokens: dict[Sensor, Tensor],
        masks: dict[Sensor, Mask],
        counted_by: Mapping[tuple[Sensor, Sensor], Sensor | None],
    ) -> dict[tuple[Sensor, Sensor], Tensor]:
        made: dict[tuple[Sensor, Sensor], Tensor] = {}
        for decoder in self.decoders.values():
            made |= decoder(tokens, masks, counted_by)
        return made

    def _patches(self, images: dict[Sensor, Tensor]) -> dict[Sensor, Tensor]:
        counts = {sensor: len(images[sensor]) for sensor in SENSORS}
        if counts["s1"] != counts["s2"]:
            raise ValueError(f"a batch needs as many images of s1 as of s2, not {counts['s1']} and {counts['s2']}")
        return {sensor: self._cut(images[sensor], sensor) for sensor in SENSORS}

    def _cut(self, images_BCHW: Tensor, sensor: Sensor) -> Tensor:
        """Patches (B, L, P), in raster order; within a patch: row, column, channel."""
        pixels, patch = self.config.image_pixels, self.config.patch_pixels
        expected = (self.config.bands[sensor], pixels, pixels)
        if images_BCHW.shape[1:] != expected:
            raise ValueError(f"images of {sensor} have shape {tuple(images_BCHW.shape)}, not (pairs, *{expected})")
        side = pixels // patch
        grid = images_BCHW.reshape(-1, self.config.bands[sensor], side, patch, side, patch)
        return grid.permute(0, 2, 4, 3, 5, 1).reshape(-1, side * side, self.config.patch_values(sensor))


def build(config: ModelConfig, *, seed: int) -> CSMAE:
    """A new network on the CPU: equal configs and seeds give equal weights. The global generator is left as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also seed the GPUs
        return CSMAE(config)


def _initialise(module: nn.Module) -> None:
    """As in MAE (He et al., 2022); tokens are drawn where they are made, norms start as torch makes them."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
