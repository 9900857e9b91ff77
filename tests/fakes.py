"""Fixed records for tests. Every number is made up."""

from dataclasses import fields, replace
from typing import Any

from bench.data.places import Place, Queries
from bench.plan.plan import Refusal, RunPlan, TrialPlan
from bench.profile import dataset as profile
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import Gpu, HardwareProfile
from bench.result import (
    DIRECTIONS,
    Candidate,
    Costs,
    DataUse,
    Losses,
    Outcome,
    Provenance,
    QueryScores,
    Score,
    Subject,
    Training,
    TrialResult,
)
from models.config import configure

GIB = 1024**3

GPU = Gpu(
    index=0,
    name="NVIDIA Imaginary 24",
    memory_total_bytes=24 * GIB,
    memory_free_bytes=23 * GIB,
    compute_capability="8.6",
    driver="570.00",
)

HARDWARE = HardwareProfile(
    cpu_name="Imaginary CPU at 2 GHz",
    cores_total=8,
    cores_usable=2,
    memory_total_bytes=32 * GIB,
    memory_limit_bytes=8 * GIB,
    memory_available_bytes=6 * GIB,
    gpus=(),
    gpu_note="no NVIDIA driver",
    platform="Linux x86_64",
)
"""A machine without a GPU."""

GPU_HARDWARE = replace(HARDWARE, gpus=(GPU,), gpu_note="")

CLASSES = ("Arable land", "Coniferous forest", "Inland waters", "Urban fabric")

DATASET = DatasetProfile(
    name="synthetic",
    layout="synthetic",
    fingerprint="5e" * 32,
    synthetic=True,
    pairs={"train": 64, "query": 8, "archive": 32},
    bands={"s1": ("VV", "VH"), "s2": ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")},
    image_pixels=32,
    classes=CLASSES,
    class_pairs={"train": (32, 24, 16, 8), "query": (4, 3, 2, 1), "archive": (16, 12, 8, 4)},
    labels_per_pair=1.5,
    unlabelled_pairs=0,
)

REAL_DATASET = replace(
    DATASET, name="BigEarthNet excerpt", layout="ben-v2-lmdb", fingerprint="be" * 32, synthetic=False
)

QUERIES = Queries(
    fingerprint=DATASET.fingerprint,
    places=tuple(Place(pair_id=f"query-{number}") for number in range(8)),
    labels=((0, 1), (0, 2), (0,), (0,), (1,), (1,), (2,), (3,)),
)
"""Of the synthetic data set: they lie nowhere."""

REAL_QUERIES = replace(
    QUERIES,
    fingerprint=REAL_DATASET.fingerprint,
    places=tuple(
        Place(pair_id=f"query-{number}", tile=tile, country=country, date=date)
        for number, (tile, country, date) in enumerate(
            3 * [("33UUP", "Austria", "2017-06-13")]
            + 2 * [("33UUP", "Austria", "2017-12-30")]
            + 2 * [("35VNJ", "Finland", "2018-02-04")]
            + [("35VNJ", None, None)]
        )
    ),
)

UNLABELLED_DATASET = replace(
    REAL_DATASET,
    name="pairs without labels",
    fingerprint="a0" * 32,
    classes=(),
    class_pairs={"train": (), "query": (), "archive": ()},
    labels_per_pair=None,
    unlabelled_pairs=104,
)

PROVENANCE = Provenance(
    tool_version="0.1.0",
    commit="0123abc",
    machine=HARDWARE.id,
    versions={"python": "3.11.9", "torch": "2.14.1"},
    started_at="2026-01-02T03:04:05+00:00",
    command="csmae-bench run --data synthetic",
)


def data_use(dataset: DatasetProfile = DATASET) -> DataUse:
    """The part of a data set's profile that a trial carries."""
    return profile.data_use(dataset)


def matrix(
    subject: Subject, cross: float, *, step: int, k: int = 10, within: float | None = None, labelled: bool = True
) -> tuple[Score, ...]:
    """A whole retrieval matrix.

    Args:
        cross: the F1, precision, recall and partner recall at k between sensors.
        within: the same within a sensor; 0.1 above `cross` when left out.
    """
    within = cross + 0.1 if within is None else within
    scores = []
    for query, archive in DIRECTIONS:
        value = within if query == archive else cross
        numbers: list[tuple[str, int | None, float]] = []
        if labelled:
            numbers += [("precision", k, value), ("recall", k, value)]
            numbers += [("f1_of_means", k, value), ("mean_pairwise_f1", k, 0.9 * value)]
        if query != archive:
            numbers += [("partner_recall", 1, value / 4), ("partner_recall", 5, value / 2)]
            numbers += [("partner_recall", 10, value), ("partner_mrr", None, value / 3)]
        scores += [
            Score(subject=subject, step=step, query=query, archive=archive, metric=metric, k=at, value=number)
            for metric, at, number in numbers
        ]
    return tuple(scores)


def query_scores(scores: tuple[Score, ...], queries: int) -> tuple[QueryScores, ...]:
    """Values of the queries for each score but the F1 of means: half above, half below, the score on average."""
    return tuple(
        QueryScores(
            query=score.query,
            archive=score.archive,
            metric=score.metric,
            k=score.k,
            values=tuple(score.value * (0.8 if number % 2 else 1.2) for number in range(queries)),
        )
        for score in scores
        if score.metric != "f1_of_means"
    )


def losses(steps: int, *, lap: int = 10) -> tuple[Losses, ...]:
    """A loss that falls, a row a lap, as an objective without MDE gives it."""
    return tuple(
        Losses(
            step=step, seconds=0.05 * step, learning_rate=1e-3, total=3 / step, umr=1 / step, cmr=1 / step, mim=1 / step
        )
        for step in range(lap, steps + 1, lap)
    )


def trial_result(
    *,
    variant: str = "cecd",
    size: str = "nano",
    seed: int = 0,
    outcome: Outcome = Outcome.COMPLETED,
    cause: str | None = None,
    dataset: DatasetProfile = DATASET,
    steps: int = 100,
    cross: float = 0.36,
    within: float | None = None,
    **changes: Any,  # noqa: ANN401  any field of the record
) -> TrialResult:
    """A trial: complete with curves and scores, or cut off in the middle of training for any other outcome.

    Args:
        cause: made from the outcome when left out.
        cross: trained cross-sensor F1 (and precision, recall, partner recall at 10).
        within: the same within a sensor; 0.1 above `cross` when left out.
    """
    done = outcome is Outcome.COMPLETED
    labelled = bool(dataset.classes)
    untrained = matrix("untrained", 0.19, step=0, labelled=labelled)
    trained = matrix("trained", cross, step=steps, within=within, labelled=labelled) if done else ()
    chance = matrix("chance", 0.15, step=0, within=0.15, labelled=labelled)
    steps_done = steps if done else steps // 2
    result = TrialResult(
        trial_id=f"run-{variant}-{size}-{seed}",
        run_id="run",
        candidate=Candidate(variant=variant, size=size),
        seed=seed,
        model=configure(
            variant,
            size,
            bands={sensor: len(names) for sensor, names in dataset.bands.items()},
            image_pixels=dataset.image_pixels,
        ),
        training=Training(steps=steps, batch_pairs=16),
        k=10,
        data=data_use(dataset),
        device="cpu",
        precision="fp32",
        threads=2,
        outcome=outcome,
        cause=("" if done else f"made up: {outcome.value}") if cause is None else cause,
        steps_done=steps_done,
        provenance=PROVENANCE,
        costs=Costs(
            parameters=600_000,
            step_seconds=(0.05, 0.06, 0.05),
            train_seconds=0.05 * steps_done,
            embed_seconds=0.5 if done else None,
            search_seconds=0.1 if done else None,
            total_seconds=0.05 * steps_done + 2,
            pairs_per_second=320.0,
            peak_rss_bytes=GIB // 2,
        ),
        losses=losses(steps_done),
        scores=untrained + chance + trained,
        query_scores=query_scores(trained, dataset.pairs["query"]),
    )
    return replace(result, **changes)


def trials(
    cross: dict[str, tuple[float, ...]],
    **changes: Any,  # noqa: ANN401  as for trial_result
) -> tuple[TrialResult, ...]:
    """Completed trials, seed by seed: {"cecd": (0.35, 0.37), "sesd": (0.36, 0.38)}."""
    seeds = max(len(values) for values in cross.values())
    return tuple(
        trial_result(variant=variant, seed=seed, cross=values[seed], **changes)
        for seed in range(seeds)
        for variant, values in cross.items()
        if seed < len(values)
    )


def trial_plan(result: TrialResult) -> TrialPlan:
    """What was planned for a trial that ended so."""
    shared = {field.name: getattr(result, field.name) for field in fields(TrialPlan) if hasattr(result, field.name)}
    return TrialPlan(**shared, cache="cache", predicted_seconds=7.0, timeout_seconds=81.0)


REFUSAL = Refusal(
    candidate=Candidate(variant="sesd", size="large"),
    reason="needs about 21.4 GB to train at batch 16, 6.4 GB are there",
)


def run_plan(*results: TrialResult, **changes: Any) -> RunPlan:  # noqa: ANN401  any field of the record
    """The plan of a run; of one trial, the default result's, when no results are given."""
    planned = tuple(trial_plan(result) for result in results or (trial_result(),))
    plan = RunPlan(
        run_id=planned[0].run_id,
        trials=planned,
        refusals=(REFUSAL,),
        predicted_seconds=7.0 * len(planned),
        notes=("arithmetic fp32, the fastest measured here", "100 steps a trial"),
    )
    return replace(plan, **changes)
