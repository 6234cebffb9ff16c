"""TITLE core/chunk."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from thm_torchmetrics.imaging.checks import check_frames

CHUNK_FRAMES = 64


CHUNK_VALUES = 2**25
"""A chunk holds at most this many frames and this many pixel values (of one side), whichever is fewer."""


class Extractor(Protocol):
    """What turns a chunk into one row of features per frame; hashable, so that chunks can remember its result."""

    def __hash__(self) -> int: ...

    def extract(self, chunk: Chunk) -> Tensor:
        """Features ``(n, ...)`` of the chunk's frames, NaN in the rows of frames that have none."""


class Chunk:
    """A run of consecutive frames of one clip (or of ready-made features), which remembers what was made of it.

    Args:
        rows: frames ``(n, 3, H, W)``, RGB, uint8 or float 0..1; or features, one row per frame.
        start: index of the first row in its clip.
        times: presentation time of each row in seconds.
    """

    def __init__(self, rows: Tensor, start: int = 0, times: Sequence[float] = (), *, _parent: Chunk | None = None):
        self.rows = rows
        self.start = start
        self.times = times
        self._parent = _parent
        self._memory: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return self.rows.shape[0]

    def head(self, count: int) -> Chunk:
        """The first ``count`` rows; features are still computed, once, for the whole chunk."""
        if count >= len(self):
            return self
        return Chunk(self.rows[:count], self.start, self.times[:count], _parent=self)

    def to(self, device: torch.device) -> Chunk:
        """The chunk on a device; asked twice, it is moved once."""
        if self.rows.device == device:
            return self
        moved: Chunk = self.remember(
            ("device", device), lambda: Chunk(self.rows.to(device, non_blocking=True), self.start, self.times)
        )
        return moved

    def remember(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value under ``key``, made at the first call."""
        if key not in self._memory:
            self._memory[key] = make()
        return self._memory[key]

    def features(self, extractor: Extractor) -> Tensor:
        """What an extractor makes of the frames, computed once per chunk."""
        if self._parent is not None:
            return self._parent.features(extractor)[: len(self)]
        features: Tensor = self.remember(extractor, lambda: extractor.extract(self))
        return features

    def as_float(self) -> Tensor:
        """The frames as float32 in 0..1.

        Raises:
            InputError: if float frames leave [0, 1] or hold NaN.
        """
        if self._parent is not None:
            return self._parent.as_float()[: len(self)]
        unit: Tensor = self.remember("unit", self._converted)
        return unit

    def _converted(self) -> Tensor:
        check_frames("frames", self.rows)
        frames = self.rows.to(torch.float32)
        return frames / 255.0 if self.rows.dtype == torch.uint8 else frames

    def as_uint8(self) -> Tensor:
        """The frames as uint8; float frames are rounded to the nearest of 256 levels."""
        if self.rows.dtype == torch.uint8:
            return self.rows
        return (self.as_float() * 255).round().to(torch.uint8)
