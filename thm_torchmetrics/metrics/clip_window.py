"""Select frames of a clip while it is read."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


class ClipWindow:
    """The window holds some consecutive frames of one clip, or all of them.

    A random start is drawn while the frames arrive, so that the clip needs not be counted first: the window that begins
    at frame i takes the place of the one before with probability ``1 / (i + 1)``, which leaves each of them equally
    likely. The draw depends on the seed alone.

    Args:
        frames: the number of frames; None: all.
        stride: every which frame is taken.
        start: index of the first frame; None: drawn at random.
        seed: text that decides the draw.

    Example:
        >>> window = ClipWindow(frames=2, stride=2, start=1)
        >>> window.add(torch.arange(3))
        >>> window.add(torch.arange(3, 6))
        >>> window.rows
        tensor([1, 3])
    """

    def __init__(self, frames: int | None, stride: int = 1, start: int | None = 0, seed: str = "") -> None:
        self.seen = 0
        self._span = None if frames is None else (frames - 1) * stride + 1
        self._stride, self._start, self._seed = stride, start, seed
        self._parts: list[Tensor] = []
        self._tail: Tensor | None = None

    @property
    def rows(self) -> Tensor | None:
        """Return the frames; None if the clip is too short for them."""
        return torch.cat(self._parts) if self._parts else None

    def add(self, rows: Tensor) -> None:
        """Take the next frames of the clip."""
        before, self.seen = self.seen, self.seen + len(rows)
        if self._span is None:
            self._parts.append(rows[-before % self._stride :: self._stride])
            return
        if self._parts and self._start is not None:
            return
        if self._tail is not None:
            rows = torch.cat([self._tail, rows])
        first = self.seen - len(rows)
        begun = max(before - self._span + 1, 0)  # the first window that these frames complete
        chosen = [start for start in range(begun, self.seen - self._span + 1) if self._takes(start)]
        if chosen:
            place = chosen[-1] - first
            self._parts = [rows[place : place + self._span : self._stride].clone()]
        kept = min(self._span - 1, len(rows))
        self._tail = rows[len(rows) - kept :].clone()

    def _takes(self, start: int) -> bool:
        if self._start is not None:
            return start == self._start
        digest = hashlib.sha256(f"{self._seed} {start}".encode()).digest()
        return int.from_bytes(digest[:8]) * (start + 1) < 2**64
