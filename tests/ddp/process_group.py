"""Processes that stay up for the whole test session, joined by gloo, and run functions of test modules by name."""

import importlib
import multiprocessing
import tempfile
import traceback
from datetime import timedelta
from pathlib import Path
from queue import Empty
from typing import Any

START_SECONDS = 120
TASK_SECONDS = 120


class ProcessGroup:
    """``size`` processes in one gloo group; `run` calls a function in all of them."""

    def __init__(self, size: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.size = size
        self._folder = tempfile.TemporaryDirectory()
        self._tasks = [context.Queue() for _ in range(size)]
        self._results = context.Queue()
        store = str(Path(self._folder.name) / "store")
        self._processes = [
            context.Process(target=_serve, args=(rank, size, store, self._tasks[rank], self._results), daemon=True)
            for rank in range(size)
        ]
        for process in self._processes:
            process.start()
        try:
            self._collect(START_SECONDS)
        except RuntimeError:
            self.close()
            raise

    def run(self, function: str, *args: Any) -> list[Any]:
        """Results, by rank, of ``module:function(rank, world, group_of, *args)``."""
        for tasks in self._tasks:
            tasks.put((function, args))
        return self._collect(TASK_SECONDS)

    def close(self) -> None:
        for tasks in self._tasks:
            tasks.put(None)
        for process in self._processes:
            process.join(10)
            process.kill()
        self._folder.cleanup()

    def _collect(self, seconds: float) -> list[Any]:
        results = {}
        while len(results) < self.size:
            try:
                rank, error, value = self._results.get(timeout=seconds)
            except Empty:
                raise RuntimeError(f"only {sorted(results)} of {self.size} processes answered") from None
            if error:
                raise RuntimeError(f"process {rank} failed:\n{error}")
            results[rank] = value
        return [results[rank] for rank in range(self.size)]


def _serve(rank: int, size: int, store: str, tasks: Any, results: Any) -> None:
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    try:
        dist.init_process_group(
            "gloo", store=dist.FileStore(store, size), rank=rank, world_size=size, timeout=timedelta(seconds=60)
        )
        groups = {world: dist.new_group(list(range(world))) for world in range(1, size + 1)}
    except Exception:
        results.put((rank, traceback.format_exc(), None))
        return
    results.put((rank, None, None))
    while (task := tasks.get()) is not None:
        function, args = task
        module, _, name = function.partition(":")
        try:
            results.put((rank, None, getattr(importlib.import_module(module), name)(rank, groups, *args)))
        except Exception:
            results.put((rank, traceback.format_exc(), None))
    dist.destroy_process_group()
