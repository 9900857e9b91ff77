"""The processes of one training: who this one is, and what they say to each other."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """One process a device. With a single one nothing is sent."""

    rank: int
    """Of this process, from 0."""
    count: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and tells what happens."""
        return self.rank == 0

    def share(self, rows: int) -> slice:
        """Which of so many rows are this process's; they divide evenly."""
        own = rows // self.count
        return slice(self.rank * own, (self.rank + 1) * own)

    def gather(self, part_ND: Tensor) -> Tensor:
        """The parts of all processes one after another, without gradient: (count * N, D)."""
        parts = [torch.empty_like(part_ND) for _ in range(self.count)]
        distributed.all_gather(parts, part_ND.detach().contiguous())
        return torch.cat(parts)

    def mean(self, values: Tensor) -> Tensor:
        """Averaged over the processes."""
        if self.count == 1:
            return values
        summed = values.clone()
        distributed.all_reduce(summed)
        return summed / self.count

    def any(self, flag: bool) -> bool:  # noqa: FBT001  the flag is all that is said
        """Whether it is set in some process; waits for the device."""
        if self.count == 1:
            return flag
        told = torch.tensor([float(flag)], device=self.device)
        distributed.all_reduce(told, op=distributed.ReduceOp.MAX)
        return bool(told.item())


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Meet the other processes, as torchrun's environment names them; alone without such an environment.

    Args:
        device: of a process alone; "cpu" or "cuda" of several, which take the GPU of their local rank.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Ranks(rank=0, count=1, device=torch.device(device))
        return
    on_gpu = torch.device(device).type == "cuda"
    here = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(here)
    distributed.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield Ranks(rank=distributed.get_rank(), count=count, device=here)
    finally:
        distributed.destroy_process_group()
