"""Small data sets on disk and in memory for the tests of the data layouts."""

import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import lmdb
import numpy as np
from numpy.typing import NDArray

from bench.data.pairs import BandStatistics, Image, Split
from bench.data.places import Place
from models.config import SENSORS, Sensor

PATCH_CLASSES = {
    "merged_interface": ("BigEarthNet_S1_S2_Patch",),
    "s1_interface": ("BigEarthNet_S1_Patch",),
    "s2_interface": ("BigEarthNet_S2_Patch",),
    "band_interface": ("BenS1_Band", "BenS2_10mBand", "BenS2_20mBand", "BenS2_60mBand"),
}
TEN_METRES = ("B02", "B03", "B04", "B08")
TWENTY_METRES = ("B05", "B06", "B07", "B11", "B12", "B8A")


class Band:
    """Pickles as the original's band objects do: its fields one level down."""

    def __init__(self, name: str, data: object) -> None:
        self.__dict__ |= {"name": name, "data": data}

    def __getstate__(self) -> dict[str, object]:
        return {"__dict__": dict(self.__dict__), "__fields_set__": {"name", "data"}, "__private_attribute_values__": {}}

    def __setstate__(self, state: dict[str, dict[str, object]]) -> None:
        self.__dict__ |= state["__dict__"]


@contextmanager
def patch_interface() -> Iterator[dict[str, type[Any]]]:
    """The modules that v1 patches were pickled from, with classes that hold data and do nothing, by class name."""
    classes: dict[str, type[Any]] = {}
    modules = {"bigearthnet_patch_interface": ModuleType("bigearthnet_patch_interface")}
    for module, names in PATCH_CLASSES.items():
        full = f"bigearthnet_patch_interface.{module}"
        modules[full] = ModuleType(full)
        for name in names:
            bases = (Band,) if module == "band_interface" else ()
            classes[name] = type(name, bases, {"__module__": full})
            setattr(modules[full], name, classes[name])
    sys.modules |= modules
    try:
        yield classes
    finally:
        for name in modules:
            del sys.modules[name]


def pickled_patch(labels: Sequence[object] = ("Arable land",), **bands: object) -> bytes:
    """A v1 value as its encoder writes it; bands given by name replace the plain ones."""
    with patch_interface() as classes:
        rows = {name: np.full((120, 120), 1000, np.uint16) for name in TEN_METRES}
        rows |= {name: np.full((60, 60), 1000, np.uint16) for name in TWENTY_METRES}
        radar = {name: np.full((120, 120), -12, np.float32) for name in ("VH", "VV")}
        patch, s1, s2 = (classes[f"BigEarthNet_{kind}_Patch"]() for kind in ("S1_S2", "S1", "S2"))
        for owner, names, kind in ((s1, radar, "BenS1_Band"), (s2, rows, "BenS2_10mBand")):
            for name, data in names.items():
                setattr(owner, f"band{name}", classes[kind](name, bands.get(name, data)))
        patch.s1_patch, patch.s2_patch, patch.new_labels = s1, s2, list(labels)
        return pickle.dumps(patch, protocol=4)


def write_lmdb(folder: Path, values: Mapping[str, bytes]) -> Path:
    """An LMDB; returns its folder."""
    with lmdb.open(str(folder), map_size=2**28) as environment, environment.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key.encode(), value)
    return folder


def write_v1(folder: Path, values: Mapping[str, bytes], splits: Mapping[str, Sequence[str]] | None = None) -> Path:
    """A v1 data set; without `splits` the keys take turns in train, val and test."""
    folder.mkdir(exist_ok=True)
    write_lmdb(folder / "BigEarthNetEncoded.lmdb", values)
    names = list(values)
    splits = splits or {name: names[start::3] for start, name in enumerate(("train", "val", "test"))}
    for name, rows in splits.items():
        (folder / f"{name}.csv").write_text("".join(f"{row}\n" for row in rows))
    return folder


@dataclass
class Bomb:
    """Runs a command where it is unpickled."""

    mark: Path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.mark}",)


def _random_image(pair_id: str, bands: int, pixels: int) -> Image:
    rng = np.random.default_rng(list(pair_id.encode()))
    return rng.normal(3, 2, (bands, pixels, pixels)).astype(np.float32)


@dataclass
class FakePairs:
    """Pairs of random numbers, each given by its name."""

    members: dict[Split, list[str]] = field(
        default_factory=lambda: {
            "train": ["t0", "t1", "t2", "t3", "t4"],
            "query": ["q0", "q1", "q2"],
            "archive": ["a0", "a1", "a2", "a3"],
        }
    )
    classes: tuple[str, ...] = ("field", "forest", "water")
    bands: dict[Sensor, tuple[str, ...]] = field(
        default_factory=lambda: {"s1": ("VH", "VV"), "s2": ("B02", "B03", "B08")}
    )
    image_pixels: int = 8
    name: str = "fakes"
    layout: str = "fake"
    synthetic: bool = False
    notes: tuple[str, ...] = ()
    changed: dict[str, dict[Sensor, Image]] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)

    def ids(self, split: Split) -> Sequence[str]:
        return self.members[split]

    def labels(self, split: Split) -> NDArray[np.bool_] | None:
        if not self.classes:
            return None
        rows = [
            np.random.default_rng(list(name.encode())).random(len(self.classes)) < 0.5 for name in self.members[split]
        ]
        return np.stack(rows)

    def places(self, split: Split) -> Sequence[Place]:
        return [Place(pair_id=pair_id) for pair_id in self.members[split]]

    def read(self, pair_id: str) -> dict[Sensor, Image]:
        self.reads.append(pair_id)
        if pair_id in self.changed:
            return self.changed[pair_id]
        return {s: _random_image(pair_id + s, len(self.bands[s]), self.image_pixels) for s in SENSORS}

    def statistics(self) -> dict[Sensor, BandStatistics]:
        return {
            s: BandStatistics(
                mean=tuple(3.0 + i for i in range(len(self.bands[s]))),
                std=tuple(2.0 + i for i in range(len(self.bands[s]))),
                source="made up",
            )
            for s in SENSORS
        }

    def close(self) -> None:
        return
