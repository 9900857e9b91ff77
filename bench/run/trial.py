"""The story of a trial: load, score untrained, train, embed, search, score."""

import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from time import perf_counter

import torch

from bench.data.cache import CachedSplit, open_split
from bench.plan.plan import TrialPlan
from bench.result import Costs, Outcome, Subject
from bench.run.clock import Clock
from bench.run.embed import embed
from bench.run.events import CostsMeasured, Ended, PhaseEntered, RungScored, StepMeasured, TrialEvent
from bench.run.train import DivergedError, Trainer, train
from bench.score.matrix import chance_scores, retrieval_matrix
from models import csmae

Emit = Callable[[TrialEvent], None]


def run(plan: TrialPlan, emit: Emit) -> None:
    """Run one trial to its end and tell everything; how it ended is told last, whatever happened."""
    try:
        _story(plan, emit)
        outcome, cause = Outcome.COMPLETED, ""
    except DivergedError as error:
        outcome, cause = Outcome.DIVERGED, str(error)
    except (MemoryError, torch.OutOfMemoryError) as error:
        outcome, cause = Outcome.OUT_OF_MEMORY, _memory_words(error)
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        outcome, cause = Outcome.OUT_OF_MEMORY, _memory_words(error)
    emit(Ended(trial_id=plan.trial_id, outcome=outcome, cause=cause))


def _memory_words(error: BaseException) -> str:
    first = str(error).splitlines()[0] if str(error) else "an allocation failed"
    return f"memory ran out: {first}"


def _story(plan: TrialPlan, emit: Emit) -> None:
    started = perf_counter()
    emit(PhaseEntered(trial_id=plan.trial_id, phase="loading"))
    device = torch.device(plan.device)
    torch.set_num_threads(plan.threads)
    model = csmae.build(plan.model, seed=plan.seed).to(device)
    judge = _Judge(plan, model, device, emit)
    trainer = Trainer(
        model,
        open_split(plan.cache, "train"),
        plan.training,
        seed=plan.seed,
        device=device,
        precision=plan.precision,
    )
    costs = Costs(parameters=sum(p.numel() for p in model.parameters() if p.requires_grad))
    judge.score("untrained", 0)

    emit(PhaseEntered(trial_id=plan.trial_id, phase="training"))
    clock = Clock(device)
    ends = [0]
    for losses in train(trainer, clock):
        emit(StepMeasured(trial_id=plan.trial_id, losses=losses))
        ends.append(losses.step)
    laps = [lap / (end - begin) for lap, begin, end in zip(clock.laps, ends, ends[1:], strict=False)]
    laps = laps[1:] or laps  # the first lap also sets up kernels and caches
    costs = replace(
        costs,
        train_seconds=clock.seconds,
        step_seconds=tuple(laps),
        pairs_per_second=plan.training.batch_pairs / median(laps),
    )

    emit(PhaseEntered(trial_id=plan.trial_id, phase="embedding"))
    judge.score("trained", trainer.steps_done)
    emit(
        CostsMeasured(
            trial_id=plan.trial_id,
            costs=replace(
                costs,
                embed_seconds=judge.embed_seconds,
                search_seconds=judge.search_seconds,
                total_seconds=perf_counter() - started,
                peak_memory_bytes=torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
                peak_rss_bytes=peak_rss_bytes(),
            ),
        )
    )


class _Judge:
    """Embeds queries and archive, searches, scores and tells; keeps the times of the last scoring."""

    def __init__(self, plan: TrialPlan, model: csmae.CSMAE, device: torch.device, emit: Emit) -> None:
        self.plan, self.model, self.device, self.emit = plan, model, device, emit
        self.query: CachedSplit = open_split(plan.cache, "query")
        self.archive: CachedSplit = open_split(plan.cache, "archive")
        self.embed_seconds = self.search_seconds = 0.0

    def score(self, subject: Subject, step: int) -> None:
        start = perf_counter()
        query = embed(self.model, self.query, self.device, self.plan.precision)
        archive = embed(self.model, self.archive, self.device, self.plan.precision)
        embedded = perf_counter()
        if subject == "trained":
            self.emit(PhaseEntered(trial_id=self.plan.trial_id, phase="searching"))
        scores, query_scores = retrieval_matrix(
            query=query,
            archive=archive,
            query_labels=self.query.labels,
            archive_labels=self.archive.labels,
            k=self.plan.k,
            subject=subject,
            step=step,
            threads=self.plan.threads,
        )
        self.embed_seconds, self.search_seconds = embedded - start, perf_counter() - embedded
        if subject == "untrained":
            scores += chance_scores(
                query_labels=self.query.labels,
                archive_labels=self.archive.labels,
                queries=len(self.query.ids),
                archive=len(self.archive.ids),
                k=self.plan.k,
            )
            query_scores = ()
        self.emit(RungScored(trial_id=self.plan.trial_id, step=step, scores=scores, query_scores=query_scores))


def peak_rss_bytes() -> int:
    """Most memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB
