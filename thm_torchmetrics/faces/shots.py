"""Shots of a clip, cut where the picture changes, as three versions of scenedetect find them.

syncnet_python pinned 0.5.1 until 2026 and 0.6.7.1 since; LatentSync pins 0.6.1. The versions differ in how they shrink
the frames, in the threshold, and in what they do with cuts that follow each other closely.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from thm_torchmetrics.functional.checks import check_option, to_float64
from thm_torchmetrics.imaging.hsv import hsv
from thm_torchmetrics.imaging.resize import resize

SHORTEST_SHOT = 15
"""Frames between two cuts."""

_STEPS = ((3200, 12), (2100, 8), (1700, 6), (1200, 5), (900, 4), (600, 3), (400, 2))  # from this width on, every n-th
_SIDE = 256  # pixels to which scenedetect 0.6 shrinks
_AT_ONCE = 8  # frames whose colors stay in the cache


def shot_scores(frames: Tensor, previous: Tensor | None = None, version: str = "0.5.1") -> Tensor:
    """Score the change from frame to frame as scenedetect's content detector does.

    The score is the mean over the three HSV channels of the mean absolute difference. Hue is not taken as circular.
    Frames are shrunk first. 0.5.1: every n-th pixel of every n-th row is kept (n = 1 below 400 px of width, up to 12
    from 3200 on). 0.6.1: bilinear, by the whole number of times that 256 px go into the width. 0.6.7.1: bilinear, the
    longer side to 256 px.

    Convention: RGB, 0..255, compared in OpenCV's 8-bit HSV.

    Args:
        frames: ``(T, 3, H, W)`` uint8, at least one frame.
        previous: ``(3, H, W)`` uint8, the frame before the first, when a clip comes in chunks.
        version: ``"0.5.1"``, ``"0.6.1"`` or ``"0.6.7.1"``.

    Returns:
        ``(T,)`` float64, 0..255 (on the CPU for MPS); the first is 0 without ``previous``.

    Raises:
        InputError: the frames are not uint8, or have not three channels, or the version is none of these.

    Source: scenedetect 0.5.1, 0.6.1 and 0.6.7.1, whose 0.6.6 is the same.

    Example:
        >>> frames = torch.tensor([0, 0, 90], dtype=torch.uint8).reshape(3, 1, 1, 1).expand(3, 3, 2, 2)
        >>> shot_scores(frames)
        tensor([ 0.,  0., 30.], dtype=torch.float64)
    """
    check_option("version", version, SCENEDETECT)
    shrink = _RULES[version].shrink
    kept = shrink(frames)
    last = hsv(kept[:1] if previous is None else shrink(previous[None]))
    sums = []
    for some in torch.split(kept, _AT_ONCE):
        colors = torch.cat([last, hsv(some)])
        last = colors[-1:]
        changes = colors.to(torch.int16).diff(dim=0).abs_()
        sums.append(changes.flatten(1).sum(dim=1, dtype=torch.int64))
    return to_float64(torch.cat(sums)) / kept[0].numel()


def shots(scores: Tensor, version: str = "0.5.1") -> list[tuple[int, int]]:
    """Split a clip into shots where the score of a frame reaches the threshold.

    0.5.1: from 30 on, at least 15 frames after the last cut; only the first shot may be shorter. 0.6.1: from 27 on, at
    least 15 frames after the last cut or the start; if there is a cut, the last shot lacks the last frame. 0.6.7.1:
    from 27 on, at least 15 frames after the last change or the start. A change that comes earlier, after the first cut,
    begins a burst, of which only the last change is a cut, if it comes at least 15 frames after the first and 15 frames
    without a change follow.

    Args:
        scores: ``(T,)``, made by `shot_scores` by the same version.
        version: ``"0.5.1"``, ``"0.6.1"`` or ``"0.6.7.1"``.

    Returns:
        Shots as ``(start, end)`` in order, the end exclusive.

    Raises:
        InputError: the version is none of these.

    Source: scenedetect, as called by syncnet_python (0.5.1, and 0.6.7.1 since 2026) and LatentSync (0.6.1).

    Example:
        >>> shots(torch.tensor([0.0, 1.0, 60.0, 70.0, 2.0]))
        [(0, 2), (2, 5)]
    """
    check_option("version", version, SCENEDETECT)
    rule = _RULES[version]
    cuts = rule.cut((scores >= rule.threshold).tolist())
    end = len(scores) - (rule.unseen if cuts else 0)
    return [(start, stop) for start, stop in zip([0, *cuts], [*cuts, end], strict=True) if stop > start]


def _every_nth(frames: Tensor) -> Tensor:
    step = next((n for width, n in _STEPS if frames.shape[-1] >= width), 1)
    return frames[..., ::step, ::step]


def _shrunk_by_width(frames: Tensor) -> Tensor:
    return _shrunk(frames, frames.shape[-1] // _SIDE)


def _shrunk_by_longer_side(frames: Tensor) -> Tensor:
    return _shrunk(frames, max(frames.shape[-2:]) / _SIDE)


def _shrunk(frames: Tensor, factor: float) -> Tensor:
    if factor <= 1:
        return frames
    height, width = (max(1, round(side / factor)) for side in frames.shape[-2:])
    return resize(frames, (height, width))


def _far_from_last_cut(above: Sequence[bool]) -> list[int]:
    """Cut where at least 15 frames have passed since the last cut; the first cut may lie anywhere."""
    cuts: list[int] = []
    for frame, is_above in enumerate(above):
        if is_above and (not cuts or frame - cuts[-1] >= SHORTEST_SHOT):
            cuts.append(frame)
    return cuts


def _far_from_start(above: Sequence[bool]) -> list[int]:
    """Cut where at least 15 frames have passed since the last cut or the start."""
    return _far_from_last_cut([True, *above[1:]])[1:]


def _merged(above: Sequence[bool]) -> list[int]:
    """Cut where at least 15 frames have passed since the last change; a burst of changes becomes one cut."""
    cuts: list[int] = []
    last = 0
    burst: int | None = None  # its first change
    for frame, is_above in enumerate(above):
        is_far = frame - last >= SHORTEST_SHOT
        last = frame if is_above else last
        if burst is not None:
            if is_far and not is_above and last - burst >= SHORTEST_SHOT:
                cuts.append(last)
                burst = None
        elif is_above and is_far:
            cuts.append(frame)
        elif is_above and cuts:
            burst = frame
    return cuts


class _Rule(NamedTuple):
    """A rule holds what a version does.

    Attributes:
        threshold: least score of a change, inclusive.
        shrink: makes frames smaller before they are compared.
        cut: returns the cuts, by whether each frame is a change.
        unseen: frames that the last shot lacks if there is a cut.
    """

    threshold: float
    shrink: Callable[[Tensor], Tensor]
    cut: Callable[[Sequence[bool]], list[int]]
    unseen: int = 0


_RULES = MappingProxyType(
    {
        "0.5.1": _Rule(30.0, _every_nth, _far_from_last_cut),
        "0.6.1": _Rule(27.0, _shrunk_by_width, _far_from_start, unseen=1),
        "0.6.7.1": _Rule(27.0, _shrunk_by_longer_side, _merged),
    }
)

SCENEDETECT = tuple(_RULES)
"""The versions of scenedetect whose rules are known."""
