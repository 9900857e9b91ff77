"""How many images of an archive share labels with a query: what the best order of the archive could give."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.score.descriptors import blocks
from bench.score.overlap import count_shared


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """Of one archive to each query and to each class."""

    images: int
    """Of the archive."""
    sharing: NDArray[np.int64]
    """How many of them share at least 1, 2, ... labels with each query: (queries, most labels of any)."""
    carrying: NDArray[np.int64]
    """How many of them carry each class."""

    @property
    def relevant(self) -> NDArray[np.int64]:
        """How many of them share at least one label with each query."""
        return self.sharing[:, 0]

    def twice(self) -> "Relevance":
        """Of an archive that holds every image twice, as one of both sensors does."""
        return Relevance(images=2 * self.images, sharing=2 * self.sharing, carrying=2 * self.carrying)


def relevance(query_labels_NC: NDArray[np.bool_], archive_labels_MC: NDArray[np.bool_]) -> Relevance:
    """Count over sets of labels that differ, which are far fewer than images."""
    query_UC, query_set_N = np.unique(query_labels_NC, axis=0, return_inverse=True)
    archive_VC, images_V = np.unique(archive_labels_MC, axis=0, return_counts=True)
    columns = 1 + max(1, int(query_UC.sum(axis=1).max()))
    sharing_US = np.empty((len(query_UC), columns - 1), dtype=np.int64)
    for rows in blocks(len(query_UC), len(archive_VC)):
        shared_BV = count_shared(query_UC[rows], archive_VC, np.arange(len(archive_VC))[np.newaxis])
        cell_BV = shared_BV + columns * np.arange(len(shared_BV))[:, np.newaxis]
        weights_BV = np.broadcast_to(images_V, cell_BV.shape)
        exactly_BS = np.bincount(cell_BV.ravel(), weights_BV.ravel(), minlength=columns * len(shared_BV))
        exactly_BS = exactly_BS.reshape(-1, columns)[:, 1:]
        sharing_US[rows] = exactly_BS[:, ::-1].cumsum(axis=1)[:, ::-1]
    return Relevance(
        images=len(archive_labels_MC),
        sharing=sharing_US[query_set_N],
        carrying=archive_labels_MC.sum(axis=0),
    )
