"""How well the times of an index over a larger archive are foretold from smaller ones.

Measures every kind of index over growing archives, of random vectors or of a trial's descriptors, then hides the
largest archives, foretells them from the rest and compares. The interval is meant to hold in 95 of 100 cases.

    python benchmarks/index.py                                  # random vectors, 16,384 real and up to 262,144
    python benchmarks/index.py --trial 3fa9c1d2-04 --items 1000000 --seconds 600
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.data.descriptors import Descriptors, descriptor_root, save
from bench.index.estimate import DEVIATION
from bench.index.kinds import KINDS
from bench.index.launch import launch
from bench.index.power_law import PowerLaw, Reading
from bench.index.records import IndexPlan
from bench.plan.index import IndexMeasurement
from bench.profile.hardware import probe
from models.config import SENSORS

QUANTITIES = ("latency_seconds", "batch_seconds", "build_seconds")


def main() -> None:
    """Measure, hide, foretell, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trial", help="whose descriptors; left out: random vectors")
    parser.add_argument("--items", type=int, default=262_144, help="largest archive")
    parser.add_argument("--real", type=int, default=16_384, help="random vectors that count as real")
    parser.add_argument("--width", type=int, default=96, help="of random vectors")
    parser.add_argument("--seconds", type=float, default=300.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = descriptor_root() if asked.trial else Path(folder)
        if not asked.trial:
            save("random", random_descriptors(asked.real, asked.width), root=root)
        measured = measure(asked.trial or "random", root, asked.items, asked.seconds, Path(folder) / "index.log")
    report(measured)


def random_descriptors(items: int, width: int) -> Descriptors:
    """Clustered vectors of few dimensions with a little noise, as descriptors of images are."""
    random = np.random.default_rng(0)
    basis = random.normal(size=(16, width)) * np.linspace(2, 0.2, 16)[:, np.newaxis]

    def side(count: int) -> NDArray[np.float32]:
        inner = random.normal(size=(count, 16))
        vectors = (inner + 2 * np.sign(inner)) @ basis + 0.1 * random.normal(size=(count, width))
        return np.asarray(vectors, dtype=np.float32)

    return Descriptors(
        query={sensor: side(500) for sensor in SENSORS}, archive={sensor: side(items) for sensor in SENSORS}
    )


def measure(trial_id: str, root: Path, items: int, seconds: float, log_file: Path) -> list[IndexMeasurement]:
    """In one direction, as long as the time lasts."""
    hardware = probe()
    plan = IndexPlan(
        trial_id=trial_id,
        descriptors=str(root),
        directions=(("s1", "s2"),),
        kinds=tuple(KINDS),
        k=10,
        items=items,
        threads=hardware.cores_usable,
        time_limit_seconds=seconds,
        memory_limit_bytes=hardware.memory_available_bytes,
        machine=hardware.id,
        tool_version="",
    )
    return [event for event in launch(plan, log_file=log_file) if isinstance(event, IndexMeasurement)]


def report(measured: Sequence[IndexMeasurement]) -> None:
    """A line for each index and quantity, and how often the interval held."""
    held: dict[str, list[bool]] = {name: [] for name in QUANTITIES}
    print(f"{'index':24}{'quantity':18}{'archive':>9}{'from':>9}{'measured':>11}{'foretold':>11}   interval (ms)")
    for kind, parameter in dict.fromkeys((one.kind, one.parameter) for one in measured):
        own = sorted((one for one in measured if (one.kind, one.parameter) == (kind, parameter)), key=lambda o: o.items)
        again = parameter != KINDS[kind].sweep[0]  # the setting of a search has no part in the building
        for name in QUANTITIES[:-1] if again else QUANTITIES:
            for hidden in (1, 2):
                known, last = own[:-hidden], own[-1]
                if len(known) < 2:
                    continue
                readings = {one.items: Reading(value=getattr(one, name), deviation=DEVIATION) for one in known}
                value, low, high = PowerLaw(readings).at(last.items, beside=DEVIATION)
                truth = getattr(last, name)
                held[name].append(low <= truth <= high)
                numbers = "".join(f"{1000 * number:11.3f}" for number in (truth, value))
                title = f"{KINDS[kind].title} {KINDS[kind].words(parameter)}"
                mark = "" if held[name][-1] else "  missed"
                print(
                    f"{title:24}{name:18}{last.items:9}{known[-1].items:9}{numbers}   "
                    f"[{1000 * low:.3f}, {1000 * high:.3f}]{mark}"
                )
    for name, cases in held.items():
        print(f"{name}: held in {sum(cases)} of {len(cases)} cases")


if __name__ == "__main__":
    main()
