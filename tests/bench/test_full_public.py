"""The file for the public code: what a YAML reader finds in it, and that each value says whose it is."""

import re
from typing import Any

import pytest

from bench.full.public import PUBLIC_SIZES, public_config
from bench.plan.plan import CONTENDERS
from bench.result import Candidate
from models.config import SIZES, VARIANTS

yaml: Any = pytest.importorskip("yaml", reason="a YAML reader, which is no dependency of ours")


def read(variant: str, size: str = "base", **fields: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401  of several types
    text = public_config(Candidate(variant=variant, size=size), root_dir="/a/b", split_dir="/c", **fields)
    found: dict[str, Any] = yaml.safe_load(text)
    return text, found


@pytest.mark.parametrize("variant", CONTENDERS)
@pytest.mark.parametrize("size", PUBLIC_SIZES)
def test_the_network_is_the_variants_with_depths_as_the_released_weights(variant: str, size: str) -> None:
    _, found = read(variant, size)
    kwargs, method, row = found["backbone"]["kwargs"], found["method_kwargs"], SIZES[size]
    shared = row.depth if VARIANTS[variant].encoder == "common" else row.shared_depth
    assert kwargs["cross_sensor_encoder_depth"] == shared
    assert kwargs["multi_sensor_encoder_depth"] == row.depth - shared
    assert method["decoding_strategy"] == VARIANTS[variant].decoder
    assert found["backbone"]["name"] == f"vit_{size}"
    assert [method[f"decoder_{part}"] for part in ("embed_dim", "depth", "num_heads")] == [512, 8, 16]


def test_a_common_encoder_says_why_its_depths_are_not_the_repositorys() -> None:
    assert "released weights" in read("cecd")[0]
    assert "released weights" not in read("secd")[0]


def test_values_are_the_published_ones_and_of_the_right_kind() -> None:
    _, found = read("secd")
    assert found["backbone"]["kwargs"] | {"multi_sensor_encoder_depth": 10, "cross_sensor_encoder_depth": 2} == {
        "patch_size": 15,
        "img_size": 120,
        "in_chans": 12,
        "multi_sensor_encoder_depth": 10,
        "cross_sensor_encoder_depth": 2,
        "masking_strategy": "random",
        "global_pool": "avg",
    }
    assert found["optimizer"] == {"batch_size": 128, "lr": 1e-4, "weight_decay": 0.05, "kwargs": {"betas": [0.9, 0.95]}}
    assert found["scheduler"] == {
        "name": "warmup_cosine",
        "warmup_start_lr": 0.0,
        "min_lr": 0,
        "warmup_epochs": 10,
        "interval": "step",
    }
    assert [found[key] for key in ("max_epochs", "seed", "precision", "devices")] == [150, 42, 16, [0]]
    method = found["method_kwargs"]
    assert [method[f"apply_{loss}_loss"] for loss in ("umr", "cmr", "mim", "mde")] == [True, True, True, False]
    assert (method["mask_ratio"], method["mim_temp"], method["reconstruction_strategy"]) == (0.5, 0.5, "disjoint")
    assert (found["data"]["root_dir"], found["data"]["split_dir"]) == ("/a/b", "/c")
    assert "max_img_idx" not in found["data"]


def test_every_value_says_whose_it_is() -> None:
    text, _ = read("sesd", "small", pairs=100)
    own = text[text.index("wandb:") :].splitlines()
    values = [line for line in own if re.search(r": \S", line.partition("#")[0])]
    assert len(values) > 40
    assert [line for line in values if not re.search(r"# (paper|ours|yours)", line)] == []


def test_fewer_pairs_odd_paths_and_what_the_public_code_lacks() -> None:
    assert read("secd", pairs=256)[1]["data"]["max_img_idx"] == 256
    text = public_config(Candidate(variant="secd", size="base"), root_dir="/it's: #1", split_dir="~")
    assert yaml.safe_load(text)["data"]["root_dir"] == "/it's: #1"
    assert yaml.safe_load(text)["data"]["split_dir"] == "~"
    for variant, size, word in (("secd", "nano", "no size"), ("mae", "base", "no variant")):
        with pytest.raises(ValueError, match=word):
            public_config(Candidate(variant=variant, size=size), root_dir="", split_dir="")
