"""All that is searched for a retrieval matrix, with no product made twice."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bench.result import CROSS_DIRECTIONS, DIRECTIONS, Direction
from bench.score.descriptors import ScoreError
from bench.score.mixed import Found
from bench.score.partner import PartnerRanks
from bench.score.products import Visitor, visit_products
from bench.score.search import Search
from models.config import SENSORS, Sensor

Units = Mapping[Sensor, NDArray[np.float32]]
"""Unit vectors of one split by sensor, the same places in the same order."""


def search_directions(
    query: Units, archive: Units, k: int, *, threads: int
) -> tuple[dict[Direction, Found], dict[Direction, NDArray[np.int64]]]:
    """The k nearest in each direction, and the ranks of the partners across sensors, among both splits' places.

    The products with the archive serve both; those of the queries with each other across sensors serve the partners of
    both directions. Where the sensors' widths differ there are neither neighbours nor ranks across them.

    Raises: ScoreError: the splits differ in width.
    """
    for sensor in SENSORS:
        if query[sensor].shape[1] != archive[sensor].shape[1]:
            raise ScoreError(
                f"Query {sensor} descriptors have {query[sensor].shape[1]} components, those of the archive "
                f"{archive[sensor].shape[1]}: they come from different models."
            )
    across = query["s1"].shape[1] == query["s2"].shape[1]
    partners = {(a, b): PartnerRanks(query[a], query[b]) for a, b in CROSS_DIRECTIONS if across}
    found: dict[Direction, Found] = {}
    for a, b in DIRECTIONS:
        if a == b or across:
            search = Search(query[a], archive[b], k)
            visitors: list[Visitor] = [search]
            if a != b:
                visitors.append(_counting(partners[a, b], archive[b]))
            visit_products(query[a], archive[b], visitors, threads=threads)
            found[a, b] = search.ids_Nk, search.distances
    if across:
        there, back = partners["s1", "s2"], partners["s2", "s1"]
        among_queries = [_counting(there, query["s2"]), _counting_back(back, query["s1"])]
        visit_products(query["s1"], query["s2"], among_queries, threads=threads)
    return found, {direction: counter.ranks_N for direction, counter in partners.items()}


def _counting(ranks: PartnerRanks, gallery_GD: NDArray[np.float32]) -> Visitor:
    def visit(rows: slice, part: slice, rough_BM: NDArray[np.float32]) -> None:
        ranks.count(rows, gallery_GD[part], rough_BM)

    return visit


def _counting_back(ranks: PartnerRanks, gallery_GD: NDArray[np.float32]) -> Visitor:
    """For queries that are the columns of the products."""

    def visit(rows: slice, part: slice, rough_BM: NDArray[np.float32]) -> None:
        ranks.count(part, gallery_GD[rows], rough_BM.T)

    return visit
