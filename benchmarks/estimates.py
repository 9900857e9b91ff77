"""How far predictions of memory and time lie from what trials then take, after one probe a size.

Held-out configurations (variant, size, batch, image size, bands, pooling) are predicted from the probe of one other
configuration of their size (CECD, 64 pixels), and then each is run as a real trial in a process of its own, on noise
as images. Compared are the peak of the process's resident memory (on a GPU: of its allocator) and the median time of a
step. Goal: memory within 10 %, time within 15 %, and the stated intervals hold 95 % of the time.

    python benchmarks/estimates.py                                   # about 10 minutes on two cores
    python benchmarks/estimates.py --quick
    python benchmarks/estimates.py --write docs/estimates.md         # puts the table between the file's marks
"""

import argparse
import json
import platform
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import numpy as np

from bench.data.decode import IDS_FILE, LABELS_FILE, image_file
from bench.data.pairs import SPLITS
from bench.plan.calibrate import Calibration, calibrate
from bench.plan.estimate import predictions
from bench.plan.plan import Probe, ProbePlan, TrialPlan
from bench.profile.hardware import probe as probe_hardware
from bench.result import Candidate, Costs, DataUse, Prediction, Training
from bench.run.events import CostsMeasured, Ended, Probed
from bench.run.executor import LocalExecutor
from bench.units import gib
from models.config import SENSORS, ModelConfig, Sensor, configure

PAIRS = {"train": 160, "query": 24, "archive": 48}
CLASSES = 4
STEPS = {"nano": 12, "tiny": 5}
GOALS = {"memory": 0.10, "step time": 0.15}
BEGIN, END = "<!-- measured -->", "<!-- end -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A configuration to predict."""

    variant: str
    size: str
    batch_pairs: int
    image_pixels: int = 64
    bands: tuple[int, int] = (2, 10)
    pooling: str = "mean"

    @property
    def model(self) -> ModelConfig:
        """Its network."""
        bands: dict[Sensor, int] = dict(zip(SENSORS, self.bands, strict=True))
        made = configure(self.variant, self.size, bands=bands, image_pixels=self.image_pixels)
        return replace(made, pooling=self.pooling)  # type: ignore[arg-type]  # one of the two words


VARIANTS = ("cecd", "cesd", "secd", "sesd")
PROBED = {
    "nano": Case(variant="cecd", size="nano", batch_pairs=32),
    "tiny": Case(variant="cecd", size="tiny", batch_pairs=4),
}
HELD_OUT = (
    *(Case(variant=v, size="nano", batch_pairs=b) for v in VARIANTS for b in (8, 64)),
    *(Case(variant=v, size="nano", batch_pairs=b, image_pixels=120) for v in VARIANTS for b in (16, 48)),
    *(Case(variant=v, size="nano", batch_pairs=128, image_pixels=32) for v in VARIANTS),
    *(Case(variant=v, size="nano", batch_pairs=24, bands=(1, 3)) for v in VARIANTS),
    *(Case(variant=v, size="nano", batch_pairs=96, pooling="cls") for v in VARIANTS),
    *(Case(variant=v, size="tiny", batch_pairs=b) for v in VARIANTS for b in (2, 8)),
    *(Case(variant=v, size="tiny", batch_pairs=3, image_pixels=120) for v in VARIANTS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A prediction beside what was measured."""

    case: Case
    what: str
    predicted: Prediction
    measured: float

    @property
    def error(self) -> float:
        """Measured over predicted, minus 1."""
        return self.measured / self.predicted.value - 1

    @property
    def inside(self) -> bool:
        """Whether the interval held."""
        return self.predicted.low <= self.measured <= self.predicted.high


def main() -> None:
    """Measure, print, and write the table where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="every fifth configuration")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=probe_hardware().cores_usable)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the marks of this file")
    asked = parser.parse_args()
    cases = HELD_OUT[::5] if asked.quick else HELD_OUT
    with tempfile.TemporaryDirectory() as folder, closing(LocalExecutor(Path(folder) / "log")) as executor:
        bench = Bench(executor, Path(folder), asked.device, asked.threads)
        probes = [bench.probe(case) for case in PROBED.values()]
        calibration = calibrate(probes, device=asked.device, precision="fp32", threads=asked.threads)
        compared = [row for case in cases for row in bench.compare(case, calibration)]
    print(table(compared))
    print(summary(compared, len(cases), asked.device, asked.threads))
    if asked.write:
        text = asked.write.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        parts = (
            before,
            BEGIN,
            "\n",
            summary(compared, len(cases), asked.device, asked.threads),
            "\n\n",
            table(compared),
        )
        asked.write.write_text("".join((*parts, "\n", END, after)), encoding="utf-8")


class Bench:
    """Runs probes and trials on noise."""

    def __init__(self, executor: LocalExecutor, folder: Path, device: str, threads: int) -> None:
        self.executor, self.folder, self.device, self.threads = executor, folder, device, threads

    def probe(self, case: Case) -> Probe:
        """The step of one configuration, as a run measures it."""
        job = ProbePlan(
            candidate=Candidate(variant=case.variant, size=case.size),
            model=case.model,
            training=Training(steps=1000, batch_pairs=case.batch_pairs),
            cache=str(self.cache(case)),
            device=self.device,
            precisions=("fp32",),
            threads=self.threads,
            budget_seconds=1.5,
        )
        (told,) = (e.probe for e in self.executor.run(job, timeout_seconds=300) if isinstance(e, Probed))
        return told

    def compare(self, case: Case, calibration: Calibration) -> Iterator[Compared]:
        """Predict a trial, run it, and put both side by side."""
        training = Training(steps=STEPS[case.size], batch_pairs=case.batch_pairs, warmup_steps=2)
        data = DataUse(
            name="noise",
            layout="noise",
            fingerprint="0" * 64,
            synthetic=True,
            labelled=True,
            train_pairs=PAIRS["train"],
            query_pairs=PAIRS["query"],
            archive_pairs=PAIRS["archive"],
        )
        said = {p.quantity: p for p in predictions(case.model, training, data, calibration)}
        costs = self._trial(case, training, data)
        memory = said.get("peak_memory_bytes") or said["peak_rss_bytes"]
        yield Compared(
            case=case,
            what="memory",
            predicted=memory,
            measured=float(costs.peak_memory_bytes or costs.peak_rss_bytes or 0),
        )
        yield Compared(case=case, what="step time", predicted=said["step_seconds"], measured=median(costs.step_seconds))

    def _trial(self, case: Case, training: Training, data: DataUse) -> Costs:
        plan = TrialPlan(
            trial_id="e",
            run_id="e",
            candidate=Candidate(variant=case.variant, size=case.size),
            seed=0,
            model=case.model,
            training=training,
            k=5,
            data=data,
            cache=str(self.cache(case)),
            device=self.device,
            precision="fp32",
            threads=self.threads,
            predicted_seconds=1.0,
            timeout_seconds=300.0,
        )
        costs = Costs()
        for event in self.executor.run(plan, timeout_seconds=300):
            if isinstance(event, CostsMeasured):
                costs = event.costs
            if isinstance(event, Ended):
                assert event.cause == "", f"{case}: {event.cause}"
        return costs

    def cache(self, case: Case) -> Path:
        """Noise in the form of decoded pairs of this shape."""
        folder = self.folder / f"{case.image_pixels}-{case.bands[0]}-{case.bands[1]}"
        if folder.is_dir():
            return folder
        random = np.random.default_rng(0)
        for split in SPLITS:
            place = folder / split
            place.mkdir(parents=True)
            for sensor, bands in zip(SENSORS, case.bands, strict=True):
                shape = (PAIRS[split], bands, case.image_pixels, case.image_pixels)
                np.save(place / image_file(sensor), random.standard_normal(shape).astype(np.float16))
            np.save(place / LABELS_FILE, random.random((PAIRS[split], CLASSES)) < 0.4)
            (place / IDS_FILE).write_text(json.dumps([f"{split}-{n}" for n in range(PAIRS[split])]), encoding="utf-8")
        return folder


def summary(compared: Sequence[Compared], cases: int, device: str, threads: int) -> str:
    """What came out, in Markdown."""
    where = f"{device}, {threads} threads" if device == "cpu" else device
    lines = [
        f"{cases} held-out configurations, {datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {where}, float32:",
        "",
        "| | median error | 90th percentile | within the goal | inside the 95 % interval |",
        "| --- | --- | --- | --- | --- |",
    ]
    for what, goal in GOALS.items():
        rows = [row for row in compared if row.what == what]
        errors = [abs(row.error) for row in rows]
        near = sum(error <= goal for error in errors)
        inside = sum(row.inside for row in rows)
        tenth = quantiles(errors, n=10)[-1]
        lines.append(
            f"| {what} | {median(errors):.1%} | {tenth:.1%} | {near} of {len(rows)} (±{goal:.0%}) "
            f"| {inside} of {len(rows)} |"
        )
    return "\n".join(lines)


def table(compared: Sequence[Compared]) -> str:
    """Every configuration, in Markdown."""
    lines = [
        "| configuration | | predicted | interval | measured | error | inside |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in compared:
        case, p = row.case, row.predicted

        def shown(value: float, what: str = row.what) -> str:
            return gib(value) if what == "memory" else f"{1000 * value:.0f} ms"

        name = f"{case.variant} {case.size}, batch {case.batch_pairs}, {case.image_pixels} px"
        name += f", {case.bands[0]} + {case.bands[1]} bands" * (case.bands != (2, 10))
        name += f", {case.pooling}" * (case.pooling != "mean")
        interval = f"{shown(p.low)} to {shown(p.high)}"
        inside = "yes" if row.inside else "**no**"
        cells = (name, row.what, shown(p.value), interval, shown(row.measured), f"{row.error:+.1%}", inside)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
