"""The story of a trial: load, score untrained, train, embed, search, score."""

import resource
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from bench.data import descriptors
from bench.data.cache import CachedSplit, open_split
from bench.data.subsets import nested
from bench.plan.plan import TrialPlan
from bench.result import Costs, Outcome
from bench.run.causes import explain_exception
from bench.run.course import Course
from bench.run.curve import DivergedError
from bench.run.events import CostsMeasured, Ended, Noted, Phase, PhaseEntered, TrialEvent
from bench.run.judge import Judge
from bench.run.shelf import Shelf
from bench.run.stop import StoppedError, StopRequest, listening
from bench.run.train import Trainer
from models import csmae

Emit = Callable[[TrialEvent], None]


def run(plan: TrialPlan, emit: Emit) -> None:
    """Run one trial to its end and tell everything; what it used and how it ended is told last, whatever happened.

    SIGTERM asks it to end: it finishes the step or the scoring, keeps the trunk and tells what it used.
    """
    with listening() as stop:
        story = _Story(plan, emit)
        try:
            story.tell(stop)
            outcome, cause = Outcome.COMPLETED, ""
        except StoppedError:
            outcome, cause = Outcome.CANCELLED, "stopped by the user"
        except DivergedError as error:
            outcome, cause = Outcome.DIVERGED, str(error)
        except Exception as error:  # noqa: BLE001  every ending is told; the log has the traceback
            outcome, cause = explain_exception(error)
            traceback.print_exc()
        story.tell_costs()
        emit(Ended(trial_id=plan.trial_id, outcome=outcome, cause=cause))


class _Story:
    """What a trial has made so far, so that its costs can be told at any ending."""

    def __init__(self, plan: TrialPlan, emit: Emit) -> None:
        self.plan, self.emit = plan, emit
        self.started = perf_counter()
        self.parameters: int | None = None
        self.judge: Judge | None = None
        self.trainer: Trainer | None = None
        self.course: Course | None = None

    def tell(self, stop: StopRequest) -> None:
        plan = self.plan
        self._enter("loading")
        device = torch.device(plan.device)
        torch.set_num_threads(plan.threads)
        model = csmae.build(plan.model, seed=plan.seed).to(device)
        self.parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
        self.judge = Judge(plan, model, device, self._enter)
        split = open_split(plan.cache, "train")
        self.trainer = Trainer(
            model,
            split,
            plan.training,
            seed=plan.seed,
            device=device,
            precision=plan.precision,
            rows=_subset(split, plan.data.train_pairs),
            micro_batches=plan.micro_batches,
            may_split=True,
        )
        self.emit(self.judge.untrained())
        stop.check()
        self.course = Course(
            plan, self.trainer, Shelf(plan, self._note), stop, score=self.judge.trained, emit=self.emit
        )
        self.course.run()
        self._leave_descriptors()

    def _leave_descriptors(self) -> None:
        """For the index and the gallery; without them the trial is whole all the same."""
        if self.plan.descriptors and self.judge and self.judge.descriptors:
            try:
                descriptors.save(self.plan.trial_id, self.judge.descriptors, root=Path(self.plan.descriptors))
            except OSError as error:
                self._note(f"its descriptors were not kept for index and gallery: {explain_exception(error)[1]}")

    def tell_costs(self) -> None:
        plan, course, judge = self.plan, self.course, self.judge
        parts = self.trainer.micro_batches if self.trainer else plan.micro_batches
        if parts > 1:
            self._note(f"each batch was trained in {parts} parts because the whole did not fit in memory")
        laps = course.step_seconds if course else ()
        device = torch.device(plan.device)
        on_gpu = device.type == "cuda"
        costs = Costs(
            parameters=self.parameters,
            step_seconds=laps,
            train_seconds=course.seconds_here if course else None,
            embed_seconds=judge.embed_seconds if judge else None,
            search_seconds=judge.search_seconds if judge else None,
            total_seconds=perf_counter() - self.started,
            pairs_per_second=plan.training.batch_pairs / median(laps) if laps else None,
            peak_memory_bytes=torch.cuda.max_memory_allocated(device) if on_gpu else None,
            peak_reserved_bytes=torch.cuda.max_memory_reserved(device) if on_gpu else None,
            peak_rss_bytes=peak_rss_bytes(),
            micro_batches=parts,
        )
        self.emit(CostsMeasured(trial_id=plan.trial_id, costs=costs))

    def _enter(self, phase: Phase) -> None:
        self.emit(PhaseEntered(trial_id=self.plan.trial_id, phase=phase))

    def _note(self, note: str) -> None:
        self.emit(Noted(trial_id=self.plan.trial_id, note=note))


def _subset(split: CachedSplit, pairs: int) -> NDArray[np.integer] | None:
    """Rows of the nested subset of this size; None for the whole split."""
    return nested(len(split.ids), split.labels, pairs) if pairs < len(split.ids) else None


def peak_rss_bytes() -> int:
    """Most memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB
