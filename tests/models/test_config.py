from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from models.config import SIZES, VARIANTS, ModelConfig, Size, configure

Toy = Callable[..., ModelConfig]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"patch_pixels": 5}, "patch_pixels=5"),
        ({"size": replace(SIZES["nano"], heads=7)}, "heads=7"),
        ({"size": replace(SIZES["nano"], width=90, heads=1)}, "multiples of 4"),
        ({"size": replace(SIZES["nano"], decoder_heads=7)}, "decoder_heads=7"),
        ({"size": replace(SIZES["nano"], depth=0, shared_depth=0)}, "depth=0"),
        ({"size": replace(SIZES["nano"], decoder_depth=0)}, "decoder_depth=0"),
        ({"size": replace(SIZES["nano"], shared_depth=9)}, "shared_depth=9"),
        ({"bands": {"s1": 0, "s2": 3}}, "bands="),
        ({"bands": {"s1": 2}}, "bands="),
        ({"mask_ratio": 1.0}, "mask_ratio=1.0"),
        ({"mask_ratio": 0.99}, "mask_ratio=0.99"),
        ({"temperature": 0.0}, "temperature=0.0"),
        ({"umr": False, "cmr": False, "mim": False}, "at least one"),
    ],
)
def test_refuses_what_cannot_be_built_and_names_the_value(toy: Toy, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        toy(**fields)


def test_disjoint_masking_swaps_what_s2_keeps(toy: Toy) -> None:
    config = toy(masking="disjoint", mask_ratio=0.7)
    assert (config.kept("s1"), config.kept("s2")) == (2, 7)
    assert config.batches == (("s1",), ("s2",))


def test_sensors_that_keep_equally_many_go_as_one_batch(toy: Toy) -> None:
    assert toy(mask_ratio=0.7).batches == (("s1", "s2"),)


def test_the_released_placement_counts_what_the_source_hides(toy: Toy) -> None:
    assert toy().counted_by == {("s1", "s1"): "s1", ("s2", "s2"): "s2", ("s1", "s2"): "s1", ("s2", "s1"): "s2"}
    assert toy(umr=False, cross_placement="target").counted_by == {("s1", "s2"): "s2", ("s2", "s1"): "s1"}
    assert toy(cmr=False).counted_by == {("s1", "s1"): "s1", ("s2", "s2"): "s2"}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_candidate_survives_json(variant: str, size: str) -> None:
    config = configure(variant, size, bands={"s1": 2, "s2": 10}, image_pixels=120)
    assert config.patch_pixels == 15
    assert msgspec.json.decode(msgspec.json.encode(config), type=ModelConfig) == config


def test_paths_of_an_image_are_as_deep_in_every_variant() -> None:
    size = Size(width=8, depth=5, shared_depth=2, heads=2)
    depths = {
        variant: (config.own_depth, config.common_depth)
        for variant in VARIANTS
        for config in [replace(configure(variant, "nano", bands={"s1": 1, "s2": 1}, image_pixels=64), size=size)]
    }
    assert depths == {"cecd": (0, 5), "cesd": (0, 5), "secd": (3, 2), "sesd": (3, 2), "mae": (5, 0)}
