"""Shots of a clip, cut where the picture changes, as scenedetect 0.5.1 finds them."""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.functional.checks import to_float64
from thm_torchmetrics.imaging.hsv import hsv

_STEPS = ((3200, 12), (2100, 8), (1700, 6), (1200, 5), (900, 4), (600, 3), (400, 2))  # from this width on, every n-th
_AT_ONCE = 8  # frames whose colors stay in the cache


def shot_scores(frames: Tensor, previous: Tensor | None = None) -> Tensor:
    """Score the change from frame to frame as scenedetect's content detector does.

    Every n-th pixel of every n-th row is kept (n = 1 below 400 px of width, up to 12 from 3200 on); the score is the
    mean over the three HSV channels of the mean absolute difference. Hue is not taken as circular.

    Convention: RGB, 0..255, compared in OpenCV's 8-bit HSV.

    Args:
        frames: ``(T, 3, H, W)`` uint8, at least one frame.
        previous: ``(3, H, W)`` uint8, the frame before the first, when a clip comes in chunks.

    Returns:
        ``(T,)`` float64, 0..255 (on the CPU for MPS); the first is 0 without ``previous``.

    Raises:
        InputError: the frames are not uint8, or have not three channels.

    Source: scenedetect 0.5.1.

    Example:
        >>> frames = torch.tensor([0, 0, 90], dtype=torch.uint8).reshape(3, 1, 1, 1).expand(3, 3, 2, 2)
        >>> shot_scores(frames)
        tensor([ 0.,  0., 30.], dtype=torch.float64)
    """
    step = next((n for width, n in _STEPS if frames.shape[-1] >= width), 1)
    kept = frames[..., ::step, ::step]
    last = hsv(kept[:1] if previous is None else previous[None, :, ::step, ::step])
    sums = []
    for some in torch.split(kept, _AT_ONCE):
        colors = torch.cat([last, hsv(some)])
        last = colors[-1:]
        changes = colors.to(torch.int16).diff(dim=0).abs_()
        sums.append(changes.flatten(1).sum(dim=1, dtype=torch.int64))
    return to_float64(torch.cat(sums)) / kept[0].numel()


def shots(scores: Tensor, threshold: float = 30.0, shortest: int = 15) -> list[tuple[int, int]]:
    """Split a clip into shots where the score of a frame reaches the threshold.

    Frame ``k`` starts a shot if its score is at least ``threshold`` and at least ``shortest`` frames have passed since
    the last cut. Only the first shot may be shorter.

    Args:
        scores: ``(T,)``, made by `shot_scores`.
        threshold: least score of a cut, inclusive.
        shortest: least number of frames between two cuts.

    Returns:
        Shots as ``(start, end)`` in order, the end exclusive; together they cover the clip.

    Source: scenedetect 0.5.1, as called by syncnet_python.

    Example:
        >>> shots(torch.tensor([0.0, 1.0, 60.0, 70.0, 2.0]))
        [(0, 2), (2, 5)]
    """
    cuts: list[int] = []
    for frame in (scores >= threshold).nonzero().flatten().tolist():
        if not cuts or frame - cuts[-1] >= shortest:
            cuts.append(frame)
    return [(start, end) for start, end in zip([0, *cuts], [*cuts, len(scores)], strict=True) if end > start]
