"""A pool of the process holds the frozen networks.

A metric keeps a small, picklable description of a network. The network itself is built at first use, once per
checkpoint and device, frozen, in eval mode and float32. So a metric adds nothing to a module's parameters or
checkpoint, copies share one network, and casts of the module around it do not reach it.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields
from typing import Any, Self

import torch
from torch import Tensor, nn

from thm_torchmetrics import weights
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.base import Extractor, Loadable
from thm_torchmetrics.weights import Checkpoint, Checkpoints, CustomFiles

_networks: dict[Hashable, nn.Module] = {}
_fitting_batches: dict[Hashable, int] = {}
_lock = threading.RLock()
_native: list[Callable[[], None]] = []


@dataclass(frozen=True)
class PooledNetwork(Loadable, ABC):
    """The pool makes a network from this description; subclasses add options and `build`.

    Attributes:
        checkpoint: the published checkpoint, or the user's own file in its place, with the hash of the file.
        batch_size: frames per forward pass; halved, and tried again, when memory runs out.
    """

    checkpoint: Checkpoint
    batch_size: int = 32

    @classmethod
    def make(cls, name: str, files: CustomFiles = None, **options: Any) -> Self:
        """Return the network of a checkpoint, which is located or downloaded.

        Args:
            name: the checkpoint's name in the registry.
            files: the user's own file or files, or the `Checkpoints` to take it from.
            options: other fields of the class; options that it lacks are ignored.

        Raises:
            WeightsError: if the checkpoint is absent, corrupt or not allowed.
        """
        known = {field.name for field in fields(cls)}
        chosen = {option: value for option, value in options.items() if option in known}
        return cls(Checkpoints.of(files, name).obtain(name), **chosen)

    @property
    def name(self) -> str:
        """Return the name for reports, that of the checkpoint."""
        return self.checkpoint.name

    def __str__(self) -> str:
        return self.name

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the architecture, without weights; it is called on PyTorch's meta device."""

    def load_weights(self, network: nn.Module) -> None:
        """Load the checkpoint into the architecture."""
        weights.load_into(network, weights.load(self.checkpoint.name, self.checkpoint.file), self.checkpoint.name)

    def architecture(self) -> Hashable:
        """Return the part of the network's identity beyond its checkpoint."""
        return type(self).build

    def load(self, device: torch.device) -> None:
        """Make the network on a device, with the networks of its parts."""
        super().load(device)
        self.network(torch.empty(0, device=device).device)  # "cuda" is the device "cuda:0" of the frames

    def network(self, device: torch.device) -> Any:
        """Return the network on a device, made at first use."""
        place = self.place(device)
        with _lock:
            if place not in _networks:
                with torch.device("meta"):  # no memory, and no draw from the user's random numbers
                    network = self.build()
                self.load_weights(network.to_empty(device="cpu"))
                _networks[place] = network.to(device=device, dtype=torch.float32).eval().requires_grad_(False)
            return _networks[place]

    def in_batches(self, run: Callable[..., Tensor], *rows: Tensor) -> Tensor:
        """Run a function over rows in batches that fit into memory, and join the results.

        Raises:
            torch.OutOfMemoryError: if a single row does not fit.
        """
        place = self.place(rows[0].device)
        size = _fitting_batches.get(place, self.batch_size)
        done: list[Tensor] = []
        start = 0
        while start < len(rows[0]):
            try:
                done.append(run(*(part[start : start + size] for part in rows)))
                start += size
                continue
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
            # not above: the error holds the tensors of the pass that failed
            size = _fitting_batches[place] = size // 2
            torch.cuda.empty_cache()
        return torch.cat(done)

    def place(self, device: torch.device) -> Hashable:
        """Return the place of the network in the pool; descriptions of one network have the same."""
        return self.checkpoint.name, self.checkpoint.sha256, self.architecture(), device


class FrozenNetwork(PooledNetwork, Extractor):
    """The extractor runs one network of the pool; subclasses define ``build`` and ``extract``."""


@dataclass(frozen=True)
class FaceNetwork(FrozenNetwork):
    """The extractor runs one network on the face of a frame.

    Attributes:
        landmarks: the extractor of the 68 points by which the face is cropped; None for the whole frame.
    """

    landmarks: Extractor | None = None

    def points(self, chunk: Chunk) -> Tensor:
        """Return the landmarks ``(n, 68, 2)`` of a chunk's frames.

        Raises:
            InputError: if the extractor has no landmarks.
        """
        if self.landmarks is None:
            raise InputError(f"the extractor {self.name!r} needs landmarks to find the face")
        return chunk.features(self.landmarks)


def release() -> None:
    """Free all networks of the process; the next use makes them again."""
    with _lock:
        _networks.clear()
        _fitting_batches.clear()
        torch.cuda.empty_cache()
        for clear in _native:
            clear()


def released_with_networks(loader: Any) -> Any:
    """Register a cached loader of models outside PyTorch, so that `release` frees them, too."""
    _native.append(loader.cache_clear)
    return loader
