"""Measure the clips of a dataset in several processes that are joined by ``torch.distributed``."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self

import torch.distributed as dist
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from thm_torchmetrics.errors import InputError, RankError
from thm_torchmetrics.media.pairing import Item
from thm_torchmetrics.scoring.clip_outcome import ClipOutcome
from thm_torchmetrics.scoring.dealing import by_cost, costs_of
from thm_torchmetrics.scoring.outcome_file import OutcomeReader, OutcomeWriter
from thm_torchmetrics.scoring.run import DatasetRun

BEAT = 2.0
"""Seconds between two signs of life of a process."""
PATIENCE = 60.0
"""Seconds without a sign of life after which a process counts as dead."""
DEAD_RANK = 5
"""Exit status of a process that ends because another one of its run died."""


class Ranks:
    """The ranks of a run share its clips, and notice when one of them dies.

    The clips lie in one queue, those of the largest files first, and each rank takes the next one when it is free. So
    every clip is measured once, nothing is padded, and a rank without a clip is no special case. Rank 0 then gets the
    outcomes one by one in the order of the dataset, and adds them up as one process does, so the result is the same to
    the last bit.

    Within the block a thread gives a sign of life every `BEAT` seconds. If a rank gives none for `PATIENCE` seconds, or
    if rank 0 cannot be reached, the process ends with the status `DEAD_RANK`: a rank that waits for a dead one cannot
    be woken in another way.

    Args:
        host: the address of rank 0.
        alarm: receives the reason before the process ends.
    """

    def __init__(self, host: str, alarm: Callable[[str], None]) -> None:
        self.rank, self.world = dist.get_rank(), dist.get_world_size()
        self._alarm = alarm
        limit = timedelta(seconds=PATIENCE)
        if self.rank == 0:
            self._store = TCPStore(host, 0, is_master=True, timeout=limit, wait_for_workers=False)
        port = self._told_by_first(self._store.port if self.rank == 0 else None)
        if self.rank > 0:
            self._store = TCPStore(host, port, is_master=False, timeout=limit)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="signs of life", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._ended.is_set():
            self._close(together=error is None or isinstance(error, InputError))  # all ranks raise it alike

    def gather(self, value: Any) -> list[Any]:
        """Return a value of every rank, in their order."""
        values: list[Any] = [None] * self.world
        with _contact():
            dist.all_gather_object(values, value)
        return values

    def outcomes(self, run: DatasetRun, items: Sequence[Item] | None) -> Iterator[ClipOutcome]:
        """Measure the clips together; rank 0 yields the outcomes of all of them, in order, and the others yield none.

        The ranks part when the last outcome has been taken, because torchmetrics would add up the states of all
        processes as long as they are joined.

        Args:
            run: measures a clip.
            items: the clips; those of rank 0 count.
        """
        try:
            yield from self._outcomes(run, self._told_by_first(items))
        except KeyboardInterrupt:
            self._close(together=False)
            raise
        self._close(together=True)

    def _outcomes(self, run: DatasetRun, items: Sequence[Item]) -> Iterator[ClipOutcome]:
        with ExitStack() as files:
            file = files.enter_context(TemporaryFile())
            own = self._measure(run, items, OutcomeWriter(file))
            reader = OutcomeReader(file, f"the outcomes of rank {self.rank}")
            owners = {number: rank for rank, numbers in enumerate(self.gather(own)) for number in numbers}
            for number in sorted(owners):
                if owners[number] == 0 == self.rank:
                    yield reader[number]
                elif self.rank == 0:
                    received: list[Any] = [None]
                    with _contact():
                        dist.recv_object_list(received, owners[number])
                    yield received[0]
                elif owners[number] == self.rank:
                    with _contact():
                        dist.send_object_list([reader[number]], 0)

    def _measure(self, run: DatasetRun, items: Sequence[Item], writer: OutcomeWriter) -> list[int]:
        """Measure clips of the queue until it is empty, and return their numbers."""
        queue = by_cost(costs_of(items))
        own: list[int] = []
        run.progress.start(len(items))
        while (place := self._store.add("taken", 1) - 1) < len(queue):
            number = queue[place]
            run.progress.clip(items[number].key)
            writer.add(number, run.measure(items[number]))
            run.progress.done()
            own.append(number)
        writer.close()
        return own

    def _told_by_first(self, value: Any) -> Any:
        """Return what rank 0 passes."""
        values = [value]
        with _contact():
            dist.broadcast_object_list(values, 0)
        return values[0]

    def _close(self, together: bool) -> None:
        self._ended.set()
        self._thread.join()
        if together:
            with _contact():
                dist.barrier()  # rank 0 holds the store, so it ends last
        dist.destroy_process_group()

    def _watch(self) -> None:
        """Give signs of life, and look for those of the others, until the block ends."""
        counts = dict.fromkeys(range(self.world), -1)
        seen = dict.fromkeys(range(self.world), time.monotonic())
        while not self._ended.wait(BEAT):
            try:
                self._store.add(f"beats of {self.rank}", 1)
                now = {rank: self._store.add(f"beats of {rank}", 0) for rank in counts}
            except RuntimeError:  # of the network; rank 0 holds the store
                self._end(0)
                return
            for rank, count in now.items():
                if count != counts[rank]:
                    counts[rank], seen[rank] = count, time.monotonic()
                elif time.monotonic() - seen[rank] > PATIENCE:
                    self._end(rank)

    def _end(self, dead: int) -> None:
        if not self._ended.is_set():
            self._alarm(
                f"rank {dead} of {self.world} died, so rank {self.rank} ends, and no report is written; rank "
                f"{dead} may have said why"
            )
            os._exit(DEAD_RANK)


@contextmanager
def _contact() -> Iterator[None]:
    """Name the cause of what PyTorch raises when another process is gone.

    Raises:
        RankError: if one is.
    """
    try:
        yield
    except RuntimeError as error:
        raise RankError(f"another process of the run died: {error}; that one may have said why") from error
