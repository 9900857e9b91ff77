"""Which GPUs CUDA shows, and what vendors promise of them."""

import pytest

from bench.profile.gpu import Place, slowdown_words, visible, visible_gpus
from bench.profile.nvml import Answers, Card
from bench.profile.peaks import PEAK_FLOPS, peak_flops

WHOLE = Card(name="whole", uuid="GPU-aa")
PARTED = Card(
    name="parted",
    uuid="GPU-bb",
    mig_mode=1,
    compute_capability=(8, 0),
    instances=(Card(name="first", uuid="MIG-c1"), Card(name="second", uuid="MIG-c2")),
)
EMPTY = Card(name="empty", uuid="GPU-cc", mig_mode=1)


@pytest.mark.parametrize(
    ("cards", "chosen", "places"),
    [
        ((PARTED,), None, [(0, 0)]),
        ((PARTED,), "0", [(0, 0)]),
        ((PARTED,), "GPU-b", [(0, 0)]),
        ((PARTED,), "MIG-c2", [(0, 1)]),
        ((PARTED,), "MIG-c2,MIG-c1", [(0, 1)]),
        ((PARTED,), "MIG-", []),
        ((PARTED,), "MIG-c3", []),
        ((WHOLE, PARTED), None, [(0, None), (1, 0)]),
        ((WHOLE, PARTED), "1,0", [(1, 0), (0, None)]),
        ((PARTED, PARTED), None, [(0, 0)]),
        ((EMPTY,), None, []),
        ((EMPTY, WHOLE), None, [(1, None)]),
    ],
)
def test_a_process_sees_no_more_than_one_instance(
    cards: tuple[Card, ...], chosen: str | None, places: list[Place]
) -> None:
    assert list(visible(cards, chosen)) == places


def test_a_parted_card_without_a_part_says_so() -> None:
    gpus, note = visible_gpus(Answers(cards=(EMPTY,)), None, sees_all_processes=True)
    assert gpus == ()
    assert note == "MIG is on and has no instance (nvidia-smi mig -cgi makes one)"


def test_an_instance_has_the_capability_of_its_card() -> None:
    (gpu,), _ = visible_gpus(Answers(cards=(PARTED,)), None, sees_all_processes=True)
    assert (gpu.name, gpu.compute_capability, gpu.mig) == ("first", "8.0", True)


@pytest.mark.parametrize(
    ("bits", "words"),
    [(0, ()), (0x101, ()), (0x4, ("power limit",)), (0x60, ("heat", "heat, near damage")), (0x800, ())],
)
def test_an_idle_gpu_is_not_slowed(bits: int, words: tuple[str, ...]) -> None:
    assert slowdown_words(bits) == words


@pytest.mark.parametrize(
    ("name", "precision", "peak"),
    [
        ("NVIDIA A100-SXM4-40GB", "bf16", 312e12),
        ("NVIDIA A100 80GB PCIe", "bf16", 312e12),
        ("NVIDIA A100-SXM4-40GB MIG 3g.20gb", "bf16", None),
        ("NVIDIA H100 80GB HBM3", "bf16", 989e12),
        ("NVIDIA H100 PCIe", "bf16", None),
        ("NVIDIA H200", "bf16", 989e12),
        ("NVIDIA H200 NVL", "bf16", None),
        ("Tesla T4", "fp16", 65e12),
        ("Tesla T4", "bf16", None),
        ("Tesla V100-SXM2-16GB", "fp16", 125e12),
        ("NVIDIA L4", "bf16", 121e12),
        ("NVIDIA L40", "bf16", None),
        ("NVIDIA GeForce RTX 4090", "bf16", 165.2e12),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "bf16", None),
        ("NVIDIA GeForce RTX 3090", "bf16", 71e12),
        ("NVIDIA GeForce RTX 3090 Ti", "bf16", None),
        ("", "fp32", None),
    ],
)
def test_only_the_very_card_has_a_peak(name: str, precision: str, peak: float | None) -> None:
    assert peak_flops(name, precision) == peak


@pytest.mark.parametrize("model", PEAK_FLOPS)
def test_less_precise_arithmetic_is_never_promised_to_be_slower(model: str) -> None:
    known = [PEAK_FLOPS[model][name] for name in ("fp32", "tf32", "bf16") if name in PEAK_FLOPS[model]]
    assert known == sorted(known)
