"""Face tracks of a clip and the crop of each frame of a track, as in SyncNet's pipeline.

Every rule and constant is that of syncnet_python's ``run_pipeline``.

Convention: boxes are x1, y1, x2, y2 in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from torchvision.ops import box_iou

from thm_torchmetrics.functional.checks import to_float64

CROP_PAD = 110
"""Grey value of a crop outside the frame."""

_TAPS = 13  # frames under the median filter
SHORTEST_TRACK = _TAPS // 2 + 1
"""Boxes of the shortest track that `smooth` does not turn into zeros."""


class Track(NamedTuple):
    """One face through time."""

    first: int
    """The first frame; the last is ``first + len(boxes) - 1``."""
    boxes: Tensor
    """``(n, 4)`` float64 x1, y1, x2, y2 in pixels, interpolated where the detector found nothing."""
    detections: int
    """Number of frames in which the detector found the face."""


def tracks(
    detections: Sequence[Tensor],
    parts: Sequence[tuple[int, int]],
    *,
    min_detections: int = 100,
    min_side: float = 100.0,
    max_gap: int = 25,
    min_iou: float = 0.5,
    best_only: bool = False,
) -> list[Track]:
    """Join the faces of single frames to tracks, shot by shot.

    Within a shot, until no face remains: begin with the first face of the earliest frame that has one; in each later
    frame take the first face whose IoU with the last box taken is above ``min_iou``; stop for good at a frame that lies
    more than ``max_gap`` after that box. A track is kept if it has more than ``min_detections`` faces and the mean
    width or the mean height of its interpolated boxes is above ``min_side``. Faces of a rejected track are not reused.

    Args:
        detections: faces of each frame, ``(k, 4)`` or ``(k, 5)``, rows x1, y1, x2, y2 in pixels, best score first.
        parts: shots ``(start, end)``; those shorter than ``min_detections`` frames are skipped.
        min_detections: number of detections that a track must exceed.
        min_side: mean width or height in pixels that a track must exceed.
        max_gap: largest distance in frames from one detection to the next.
        min_iou: overlap that a detection and the one before it must exceed.
        best_only: whether a track goes on with the best face that is left of a frame or with none, as in MoChaBench's
            copy of the pipeline; otherwise with the first face that overlaps.

    Returns:
        Tracks by shot, within a shot in the order in which they begin.

    Source: syncnet_python, ``run_pipeline``; congwei1230/MoChaBench, ``syncnet_pipeline``.

    Example:
        >>> face = torch.tensor([[10.0, 10.0, 150.0, 180.0]])
        >>> [(t.first, len(t.boxes)) for t in tracks([face] * 120, [(0, 120)])]
        [(0, 120)]
    """
    found = []
    for start, end in parts:
        if end - start < min_detections:
            continue
        remaining = [list(frame[:, :4].to("cpu", torch.float64)) for frame in detections[start:end]]
        while any(remaining):
            at, boxes = _follow(remaining, max_gap, min_iou, best_only)
            if len(at) <= min_detections:
                continue
            dense = _interpolated(at, torch.stack(boxes))
            sides = (dense[:, 2:] - dense[:, :2]).mean(dim=0)
            if float(sides.max()) > min_side:
                found.append(Track(start + at[0], dense, len(at)))
    return found


def smooth(boxes: Tensor) -> Tensor:
    """Smooth center and half size of a track's boxes with a median over 13 frames.

    Beyond the ends there are zeros, which pull the first and last six rows down, as in the original.

    Args:
        boxes: ``(n, 4)`` x1, y1, x2, y2.

    Returns:
        ``(n, 3)`` float64: center x, center y, half of the longer side (on the CPU for MPS).

    Source: syncnet_python, ``crop_video``; SciPy's ``medfilt``.

    Example:
        >>> smooth(torch.tensor([[10.0, 20.0, 30.0, 60.0]]).repeat(20, 1))[[0, 6]]
        tensor([[20., 40., 20.],
                [20., 40., 20.]], dtype=torch.float64)
    """
    boxes = to_float64(boxes)
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True) / 2
    # zeros pull the ends down, as scipy.signal.medfilt does
    values = pad(torch.cat([center, half], dim=1), (0, 0, _TAPS // 2, _TAPS // 2))
    return values.unfold(0, _TAPS, 1).median(dim=-1).values


def crop_boxes(smoothed: Tensor, size: tuple[int, int], scale: float = 0.4) -> Tensor:
    """Compute the box that is cut out of each frame for SyncNet.

    With half size ``s``: rows ``y - s`` to ``y + 1.8 s``, columns ``x - 1.4 s`` to ``x + 1.4 s``, each bound truncated
    in the frame padded by ``trunc(1.8 s)``, beyond which nothing is cut. The pipeline fills the crop with `CROP_PAD`
    outside the frame and resizes it to 224 x 224; see `resize_crops`.

    Args:
        smoothed: ``(n, 3)``, made by `smooth`.
        size: ``(height, width)`` of the frames.
        scale: share of the surroundings that is shown; the numbers above are those of 0.4.

    Returns:
        ``(n, 4)`` int64 x1, y1, x2, y2 in pixels of the frame, ends exclusive; may leave the frame.

    Source: syncnet_python, ``crop_video``.

    Example:
        >>> crop_boxes(torch.tensor([[100.0, 80.0, 50.0]]), (200, 200))
        tensor([[ 30,  30, 170, 170]])
    """
    x, y, half = to_float64(smoothed).unbind(dim=1)
    margin = (half * (1 + 2 * scale)).trunc()
    side = half * (1 + scale)
    x, y = x + margin, y + margin
    bounds = torch.stack([x - side, y - half, x + side, y + half * (1 + 2 * scale)], dim=1).trunc()
    limits = torch.tensor([size[1], size[0]] * 2, dtype=torch.float64, device=bounds.device) + 2 * margin[:, None]
    return (torch.minimum(bounds.clamp(min=0), limits) - margin[:, None]).to(torch.int64)


def _follow(
    remaining: list[list[Tensor]], max_gap: int, min_iou: float, best_only: bool
) -> tuple[list[int], list[Tensor]]:
    """Take the frames and boxes of one track out of the faces that remain."""
    at: list[int] = []
    boxes: list[Tensor] = []
    for frame, faces in enumerate(remaining):
        if at and frame - at[-1] > max_gap:
            break
        if not faces:
            continue
        chosen = 0
        if at:
            candidates = torch.stack(faces[:1] if best_only else faces)
            overlaps = (box_iou(boxes[-1][None], candidates)[0] > min_iou).nonzero()
            if not len(overlaps):
                continue
            chosen = int(overlaps[0])
        at.append(frame)
        boxes.append(faces.pop(chosen))
    return at, boxes


def _interpolated(at: list[int], boxes: Tensor) -> Tensor:
    """Fill the frames between detections with linearly interpolated boxes."""
    frames = np.arange(at[0], at[-1] + 1)
    columns = [np.interp(frames, at, column.numpy()) for column in boxes.unbind(dim=1)]
    return torch.from_numpy(np.stack(columns, axis=1))
