"""Networks, data and probes for tests of planning. Every number is made up."""

from collections.abc import Sequence

from bench.plan.calibrate import calibrate
from bench.plan.forecast import Forecast, Setting
from bench.plan.plan import Probe
from bench.result import Candidate, DataUse, Training
from models.config import VARIANTS, ModelConfig, configure

CANDIDATES = [Candidate(variant=name, size="nano") for name, row in VARIANTS.items() if not row.baseline]
MAE = Candidate(variant="mae", size="nano")
MODELS: dict[Candidate, ModelConfig] = {
    c: configure(c.variant, c.size, bands={"s1": 2, "s2": 10}, image_pixels=64) for c in (*CANDIDATES, MAE)
}
DATA = DataUse(
    name="synthetic",
    layout="synthetic",
    fingerprint="f" * 64,
    synthetic=True,
    labelled=True,
    train_pairs=512,
    query_pairs=500,
    archive_pairs=1000,
)
SETTING = Setting(
    run_id="r",
    data=DATA,
    cache="/nowhere",
    device="cpu",
    precision="fp32",
    threads=2,
    training=Training(steps=1000, batch_pairs=32),
)


def probe_of(candidate: Candidate, step_seconds: float = 0.1) -> Probe:
    return Probe(
        candidate=candidate,
        model=MODELS[candidate],
        batch_pairs=32,
        threads=2,
        precision="fp32",
        matmul_flops={"fp32": 1e11},
        step_seconds=step_seconds,
        embed_pairs_per_second=1500,
        start_seconds=0.5,
        steps=10,
    )


def forecast_of(*probes: Probe, data: DataUse = DATA, baselines: Sequence[Candidate] = ()) -> Forecast:
    """What is predicted from these probes alone; baselines are not probed."""
    models = {probe.candidate: MODELS[probe.candidate] for probe in probes}
    return Forecast(models, data, calibrate(probes, threads=2), baselines={c: MODELS[c] for c in baselines})
