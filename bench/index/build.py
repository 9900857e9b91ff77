"""Indexes as faiss builds them, by cosine of unit vectors. Importing this loads faiss."""

from collections.abc import Callable
from typing import Final

import faiss

from bench.index.kinds import HNSW_LINKS, PART_CENTROIDS, POINTS_A_CENTROID, lists_of, parts_of
from bench.index.vectors import Vectors

Index = faiss.Index

_OPQ_ROUNDS: Final = 2
"""Of rotation and codes in turn; faiss makes 50, which take minutes. On 10,000 random
vectors four found no more than two."""

_FIRST_ROUNDS: Final = 4
"""Of k-means for the codes of the first rotation."""

_FURTHER_ROUNDS: Final = 2
"""The same for each further rotation."""

_CODE_ROUNDS: Final = 6
"""Of k-means for the codes, where faiss makes 25: two dimensions are soon learnt."""

_BYTE_BITS: Final = 8


def _exact(_items: int, width: int) -> Index:
    return faiss.IndexFlatIP(width)


def _ivf_flat(items: int, width: int) -> Index:
    return faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, lists_of(items), faiss.METRIC_INNER_PRODUCT)


def _hnsw(_items: int, width: int) -> Index:
    return faiss.IndexHNSWFlat(width, HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)


def _ivf_pq(items: int, width: int) -> Index:
    parts = parts_of(width)
    rotated = width - width % parts
    rotation = faiss.OPQMatrix(width, parts, rotated)
    rotation.niter = _OPQ_ROUNDS
    rotation.niter_pq_0, rotation.niter_pq = _FIRST_ROUNDS, _FURTHER_ROUNDS
    rotation.max_train_points = PART_CENTROIDS * POINTS_A_CENTROID
    codes = faiss.IndexIVFPQ(
        faiss.IndexFlatIP(rotated), rotated, lists_of(items), parts, _BYTE_BITS, faiss.METRIC_INNER_PRODUCT
    )
    codes.pq.cp.niter, codes.pq.cp.max_points_per_centroid = _CODE_ROUNDS, POINTS_A_CENTROID
    return faiss.IndexPreTransform(rotation, codes)


BUILDERS: Final[dict[str, Callable[[int, int], Index]]] = {
    "exact": _exact,
    "ivf_flat": _ivf_flat,
    "hnsw": _hnsw,
    "ivf_pq": _ivf_pq,
}
"""Makes an empty index for (items, width); the keys are those of `bench.index.kinds.KINDS`."""


def built(kind: str, vectors_ND: Vectors) -> Index:
    """A trained index that holds these vectors."""
    index = BUILDERS[kind](*vectors_ND.shape)
    index.train(vectors_ND)
    index.add(vectors_ND)
    return index


def tune(index: Index, knob: str, value: int) -> None:
    """Set what a search trades speed for recall by."""
    if knob:
        faiss.ParameterSpace().set_index_parameter(index, knob, value)


def serialized_bytes(index: Index) -> int:
    """Length of the index as a file, without a copy of it in memory."""
    total = 0

    def count(part: bytes) -> None:
        nonlocal total
        total += len(part)

    writer = faiss.PyCallbackIOWriter(count)  # type: ignore[attr-defined]  # its stubs leave it out
    faiss.write_index(index, writer)
    return total
