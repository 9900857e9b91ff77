"""The judge of a trial: embeds queries and archive, searches, scores."""

from collections.abc import Callable
from time import perf_counter

import torch

from bench.data.cache import CachedSplit, open_split
from bench.plan.plan import TrialPlan
from bench.result import QueryScores, Score
from bench.run.embed import embed
from bench.run.events import Phase, RungScored
from bench.score.matrix import chance_scores, retrieval_matrix
from models.csmae import CSMAE


class Judge:
    """Scores the network as it stands; keeps the times of the last scoring."""

    def __init__(self, plan: TrialPlan, model: CSMAE, device: torch.device, enter: Callable[[Phase], None]) -> None:
        """Open what is searched.

        Args:
            enter: told when a trained network's scoring goes on to its next phase.
        """
        self._plan, self._model, self._device, self._enter = plan, model, device, enter
        self._query: CachedSplit = open_split(plan.cache, "query")
        self._archive: CachedSplit = open_split(plan.cache, "archive")
        self.embed_seconds: float | None = None
        self.search_seconds: float | None = None

    def untrained(self) -> RungScored:
        """Scores of the network before any step, and those of chance."""
        scores, _ = self._matrix(0)
        return RungScored(
            trial_id=self._plan.trial_id,
            step=0,
            scores=scores
            + chance_scores(
                query_labels=self._query.labels,
                archive_labels=self._archive.labels,
                queries=len(self._query.ids),
                archive=len(self._archive.ids),
                k=self._plan.k,
            ),
            query_scores=(),
        )

    def trained(self, step: int, seconds: float) -> RungScored:
        """Scores after a training of this length.

        Args:
            step: training steps, those of the decay included.
            seconds: that a training of this length alone would have taken.
        """
        self._enter("embedding")
        scores, query_scores = self._matrix(step)
        return RungScored(
            trial_id=self._plan.trial_id, step=step, scores=scores, query_scores=query_scores, seconds=seconds
        )

    def _matrix(self, step: int) -> tuple[tuple[Score, ...], tuple[QueryScores, ...]]:
        start = perf_counter()
        query = embed(self._model, self._query, self._device, self._plan.precision)
        archive = embed(self._model, self._archive, self._device, self._plan.precision)
        embedded = perf_counter()
        if step:
            self._enter("searching")
        found = retrieval_matrix(
            query=query,
            archive=archive,
            query_labels=self._query.labels,
            archive_labels=self._archive.labels,
            k=self._plan.k,
            subject="trained" if step else "untrained",
            step=step,
            threads=self._plan.threads,
        )
        self.embed_seconds, self.search_seconds = embedded - start, perf_counter() - embedded
        return found
