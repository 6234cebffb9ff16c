"""Ranks in processes of their own: one of two that have met, of which rank 0 waits for rank 1, and one that dies."""

import os
import signal
import time
from multiprocessing.connection import Connection
from typing import NoReturn

import torch.distributed as dist
from raised import record_if_asked

from thm_torchmetrics.errors import RankError
from thm_torchmetrics.scoring import ranks

LONGEST = 600


def run_rank(rank: int, store: str, said: Connection, patience: float) -> None:
    """Meet, say so, and wait; what is noticed is said, too."""
    record_if_asked()
    ranks.PATIENCE, ranks.BEAT = patience, 0.2
    dist.init_process_group("gloo", store=dist.FileStore(store, 2), rank=rank, world_size=2)
    with ranks.Ranks("127.0.0.1", said.send) as group:
        assert group.gather(rank) == [0, 1]
        said.send("ready")
        if rank == 0:
            try:
                group.gather("waiting for the other")
            except RankError as error:
                said.send(str(error))
                raise
        else:
            time.sleep(LONGEST)


def end_rank(rank: int, world: int) -> NoReturn:
    """End as the system ends a process when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError
