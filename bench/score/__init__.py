"""Search and scores. Loads neither torch nor faiss."""

from dataclasses import dataclass
from typing import Final, Literal

Unit = Literal["share", "shared labels", "reciprocal rank", "rank", "distance"]
"""Of a metric. Shares and reciprocal ranks lie between 0 and 1, and a share may be shown in percent; shared labels
count labels of two images; a rank counts from 1; a distance lies between unit vectors, thus between 0 and 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What a number of the retrieval matrix means."""

    title: str
    """As people read it, without the k."""
    meaning: str
    """One sentence."""
    needs_labels: bool
    higher_is_better: bool = True
    unit: Unit = "share"
    per_class: bool = False
    """Whether `ClassScore` carries it, a value a class; otherwise `Score` does."""


METRICS: Final[dict[str, Metric]] = {
    "precision": Metric(
        title="precision",
        meaning="Labels shared with the query over the labels of the result, averaged over the k nearest.",
        needs_labels=True,
    ),
    "recall": Metric(
        title="recall",
        meaning="Labels shared with the query over the labels of the query, averaged over the k nearest.",
        needs_labels=True,
    ),
    "f1_of_means": Metric(
        title="F1",
        meaning="Harmonic mean of average precision and average recall: the number that the paper's code prints.",
        needs_labels=True,
    ),
    "mean_pairwise_f1": Metric(
        title="pairwise F1",
        meaning="F1 of each query with each of its k nearest, averaged afterwards.",
        needs_labels=True,
    ),
    "ndcg": Metric(
        title="nDCG",
        meaning="Sum over the k nearest of the number of labels shared with the query / log2(rank + 1), over the "
        "largest such sum that any order of the archive gives; 0 where no image of the archive shares a label.",
        needs_labels=True,
    ),
    "map": Metric(
        title="mAP",
        meaning="Sum of precision at the rank of each relevant image among the k nearest, over the relevant images of "
        "the archive or k, whichever is fewer, averaged over queries; relevant: shares at least one label.",
        needs_labels=True,
    ),
    "weighted_map": Metric(
        title="weighted mAP",
        meaning="Labels shared on average by the nearest images down to the rank of each relevant one, averaged over "
        "the relevant ones among the k nearest, then over queries; relevant: shares at least one label.",
        needs_labels=True,
        unit="shared labels",
    ),
    "macro_map": Metric(
        title="macro mAP",
        meaning="mAP of each class by itself, averaged over the classes that queries carry, rare ones as much as "
        "frequent ones.",
        needs_labels=True,
    ),
    "class_precision": Metric(
        title="class precision",
        meaning="Share of the k nearest that carry the class, averaged over the queries that carry it.",
        needs_labels=True,
        per_class=True,
    ),
    "class_map": Metric(
        title="class mAP",
        meaning="mAP over the queries that carry the class; relevant: carries it too.",
        needs_labels=True,
        per_class=True,
    ),
    "partner_recall": Metric(
        title="partner recall",
        meaning="Share of the queries whose own place, seen by the other sensor, is among the k nearest.",
        needs_labels=False,
    ),
    "partner_mrr": Metric(
        title="partner MRR",
        meaning="Mean of 1 / rank of the query's own place, seen by the other sensor.",
        needs_labels=False,
        unit="reciprocal rank",
    ),
    "partner_median_rank": Metric(
        title="partner median rank",
        meaning="Median rank of the query's own place, seen by the other sensor.",
        needs_labels=False,
        higher_is_better=False,
        unit="rank",
    ),
    "own_sensor_share": Metric(
        title="own sensor's share",
        meaning="Share of the query's own sensor among the k nearest in an archive that holds every place by both "
        "sensors; 0.5: the sensor does not matter, 1: the other one is never found.",
        needs_labels=False,
        higher_is_better=False,
    ),
    "modality_gap": Metric(
        title="modality gap",
        meaning="Euclidean distance between the mean unit descriptor of each sensor, over queries and archive.",
        needs_labels=False,
        higher_is_better=False,
        unit="distance",
    ),
}
"""Every metric by the key that `Score.metric`, `ClassScore.metric` and `QueryScores.metric` carry."""
