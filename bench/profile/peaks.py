"""What vendors promise: products of dense matrices, in FLOP/s. None for a card that is not in the table."""

from typing import Final

_A100: Final = {"fp32": 19.5e12, "tf32": 156e12, "bf16": 312e12, "fp16": 312e12}
_H100: Final = {"fp32": 67e12, "tf32": 494.5e12, "bf16": 989e12, "fp16": 989e12}
_V100: Final = {"fp32": 15.7e12, "fp16": 125e12}

PEAK_FLOPS: Final[dict[str, dict[str, float]]] = {
    # NVIDIA V100 datasheet, SXM2
    "V100-SXM2-16GB": _V100,
    "V100-SXM2-32GB": _V100,
    # NVIDIA T4 datasheet
    "T4": {"fp32": 8.1e12, "fp16": 65e12},
    # NVIDIA A100 datasheet, which gives all forms the same
    "A100-SXM4-40GB": _A100,
    "A100-SXM4-80GB": _A100,
    "A100-PCIE-40GB": _A100,
    "A100 80GB PCIe": _A100,
    # NVIDIA Ampere GA102 whitepaper, sums in float32
    "RTX 3090": {"fp32": 35.6e12, "tf32": 35.6e12, "bf16": 71e12, "fp16": 71e12},
    # NVIDIA Ada whitepaper, sums in float32
    "RTX 4090": {"fp32": 82.6e12, "tf32": 82.6e12, "bf16": 165.2e12, "fp16": 165.2e12},
    # NVIDIA L4 datasheet, which prints twice this, "with sparsity", but for float32
    "L4": {"fp32": 30.3e12, "tf32": 60e12, "bf16": 121e12, "fp16": 121e12},
    # NVIDIA H100 and H200 datasheets, SXM, the same; "H100 PCIe" and "H200 NVL" are slower cards
    "H100 80GB HBM3": _H100,
    "H200": _H100,
}
"""By the driver's name without the brand, and the precision. Vendors headline the sparse figure, twice this."""

_BRANDS: Final = {"NVIDIA", "Tesla", "GeForce"}


def peak_flops(gpu_name: str, precision: str) -> float | None:
    """The vendor's peak of the card with exactly this name; a MIG instance, named as such, has none."""
    model = " ".join(word for word in gpu_name.split() if word not in _BRANDS)
    return PEAK_FLOPS.get(model, {}).get(precision)
