"""The geometry of SyncNet's pipeline: shots, face tracks and the crop of every frame of a track.

Every rule and constant is that of syncnet_python's ``run_pipeline``; shots are those of scenedetect 0.5.1, its pin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from torchvision.ops import box_iou

CROP_PAD = 110  # grey value outside the frame
_TAPS = 13


class Track(NamedTuple):
    """One face through time: frames ``first`` to ``first + len(boxes) - 1``.

    ``boxes`` are ``(n, 4)`` float64 x1, y1, x2, y2 in pixels, interpolated where the detector saw nothing;
    ``detections`` is the number of frames in which it did.
    """

    first: int
    boxes: Tensor
    detections: int


def tracks(
    detections: Sequence[Tensor],
    parts: Sequence[tuple[int, int]],
    *,
    min_detections: int = 100,
    min_side: float = 100.0,
    max_gap: int = 25,
    min_iou: float = 0.5,
) -> list[Track]:
    """Face tracks of a clip, by shot and then by the order in which they were begun.

    Within a shot, until no face is left: begin with the first face of the earliest frame that has one; in each later
    frame take the first face whose IoU with the last box taken is above ``min_iou``; stop for good at a frame that lies
    more than ``max_gap`` after that box. A track is kept if it has more than ``min_detections`` faces and the mean
    width or the mean height of its interpolated boxes is above ``min_side``; the faces of a rejected one are used up
    too.

    Args:
        detections: Per frame ``(k, 4)`` or ``(k, 5)``, rows x1, y1, x2, y2 in pixels, best score first.
        parts: Shots ``(start, end)``; those shorter than ``min_detections`` frames are skipped.
        min_detections: Exclusive.
        min_side: Pixels, exclusive.
        max_gap: Frames, inclusive.
        min_iou: Exclusive.

    Source: syncnet_python, ``run_pipeline``.

    Example:
        >>> face = torch.tensor([[10.0, 10.0, 150.0, 180.0]])
        >>> [(t.first, len(t.boxes)) for t in tracks([face] * 120, [(0, 120)])]
        [(0, 120)]
    """
    found = []
    for start, end in parts:
        if end - start < min_detections:
            continue
        left = [list(frame[:, :4].to("cpu", torch.float64)) for frame in detections[start:end]]
        while any(left):
            at, boxes = _follow(left, max_gap, min_iou)
            if len(at) <= min_detections:
                continue
            dense = _interpolated(at, torch.stack(boxes))
            sides = (dense[:, 2:] - dense[:, :2]).mean(dim=0)
            if float(sides.max()) > min_side:
                found.append(Track(start + at[0], dense, len(at)))
    return found


def smooth(boxes: Tensor) -> Tensor:
    """Center and half size of a track's boxes, each median-filtered over 13 frames with zeros beyond the ends.

    Args:
        boxes: ``(n, 4)`` x1, y1, x2, y2.

    Returns:
        ``(n, 3)`` float64: center x, center y, half of the longer side. The zeros pull the first and last six rows
        down; the original's filter does so too.

    Source: syncnet_python, ``crop_video``; SciPy's ``medfilt``.

    Example:
        >>> smooth(torch.tensor([[10.0, 20.0, 30.0, 60.0]]).repeat(20, 1))[[0, 6]]
        tensor([[20., 40., 20.],
                [20., 40., 20.]], dtype=torch.float64)
    """
    boxes = boxes.to(torch.float64)
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True) / 2
    values = pad(torch.cat([center, half], dim=1), (0, 0, _TAPS // 2, _TAPS // 2))
    return values.unfold(0, _TAPS, 1).median(dim=-1).values


def crop_boxes(smoothed: Tensor, size: tuple[int, int], scale: float = 0.4) -> Tensor:
    """The box that is cut out of each frame for SyncNet, to be filled with grey 110 outside and resized to 224 x 224.

    With half size ``s``: rows ``y - s`` to ``y + 1.8 s``, columns ``x - 1.4 s`` to ``x + 1.4 s``, each bound truncated
    in the frame padded by ``trunc(1.8 s)``, beyond which nothing is cut.

    Args:
        smoothed: ``(n, 3)`` of :func:`smooth`.
        size: ``(height, width)`` of the frames.
        scale: How much of the surroundings is shown; the numbers above are those of 0.4.

    Returns:
        ``(n, 4)`` int64 x1, y1, x2, y2 in pixels of the frame, ends exclusive; may leave the frame.

    Source: syncnet_python, ``crop_video``.

    Example:
        >>> crop_boxes(torch.tensor([[100.0, 80.0, 50.0]]), (200, 200))
        tensor([[ 30,  30, 170, 170]])
    """
    x, y, half = smoothed.to(torch.float64).unbind(dim=1)
    margin = (half * (1 + 2 * scale)).trunc()
    side = half * (1 + scale)
    x, y = x + margin, y + margin
    bounds = torch.stack([x - side, y - half, x + side, y + half * (1 + 2 * scale)], dim=1).trunc()
    limits = torch.tensor([size[1], size[0]] * 2, dtype=torch.float64, device=bounds.device) + 2 * margin[:, None]
    return (torch.minimum(bounds.clamp(min=0), limits) - margin[:, None]).to(torch.int64)


def _follow(left: list[list[Tensor]], max_gap: int, min_iou: float) -> tuple[list[int], list[Tensor]]:
    """Frames and boxes of one track, which are taken out of ``left``."""
    at: list[int] = []
    boxes: list[Tensor] = []
    for frame, faces in enumerate(left):
        if at and frame - at[-1] > max_gap:
            break
        if not faces:
            continue
        chosen = 0
        if at:
            overlaps = (box_iou(boxes[-1][None], torch.stack(faces))[0] > min_iou).nonzero()
            if not len(overlaps):
                continue
            chosen = int(overlaps[0])
        at.append(frame)
        boxes.append(faces.pop(chosen))
    return at, boxes


def _interpolated(at: list[int], boxes: Tensor) -> Tensor:
    frames = np.arange(at[0], at[-1] + 1)
    columns = [np.interp(frames, at, column.numpy()) for column in boxes.unbind(dim=1)]
    return torch.from_numpy(np.stack(columns, axis=1))
