"""The story of a full training in its process: plan, network, checkpoint, course, export."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from bench.data.cache import open_split
from bench.errors import ExitCode, UsageError
from bench.full.course import Course
from bench.full.export import export
from bench.full.keep import read_checkpoint, rewind_metrics
from bench.full.plan import FullPlan
from bench.full.ranks import Ranks, joined
from bench.full.trainer import FullTrainer
from bench.full.wire import Began, Exported, FullEnded, FullEvent, Noted
from bench.run import memory
from bench.run.curve import DivergedError
from bench.run.stop import StopRequest
from models import csmae


class Story:
    """One process of a training; of several, the first tells."""

    def __init__(self, plan: FullPlan, folder: Path, tell: Callable[[FullEvent], None], stop: StopRequest) -> None:
        self._plan, self._folder, self._say, self._stop = plan, folder, tell, stop

    def tell(self, *, limit_steps: int | None = None, export_only: bool = False) -> None:
        """Train from the newest checkpoint on and export, or only export from it.

        Args:
            limit_steps: steps to make at most; nothing is exported before the last of all.
        Raises: Exception: whatever ends a training; the checkpoints before it stay.
        """
        torch.set_num_threads(self._plan.threads)
        if export_only:
            self._say(FullEnded(finished=self._only_export()))
            return
        if self._plan.devices == ("cpu",):
            memory.confine(self._plan.memory_limit_bytes, threads=self._plan.threads, maps=self._plan.cache)
        with joined(self._plan.devices[0]) as ranks:
            if len(self._plan.devices) != ranks.count:
                raise UsageError(f"the plan is for {len(self._plan.devices)} processes, and there are {ranks.count}")
            try:
                end = FullEnded(finished=self._train(ranks, limit_steps))
            except DivergedError as error:  # in all processes alike: the losses are those of the whole batch
                end = FullEnded(problem=str(error), code=ExitCode.FAILED, resumable=False)
            self._lead(ranks, end)

    def _train(self, ranks: Ranks, limit_steps: int | None) -> bool:
        """Whether there is nothing left to do."""
        plan = self._plan
        found, notes = read_checkpoint(self._folder, plan.key)
        for note in notes:
            self._lead(ranks, Noted(note=note))
        model = csmae.build(plan.model, seed=plan.seed).to(ranks.device)
        trainer = FullTrainer(model, open_split(plan.cache, "train"), plan, ranks)
        if found:
            try:
                trainer.restore(found.state)
            except ValueError as error:
                raise UsageError(f"{self._folder} cannot be gone on with: {error}") from error
        self._lead(ranks, Began(pid=os.getpid(), step=trainer.steps_done, steps=trainer.training.steps))
        if ranks.leads:
            rewind_metrics(self._folder, trainer.steps_done)
        seconds = found.seconds if found else 0.0
        course = Course(plan, self._folder, trainer, ranks, self._say, seconds_before=seconds)
        if not course.run(lambda: self._stop.asked, limit_steps=limit_steps):
            return False
        return self._export(model, plan, ranks.device) if ranks.leads else True

    def _only_export(self) -> bool:
        """On the CPU where the GPU of the training is not at hand, in fp32 then."""
        plan = self._plan
        found, notes = read_checkpoint(self._folder, plan.key)
        for note in notes:
            self._say(Noted(note=note))
        if found is None:
            raise UsageError(f"{self._folder} holds no checkpoint to export: train first")
        device = torch.device(plan.devices[0])
        if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
            device, plan = torch.device("cpu"), replace(plan, precision="fp32")
        model = csmae.build(plan.model, seed=plan.seed)
        model.load_state_dict(found.state["weights"])
        self._say(Began(pid=os.getpid(), step=found.state["step"], steps=plan.training.steps))
        return self._export(model.to(device), plan, device)

    def _export(self, model: csmae.CSMAE, plan: FullPlan, device: torch.device) -> bool:
        """Whether everything was exported."""
        for path in export(model, plan, self._folder, device, asked=lambda: self._stop.asked):
            self._say(Exported(path=str(path)))
        return not self._stop.asked

    def _lead(self, ranks: Ranks, event: FullEvent) -> None:
        if ranks.leads:
            self._say(event)
