"""Measure the delay of a clip, and pair its frames without it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip, Clip, FeatureClip, VideoSource
from thm_torchmetrics.core.inputs import pair_chunks
from thm_torchmetrics.functional.delay import delay_distances, least_delay
from thm_torchmetrics.imaging.thumbnails import thumbnails


class Delay(NamedTuple):
    """The delay of a clip.

    Attributes:
        frames: the frames by which it is late, below 0 if it is early.
        pairs: the frames that it has in common with the target then.
        left_out: the frames of both clips without a partner.
    """

    frames: int
    pairs: int
    left_out: int


def measure_delay(preds: AnyClip, target: AnyClip) -> Delay:
    """Return the delay of a clip, at most `functional.delay.MAX_DELAY` frames either way.

    It is the shift with the smallest mean squared distance of thumbnails, or of given features; 0 if no frame has
    features in both clips. Both clips are read once; 4 kB per frame and side are kept.

    Raises:
        MismatchError: if the rows of given features differ in length.
    """
    rows: tuple[list[Tensor], list[Tensor]] = ([], [])
    for chunks in pair_chunks(preds, target):
        for side, chunk in zip(rows, chunks, strict=True):
            if chunk is not None:
                side.append(_rows(chunk))
    if not all(rows):
        return Delay(0, 0, sum(map(len, (*rows[0], *rows[1]))))
    first, second = torch.cat(rows[0]), torch.cat(rows[1])
    frames = least_delay(delay_distances(first, second)) or 0
    pairs = min(len(first) - max(frames, 0), len(second) - max(-frames, 0))
    return Delay(frames, pairs, len(first) + len(second) - 2 * pairs)


def pair_by_delay(preds: AnyClip, target: AnyClip, delay: Delay) -> Iterator[tuple[Chunk, Chunk]]:
    """Yield chunks of the frames that two clips have in common, side by side, without the delay of the first.

    The chunks have the numbers and the times of their frames in the clips.
    """
    rest = delay.pairs
    late, early = max(delay.frames, 0), max(-delay.frames, 0)
    for ours, real in pair_chunks(_after(preds, late), _after(target, early)):
        if ours is None or real is None or not rest:
            return
        count = min(rest, len(ours), len(real))
        yield _numbered(ours.head(count), late), _numbered(real.head(count), early)
        rest -= count


def _numbered(chunk: Chunk, before: int) -> Chunk:
    """Count the frames that lie before those of a clip without its first frames."""
    chunk.start += before
    return chunk


def _rows(chunk: Chunk) -> Tensor:
    """Return what frames are told apart by: their thumbnails, or the given features."""
    is_frames = chunk.rows.ndim == 4 and chunk.rows.shape[1] == 3
    return thumbnails(chunk.as_float()) if is_frames else chunk.rows.flatten(1)


def _after(clip: AnyClip, count: int) -> AnyClip:
    """Return a clip without its first frames."""
    if not count:
        return clip
    if isinstance(clip, FeatureClip):
        (chunk,) = clip.chunks()
        return FeatureClip(chunk.rows[count:], clip.key, rate=clip.rate, times=chunk.times[count:])
    if isinstance(clip.frames, Tensor):
        times = [time for chunk in clip.chunks() for time in chunk.times]
        return Clip(clip.frames[count:], fps=clip.rate, key=clip.key, times=times[count:])
    return Clip(_Later(clip.frames, count), fps=clip.rate, key=clip.key)


class _Later:
    """The video source leaves out the first frames of another."""

    def __init__(self, source: VideoSource, count: int) -> None:
        self.fps, self.size = source.fps, source.size
        self._source, self._count = source, count

    def frames(self) -> Iterator[tuple[np.ndarray, float]]:
        """Yield the later frames with their times."""
        return islice(self._source.frames(), self._count, None)
