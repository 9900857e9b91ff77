"""Scores of one class at a time, over the queries that carry it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.score.ranking import average_precision, chance_average_precision
from bench.score.relevance import Relevance


@dataclass(frozen=True, slots=True, kw_only=True)
class ByClass:
    """A value a class; only classes that at least one query carries. A result is relevant when it carries the class."""

    classes: NDArray[np.int64]
    """Columns of the label matrix, from 0."""
    queries: NDArray[np.int64]
    """How many carry each."""
    precision: NDArray[np.float64]
    """Share of the k results that are relevant, averaged over those queries."""
    average_precision: NDArray[np.float64]
    """As in `Ranking`, averaged over those queries; 0 where no image of the archive carries the class."""

    def per_class(self) -> dict[str, NDArray[np.float64]]:
        """The values under their keys of `METRICS`."""
        return {"class_precision": self.precision, "class_map": self.average_precision}

    def means(self) -> dict[str, float]:
        """The average over classes under its key of `METRICS`; 0 when no query carries any."""
        macro = float(self.average_precision.mean()) if len(self.classes) else 0.0
        return {"macro_map": macro}


def by_class(
    ids_NK: NDArray[np.int64],
    query_labels_NC: NDArray[np.bool_],
    archive_labels_MC: NDArray[np.bool_],
    known: Relevance,
) -> ByClass:
    """Score the archive rows found for each query, the nearest first."""
    queries_C = query_labels_NC.sum(axis=0)
    classes = np.flatnonzero(queries_C)
    precision, ranked = np.empty(len(classes)), np.empty(len(classes))
    for place, label in enumerate(classes):
        carries_QK = archive_labels_MC[:, label][ids_NK[query_labels_NC[:, label]]]
        precision[place] = carries_QK.mean()
        in_archive_Q = np.full(len(carries_QK), known.carrying[label])
        ranked[place] = average_precision(carries_QK, in_archive_Q).mean()
    return ByClass(classes=classes, queries=queries_C[classes], precision=precision, average_precision=ranked)


def chance_by_class(query_labels_NC: NDArray[np.bool_], known: Relevance, k: int) -> ByClass:
    """What a random order of the archive scores on average: exact, and the same for every query of a class."""
    queries_C = query_labels_NC.sum(axis=0)
    classes = np.flatnonzero(queries_C)
    carrying = known.carrying[classes]
    return ByClass(
        classes=classes,
        queries=queries_C[classes],
        precision=carrying / known.images,
        average_precision=chance_average_precision(carrying, known.images, k),
    )
