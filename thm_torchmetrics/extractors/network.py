"""Handles that hold no network, and the process-wide pool of the networks behind them.

A metric keeps a handle, which is small and picklable; the network is built at first use, once per checkpoint and
device, frozen, in eval mode and float32. So a metric adds nothing to a module's parameters or checkpoint, copies share
one network, and casts of the module around it do not reach it.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias

import torch
from torch import Tensor, nn

from thm_torchmetrics import weights
from thm_torchmetrics.core.chunk import Chunk

CustomFiles: TypeAlias = str | Path | Mapping[str, str | Path] | None
"""A user's own checkpoint, or several by name in the registry."""

_networks: dict[Hashable, nn.Module] = {}
_fitting: dict[Hashable, int] = {}
_lock = threading.RLock()


def custom_file(weight: str, files: CustomFiles) -> tuple[str | None, str]:
    """The user's own file for a checkpoint, None if it is the published one, and the hash of the file in use.

    Raises:
        WeightsError: if it is absent, corrupt or not allowed.
    """
    file = files.get(weight) if isinstance(files, Mapping) else files
    return None if file is None else str(file), weights.obtain(weight, file).sha256


@dataclass(frozen=True)
class FrozenNetwork(ABC):
    """What a network is made of: the name of its checkpoint, the user's own file if there is one, and the file's hash.

    Subclasses add options; handles that are equal give equal features, and a chunk remembers those of each.

    Attributes:
        weight: name in the registry of checkpoints.
        file: the user's own file, None for the published one.
        sha256: hash of the file that was found when the handle was made.
        batch_size: frames per forward pass; halved, and tried again, when memory runs out.
    """

    weight: str
    file: str | None
    sha256: str
    batch_size: int = 32

    @classmethod
    def of(cls, weight: str, files: CustomFiles = None, **options: Any) -> Self:
        """The handle on a checkpoint, which is looked for and, if need be, fetched.

        Raises:
            WeightsError: if it is absent, corrupt or not allowed.
        """
        return cls(weight, *custom_file(weight, files), **options)

    @abstractmethod
    def build(self) -> nn.Module:
        """The architecture, without weights."""

    def fill(self, network: nn.Module) -> None:
        """Load the checkpoint into the architecture."""
        weights.load_into(network, weights.load(self.weight, self.file), self.weight)

    def _architecture(self) -> Hashable:
        """What besides the checkpoint makes two networks differ."""
        return type(self).build

    def _place(self, device: torch.device) -> Hashable:
        return self.weight, self.sha256, self._architecture(), device

    def network(self, device: torch.device) -> nn.Module:
        """The network on a device, made at first use."""
        place = self._place(device)
        with _lock:
            if place not in _networks:
                with torch.device("meta"):  # no memory, and no draw from the user's random numbers
                    network = self.build()
                self.fill(network.to_empty(device="cpu"))
                _networks[place] = network.to(device=device, dtype=torch.float32).eval().requires_grad_(False)
            return _networks[place]

    def in_batches(self, run: Callable[..., Tensor], *rows: Tensor) -> Tensor:
        """``run`` over rows in batches that fit into memory, results joined.

        Raises:
            torch.OutOfMemoryError: if a single row does not fit.
        """
        place = self._place(rows[0].device)
        size = _fitting.get(place, self.batch_size)
        done: list[Tensor] = []
        start = 0
        while start < len(rows[0]):
            try:
                done.append(run(*(part[start : start + size] for part in rows)))
                start += size
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                size = _fitting[place] = size // 2
                torch.cuda.empty_cache()
        return torch.cat(done)


@dataclass(frozen=True, eq=False)
class CustomModule:
    """A user's own network, used as it is given: frames float32 RGB 0..1 in, one row of features per frame out."""

    module: nn.Module

    def __str__(self) -> str:
        return type(self.module).__name__

    def extract(self, chunk: Chunk) -> Tensor:
        """The module's output on the chunk's frames, computed where its parameters are."""
        device = next((parameter.device for parameter in self.module.parameters()), chunk.rows.device)
        rows: Tensor = self.module(chunk.as_float().to(device))
        return rows.to(chunk.rows.device)


def release() -> None:
    """Free all networks of the pool; they are made again when they are next needed."""
    with _lock:
        _networks.clear()
        _fitting.clear()
        torch.cuda.empty_cache()
