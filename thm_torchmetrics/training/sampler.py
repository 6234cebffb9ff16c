"""Split data over processes for evaluation, each sample to exactly one process."""

from __future__ import annotations

from collections.abc import Iterator, Sized

import torch.distributed as dist
from torch.utils.data import Sampler

from thm_torchmetrics.errors import InputError


class ShardSampler(Sampler[int]):
    """Yield every ``world``-th index from ``rank`` on, with no sample repeated or left out.

    Ranks may differ by one sample. `torch.utils.data.DistributedSampler` repeats samples until all ranks have equally
    many, and so biases every metric. The metrics of this package agree over uneven and empty ranks, so they need no
    such padding. With Lightning pass ``use_distributed_sampler=False`` to the Trainer, or it puts its own sampler in
    place of this one.

    Args:
        data: the dataset.
        rank: index of this process; default: that of the initialised process group, else 0.
        world: number of processes; default likewise, else 1.

    Raises:
        InputError: if the rank is not in ``0 .. world - 1``.

    Example:
        >>> list(ShardSampler(range(5), rank=1, world=2))
        [1, 3]
    """

    def __init__(self, data: Sized, rank: int | None = None, world: int | None = None) -> None:
        running = dist.is_available() and dist.is_initialized()
        self.size = len(data)
        self.rank = rank if rank is not None else (dist.get_rank() if running else 0)
        self.world = world if world is not None else (dist.get_world_size() if running else 1)
        if not 0 <= self.rank < self.world:
            raise InputError(f"rank must be in 0..{self.world - 1}, got {self.rank}")

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.rank, self.size, self.world))

    def __len__(self) -> int:
        return len(range(self.rank, self.size, self.world))
