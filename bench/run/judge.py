"""The judge of a trial: embeds queries and archive, searches, scores."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import torch

from bench.data.cache import CachedSplit, open_split
from bench.data.descriptors import Descriptors
from bench.plan.plan import TrialPlan
from bench.result import Subject
from bench.run.embed import embed
from bench.run.events import Phase, RungScored
from bench.score.baselines import without_network
from bench.score.matrix import Retrieval, chance_scores, retrieval_matrix
from models.csmae import CSMAE


class Judge:
    """Scores the network as it stands; keeps the times of the last scoring and the descriptors of the full length."""

    def __init__(self, plan: TrialPlan, model: CSMAE, device: torch.device, enter: Callable[[Phase], None]) -> None:
        """Open what is searched.

        Args:
            enter: told when a trained network's scoring goes on to its next phase.
        """
        self._plan, self._model, self._device, self._enter = plan, model, device, enter
        self._query: CachedSplit = open_split(plan.cache, "query")
        self._archive: CachedSplit = open_split(plan.cache, "archive")
        self.descriptors: Descriptors | None = None
        """Of the whole training; None before its end."""
        self.embed_seconds: float | None = None
        self.search_seconds: float | None = None

    def untrained(self) -> RungScored:
        """Scores of what training has to beat: the network before any step, descriptors without one, and chance."""
        found = self._matrix("untrained", 0)[1]
        chance = chance_scores(
            query_labels=self._query.labels,
            archive_labels=self._archive.labels,
            queries=len(self._query.ids),
            archive=len(self._archive.ids),
            k=self._plan.k,
        )
        plain = without_network(Path(self._plan.cache), self._query, self._archive)
        baselines = [self._score(descriptors, subject, 0) for subject, descriptors in plain.items()]
        scores = tuple(score for one in (found, *baselines, chance) for score in one.scores)
        return RungScored(trial_id=self._plan.trial_id, step=0, scores=scores, query_scores=())

    def trained(self, step: int, seconds: float) -> RungScored:
        """Scores after a training of this length.

        Args:
            step: training steps, those of the decay included.
            seconds: that a training of this length alone would have taken.
        """
        embedded, found = self._matrix("trained", step, enter=self._enter)
        if step == self._plan.training.steps:
            self.descriptors = embedded
        return RungScored(
            trial_id=self._plan.trial_id,
            step=step,
            scores=found.scores,
            query_scores=found.query_scores,
            class_scores=found.class_scores,
            seconds=seconds,
        )

    def _matrix(
        self, subject: Subject, step: int, *, enter: Callable[[Phase], None] = lambda _: None
    ) -> tuple[Descriptors, Retrieval]:
        """Embed and score, against the clock."""
        enter("embedding")
        start = perf_counter()
        query, archive = (
            embed(self._model, split, self._device, self._plan.precision) for split in (self._query, self._archive)
        )
        embedded = perf_counter()
        enter("searching")
        descriptors = Descriptors(query=query, archive=archive)
        found = self._score(descriptors, subject, step)
        self.embed_seconds, self.search_seconds = embedded - start, perf_counter() - embedded
        return descriptors, found

    def _score(self, descriptors: Descriptors, subject: Subject, step: int) -> Retrieval:
        return retrieval_matrix(
            query=descriptors.query,
            archive=descriptors.archive,
            query_labels=self._query.labels,
            archive_labels=self._archive.labels,
            k=self._plan.k,
            subject=subject,
            step=step,
            threads=self._plan.threads,
        )
