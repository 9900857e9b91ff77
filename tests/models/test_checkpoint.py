import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from models.checkpoint import CheckpointError, load, load_released, released_state, save, save_released
from models.config import ModelConfig
from models.csmae import CSMAE, build

Toy = Callable[..., ModelConfig]


def _same(one: CSMAE, other: CSMAE) -> bool:
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("decoder", ["common", "specific"])
@pytest.mark.parametrize("encoder", ["common", "specific", "separate"])
def test_a_saved_model_comes_back_with_its_config(
    toy: Toy, tmp_path: Path, encoder: str, decoder: str, pooling: str
) -> None:
    model = build(toy(encoder=encoder, decoder=decoder, pooling=pooling), seed=3)
    save(model, tmp_path / "weights.safetensors")
    back = load(tmp_path / "weights.safetensors")
    assert back.config == model.config
    assert _same(back, model)


@pytest.mark.parametrize("decoder", ["common", "specific"])
@pytest.mark.parametrize("encoder", ["common", "specific"])
def test_the_released_format_is_read_as_it_is_written(toy: Toy, tmp_path: Path, encoder: str, decoder: str) -> None:
    model = build(toy(encoder=encoder, decoder=decoder), seed=3)
    save_released(model, tmp_path / "released.ckpt")
    assert _same(load_released(tmp_path / "released.ckpt", model.config), model)


def test_a_released_checkpoint_in_half_precision_is_read_into_float32(toy: Toy, tmp_path: Path) -> None:
    model, path = build(toy(), seed=3), tmp_path / "released.ckpt"
    _released(model, path, **{name: tensor.bfloat16() for name, tensor in released_state(model).items()})
    for stored, exact in zip(load_released(path, toy()).parameters(), model.parameters(), strict=True):
        assert torch.equal(stored, exact.bfloat16().float())


def _released(model: CSMAE, path: Path, **changes: Tensor | None) -> None:
    state: dict[str, Any] = released_state(model) | changes
    torch.save({"state_dict": {name: value for name, value in state.items() if value is not None}}, path)


def test_what_does_not_fit_is_refused_with_a_sentence_each(toy: Toy, tmp_path: Path) -> None:
    config, path = toy(), tmp_path / "released.ckpt"
    changes = {
        "backbone.norm.bias": None,
        "backbone.head.weight": torch.zeros(2),
        "decoder.decoder_pred_s2_to_s1.bias": torch.zeros(5),
        "decoder.decoder_pos_embed": torch.zeros(1, 10, 8),
    }
    _released(build(config, seed=0), path, **changes)
    with pytest.raises(CheckpointError) as refused:
        load_released(path, config)
    assert refused.value.problems == (
        "Lacks backbone.norm.bias.",
        "Holds backbone.head.weight, for which this config has no place.",
        "decoder.decoder_pred_s2_to_s1.bias is (5,) where this config needs (16,).",
        "decoder.decoder_pos_embed is not the fixed sine-cosine table of the method.",
    )
    assert str(refused.value).startswith(f"{path}: Lacks")


def test_a_checkpoint_of_another_variant_is_refused_in_few_words(toy: Toy, tmp_path: Path) -> None:
    save_released(build(toy(decoder="specific"), seed=0), tmp_path / "released.ckpt")
    with pytest.raises(CheckpointError, match=r"Lacks .* and 31 more. Holds .* and 61 more, for which") as refused:
        load_released(tmp_path / "released.ckpt", toy())
    assert len(str(refused.value)) < 800


def test_separate_encoders_have_no_released_form(toy: Toy, tmp_path: Path) -> None:
    config = toy(encoder="separate")
    with pytest.raises(CheckpointError, match="two separate encoders"):
        save_released(build(config, seed=0), tmp_path / "released.ckpt")
    with pytest.raises(CheckpointError, match="two separate encoders"):
        load_released(tmp_path / "released.ckpt", config)
    assert not (tmp_path / "released.ckpt").exists()


class _Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("executed",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"state_dict": {}, "hyper_parameters": _Hostile()}, "mkdir, which is no tensor"),
        ({"weights": {}}, 'Holds no "state_dict"'),
        ({"state_dict": {"a": 1}}, 'Holds no "state_dict" of tensors'),
        ({"state_dict": {1: torch.zeros(1)}}, 'Holds no "state_dict" of tensors'),
        ([1, 2], 'Holds no "state_dict"'),
    ],
)
def test_a_file_of_other_content_is_refused_and_never_executed(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: object, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(content, tmp_path / "other.ckpt")
    with pytest.raises(CheckpointError, match=words):
        load_released(tmp_path / "other.ckpt", toy())
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("content", [b"", b"hello, this is a text and no checkpoint", b"PK\x03\x04 cut off", None])
def test_a_file_that_is_no_checkpoint_is_refused_in_words(
    toy: Toy, tmp_path: Path, ours: bool, content: bytes | None
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"Not (readable|a checkpoint)"):
        load(path) if ours else load_released(path, toy())


@pytest.mark.parametrize("pickled", [b"", b"hello", b"\x80\x02h\x65."])
def test_an_archive_with_a_damaged_pickle_is_refused(toy: Toy, tmp_path: Path, pickled: bytes) -> None:
    path = tmp_path / "released.ckpt"
    with ZipFile(path, "w") as archive:
        archive.writestr("released/data.pkl", pickled)
        archive.writestr("released/version", "3")
    with pytest.raises(CheckpointError, match="damaged"):
        load_released(path, toy())


def test_a_truncated_checkpoint_is_refused(toy: Toy, tmp_path: Path) -> None:
    path = tmp_path / "released.ckpt"
    save_released(build(toy(), seed=0), path)
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(CheckpointError, match="cut off"):
        load_released(path, toy())


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (None, "Holds no config"),
        ({"config": "{}"}, "Its config cannot be used"),
        ({"config": "not json"}, "Its config cannot be used"),
    ],
)
def test_safetensors_without_a_usable_config_are_refused(
    tmp_path: Path, metadata: dict[str, str] | None, words: str
) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata=metadata)
    with pytest.raises(CheckpointError, match=words):
        load(path)


def test_our_file_with_weights_of_another_shape_is_refused(toy: Toy, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    wide, narrow = build(toy(bands={"s1": 2, "s2": 3}), seed=0), build(toy(), seed=0)
    wide.config = narrow.config
    save(wide, path)
    with pytest.raises(CheckpointError, match=r"encoder\.stems\.s1\.embed\.weight is \(16, 32\) where .* \(16, 16\)"):
        load(path)
