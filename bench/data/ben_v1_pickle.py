"""Reads one pickled BigEarthNet v1 patch without running anything that it names.

A pickle names classes and functions and calls them. Only the names that a patch needs are known here, and none of them
stands for the real thing: patches become plain records, and arrays are built from their bytes after their type and
size have been checked.
"""

import io
import pickle
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

_NUMBERS: Final = frozenset({"u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8"})


class _Record:
    """Stands for each class of the patch interface: its state is a dict."""

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("a patch or band whose state is no dict")
        # band objects keep their fields one level down
        self.fields: dict[Any, Any] = state.get("__dict__", state)


class _DType:
    """Stands for `numpy.dtype`."""

    def __init__(self, code: object, _align: object, _copy: object) -> None:
        if code not in _NUMBERS:
            raise pickle.UnpicklingError(f"an array of {code!r}, which is no plain number")
        self.numpy = np.dtype(str(code))

    def __setstate__(self, state: object) -> None:
        if not (isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "|")):
            raise pickle.UnpicklingError("an array type without a byte order")
        self.numpy = self.numpy.newbyteorder(state[1])


class _NdArray:
    """Stands for `numpy.ndarray` and for the function that makes an empty one, which its state then fills.

    The function has a class for a stand-in because a pickle may set attributes of a function, but of no class
    whose instances take a state.
    """

    def __init__(self, _kind: object, _shape: object, _code: object) -> None:
        self.numpy: NDArray[np.generic] | None = None

    def __setstate__(self, state: object) -> None:
        match state:
            case (_, (int(height), int(width)), _DType() as dtype, bool(fortran), bytes(raw)):
                # the claimed shape must be what the bytes give: nothing larger is ever allocated
                if min(height, width) < 1 or height * width * dtype.numpy.itemsize != len(raw):
                    raise pickle.UnpicklingError(f"an array of {height} x {width} from {len(raw)} bytes")
                order: Literal["F", "C"] = "F" if fortran else "C"
                self.numpy = np.frombuffer(raw, dtype.numpy).reshape((height, width), order=order)
            case _:
                raise pickle.UnpicklingError("an array that is no plain image")


_ALLOWED: Final[dict[tuple[str, str], object]] = {
    ("bigearthnet_patch_interface.merged_interface", "BigEarthNet_S1_S2_Patch"): _Record,
    ("bigearthnet_patch_interface.s1_interface", "BigEarthNet_S1_Patch"): _Record,
    ("bigearthnet_patch_interface.s2_interface", "BigEarthNet_S2_Patch"): _Record,
    ("bigearthnet_patch_interface.band_interface", "BenS1_Band"): _Record,
    ("bigearthnet_patch_interface.band_interface", "BenS2_10mBand"): _Record,
    ("bigearthnet_patch_interface.band_interface", "BenS2_20mBand"): _Record,
    ("bigearthnet_patch_interface.band_interface", "BenS2_60mBand"): _Record,
    ("numpy.core.multiarray", "_reconstruct"): _NdArray,
    ("numpy._core.multiarray", "_reconstruct"): _NdArray,
    ("numpy", "ndarray"): _NdArray,
    ("numpy", "dtype"): _DType,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> object:
        """The stand-in for a name."""
        try:
            return _ALLOWED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module_name}.{global_name}, which no patch needs") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class PickledPatch:
    """What a value of the LMDB holds."""

    bands: dict[str, NDArray[np.generic]]
    """Images by band name ("B02", "VV"), each in its own resolution."""
    labels: list[str]
    """Of the 19-class nomenclature, as they are written."""


def load_patch(value: bytes) -> PickledPatch:
    """Unpickle a patch.

    Raises: ValueError: it names something that no patch needs, or it is damaged.
    """
    try:
        patch = _Unpickler(io.BytesIO(value)).load()
        bands = {
            band.fields["name"]: band.fields["data"].numpy
            for sensor in ("s1_patch", "s2_patch")
            for band in patch.fields[sensor].fields.values()
            if isinstance(band, _Record)
        }
        labels = list(patch.fields["new_labels"])
    except Exception as error:  # whatever it is: the documentation of pickle promises nothing for damaged ones
        raise ValueError(str(error) or type(error).__name__) from error
    return PickledPatch(bands=bands, labels=labels)
