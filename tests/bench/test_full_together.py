"""Two processes train as one does: the same losses and gradients, negatives across processes included."""

import multiprocessing
import socket
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.data.cache import open_split
from bench.full.keep import read_checkpoint
from bench.full.plan import FullPlan
from bench.full.ranks import Ranks, joined
from bench.full.trainer import FullTrainer
from bench.full.wire import FullEnded, Lap
from full_fakes import told, toy_full
from models.csmae import build

COUNT = 2


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> FullPlan:
    return replace(toy_full(tmp_path_factory.mktemp("cache")), epochs=2, batch_pairs=10)


@pytest.fixture
def rendezvous(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that torchrun would set, but for the rank."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": COUNT}.items():
        monkeypatch.setenv(name, str(value))


def in_processes(work: Any, *arguments: object) -> None:  # noqa: ANN401  a function of this module
    """Run it in forks, one a rank; each must end well."""
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=_ranked, args=(rank, work, *arguments)) for rank in range(COUNT)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * COUNT


def _ranked(rank: int, work: Any, *arguments: object) -> None:  # noqa: ANN401  the same
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RANK", str(rank))
        patch.setenv("LOCAL_RANK", str(rank))
        work(rank, *arguments)


def first_step(plan: FullPlan, ranks: Ranks) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    """Losses and gradients of the first batch."""
    trainer = FullTrainer(build(plan.model, seed=0), open_split(plan.cache, "train"), plan, ranks)
    losses = trainer._attempt()
    named = {name: getattr(losses, name).item() for name in ("total", "umr", "cmr", "mim")}
    return named, {name: w.grad for name, w in trainer.model.named_parameters() if w.grad is not None}


def _shared_step(rank: int, plan: FullPlan, folder: Path) -> None:
    with joined("cpu") as ranks:
        torch.save(first_step(plan, ranks), folder / f"{rank}.pt")


@pytest.mark.usefixtures("rendezvous")
@pytest.mark.parametrize("parts", [1, 3])
def test_losses_and_gradients_are_those_of_one_process(plan: FullPlan, tmp_path: Path, parts: int) -> None:
    alone = Ranks(rank=0, count=1, device=torch.device("cpu"))
    losses, gradients = first_step(plan, alone)
    in_processes(_shared_step, replace(plan, micro_batches=parts, devices=("cpu", "cpu")), tmp_path)
    for rank in range(COUNT):
        told_losses, told_gradients = torch.load(tmp_path / f"{rank}.pt")
        assert told_losses == pytest.approx(losses, rel=1e-5)
        assert told_gradients.keys() == gradients.keys()
        for name, expected in gradients.items():
            size = expected.abs().max().item()
            torch.testing.assert_close(told_gradients[name], expected, rtol=1e-4, atol=1e-5 * size + 1e-7)


def _shared_training(rank: int, plan: FullPlan, folder: Path, *, stop: bool) -> None:
    """Only the first process is told anything, so only it can wish for the end."""
    events = told(plan, folder, stop_at=lambda event: stop and isinstance(event, Lap))
    assert (events == []) is (rank > 0)
    assert rank or events[-1] == FullEnded(finished=not stop)


@pytest.mark.usefixtures("rendezvous")
def test_one_process_asked_to_end_ends_all_and_they_go_on_together(plan: FullPlan, tmp_path: Path) -> None:
    together = replace(plan, devices=("cpu", "cpu"))
    for stop, step in ((True, 2), (False, 4)):
        in_processes(partial(_shared_training, stop=stop), together, tmp_path)
        found, _ = read_checkpoint(tmp_path, plan.key)
        assert found
        assert found.state["step"] == step
    assert (tmp_path / "released.ckpt").exists()
