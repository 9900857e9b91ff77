import pickle
from pathlib import Path

import numpy as np
import pytest

from bench.data.ben_v1_pickle import load_patch
from data_fakes import Bomb, patch_interface, pickled_patch


def test_a_patch_gives_its_bands_and_19_class_labels() -> None:
    red = np.arange(120 * 120, dtype=np.uint16).reshape(120, 120)
    radar = np.linspace(-40, 10, 120 * 120, dtype=np.float32).reshape(120, 120)
    patch = load_patch(pickled_patch(["Pastures", "Arable land"], B04=red, VV=radar))
    assert patch.labels == ["Pastures", "Arable land"]
    assert np.array_equal(patch.bands["B04"], red)
    assert np.array_equal(patch.bands["VV"], radar)
    assert patch.bands["B05"].shape == (60, 60)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<u2", ">u2", "<f4", ">i4", "u1"])
def test_arrays_of_any_byte_and_memory_order_are_read_as_numpy_reads_them(kind: str, order: str) -> None:
    band = np.array(np.arange(120 * 120).reshape(120, 120) % 200, dtype=kind, order="F" if order == "F" else "C")
    assert np.array_equal(load_patch(pickled_patch(B02=band)).bands["B02"], band)


@pytest.mark.parametrize("protocol", range(6))
def test_a_command_in_a_pickle_does_not_run(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "ran"
    with pytest.raises(ValueError, match="which no patch needs"):
        load_patch(pickle.dumps(Bomb(mark), protocol=protocol))
    assert not mark.exists()


def test_a_command_hidden_among_the_bands_of_a_patch_does_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    with pytest.raises(ValueError, match="which no patch needs"):
        load_patch(pickled_patch(B02=Bomb(mark)))
    assert not mark.exists()


@pytest.mark.parametrize(
    "value",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cbuiltins\ngetattr\n.",
        b"cnumpy\nload\n.",
        b"cnumpy.core.multiarray\nscalar\n.",
        b"cbigearthnet_patch_interface.band_interface\nBenS2_10mBand.__init__\n.",
        b"\x80\x04\x8c\x05numpy\x8c\x0fndarray.tofile.x\x93.",
        b"\x80\x02\x82\x01.",
        b"Pthe id of a thing kept elsewhere\n.",
        b"\x80\x05\x97.",
    ],
    ids=["eval", "getattr", "numpy.load", "scalar", "method", "dotted", "extension", "persistent", "buffer"],
)
def test_everything_but_the_names_of_a_patch_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        load_patch(value)


def test_a_pickle_cannot_change_the_stand_ins() -> None:
    sound = pickled_patch()
    set_attribute = (
        b"\x80\x04\x8c\x15numpy.core.multiarray\x8c\x0c_reconstruct\x93N}\x8c\x0b__setstate__\x8c\x00s\x86b."
    )
    with pytest.raises(ValueError, match=r"."):
        load_patch(set_attribute)
    assert load_patch(sound).labels == ["Arable land"]


def _with_array_state(*state: object) -> bytes:
    class Forged:
        def __reduce__(self) -> tuple[object, ...]:
            empty = np.zeros((0,), "u2").__reduce__()
            return (empty[0], empty[1], state)

    return pickled_patch(B02=Forged())


@pytest.mark.parametrize(
    "value",
    [
        _with_array_state(1, (10**9, 10**9), np.dtype("u2"), False, b"ab"),
        _with_array_state(1, (10**18,), np.dtype("u2"), False, b""),
        _with_array_state(1, (0, 0), np.dtype("u2"), False, b""),
        _with_array_state(1, (-1, -1), np.dtype("u2"), False, b"ab"),
        _with_array_state(1, (1, 1), np.dtype("O"), False, [print]),
        _with_array_state(1, (1, 1), np.dtype("O"), False, b"12345678"),
        _with_array_state(1, (1, 1), np.dtype("V8"), False, b"12345678"),
        _with_array_state("nonsense"),
        pickled_patch(B02=np.array([object()])),
        pickled_patch(B02="no array"),
        pickled_patch()[:-5000],
        pickled_patch()[:100],
        b"",
        pickle.dumps({"a": "dict"}),
    ],
    ids=[
        "huge", "long", "empty", "negative", "object list", "object bytes", "void", "nonsense", "objects", "text",
        "cut late", "cut early", "nothing", "no patch",
    ],
)  # fmt: skip
def test_arrays_that_are_no_plain_images_and_damaged_patches_are_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        load_patch(value)


def test_a_patch_without_a_sensor_is_refused() -> None:
    with patch_interface() as classes:
        value = pickle.dumps(classes["BigEarthNet_S1_S2_Patch"]())
    with pytest.raises(ValueError, match=r"."):
        load_patch(value)
