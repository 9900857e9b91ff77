"""Search and scores. Importing this package loads neither torch nor faiss."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What a number of the retrieval matrix means."""

    title: str
    """As people read it, without the k."""
    meaning: str
    """One sentence."""
    needs_labels: bool
    higher_is_better: bool = True
    unit: Literal["share", "reciprocal rank"] = "share"
    """Both lie between 0 and 1; a share may be shown in percent."""


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
}
"""Every metric by the key that `Score.metric` and `QueryScores.metric` carry."""
