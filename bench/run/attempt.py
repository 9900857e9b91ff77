"""One try of one batch size, in a process of its own: real steps of the whole batch, then an embedding."""

import traceback
from collections.abc import Callable

import torch

from bench.data.cache import CachedSplit, open_split
from bench.plan.attempt import EdgePlan, EdgeTried
from bench.result import Outcome, Precision, Training
from bench.run.causes import explain_exception, out_of_memory
from bench.run.embed import EMBED_BATCH, autocast, to_tensor
from bench.run.events import Ended
from bench.run.memory import confine, private_peak_bytes
from bench.run.train import Trainer
from models import csmae


def run(plan: EdgePlan, emit: Callable[[EdgeTried | Ended], None]) -> None:
    """Try the batch and tell how far it comes; how it ended is told last, whatever happened."""
    try:
        _attempt(plan, emit)
        outcome, cause = Outcome.COMPLETED, ""
    except Exception as error:  # noqa: BLE001  whatever it is, the search must know it
        outcome, cause = explain_exception(_root_of_memory(error) or error)
        if outcome is Outcome.FAILED:
            traceback.print_exc()  # to the log
    emit(Ended(trial_id="", outcome=outcome, cause=cause))


def _attempt(plan: EdgePlan, emit: Callable[[EdgeTried], None]) -> None:
    device = torch.device(plan.device)
    _limit(plan, device)
    torch.set_num_threads(plan.threads)
    # opened as early as in a trial, so that what is set aside for them is not there for steps
    held_out = max((open_split(plan.cache, "query"), open_split(plan.cache, "archive")), key=lambda one: len(one.ids))
    trainer = Trainer(
        csmae.build(plan.model, seed=0).to(device),
        open_split(plan.cache, "train"),
        Training(steps=plan.steps, batch_pairs=plan.batch_pairs),
        seed=0,
        device=device,
        precision=plan.precision,
    )
    trainer.model.train()
    peak = None
    for step in range(1, plan.steps + 1):
        trainer.step()
        peak = _peak(device, peak)
        emit(EdgeTried(steps=step, embedded=False, peak_bytes=peak))
    _embed(trainer.model, held_out, device, plan.precision)
    emit(EdgeTried(steps=plan.steps, embedded=True, peak_bytes=_peak(device, peak)))


def _limit(plan: EdgePlan, device: torch.device) -> None:
    if device.type != "cuda":
        confine(plan.memory_limit_bytes, threads=plan.threads, maps=plan.cache)
        return
    confine(None)  # CUDA maps more than it holds: only the allocator can be limited
    if plan.memory_limit_bytes is not None:
        _, total = torch.cuda.mem_get_info(device)
        torch.cuda.set_per_process_memory_fraction(min(1.0, plan.memory_limit_bytes / total), device)


@torch.inference_mode()
def _embed(model: csmae.CSMAE, split: CachedSplit, device: torch.device, precision: Precision) -> None:
    """Embed as many pairs at once as scoring begins with."""
    model.eval()
    with autocast(device, precision):
        model.embed(to_tensor(split.s1[:EMBED_BATCH], device), "s1")
        model.embed(to_tensor(split.s2[:EMBED_BATCH], device), "s2")


def _peak(device: torch.device, before: int | None) -> int | None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)  # a step that is still queued may yet fail
        return torch.cuda.max_memory_allocated(device)
    now = private_peak_bytes()
    return now if before is None else max(before, now or 0)


def _root_of_memory(error: BaseException | None) -> BaseException | None:
    """The error for want of memory that this one was raised from, as a file that could not be mapped."""
    while error is not None and not out_of_memory(error):
        error = error.__cause__
    return error
