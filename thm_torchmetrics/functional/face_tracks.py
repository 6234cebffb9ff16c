"""The geometry of SyncNet's pipeline: shots, face tracks and the crop of every frame of a track.

Every rule and constant is that of syncnet_python's ``run_pipeline``; shots are those of scenedetect 0.5.1, its pin.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from torchvision.ops import box_iou

from thm_torchmetrics.errors import InputError

CROP_PAD = 110  # grey value outside the frame
_STEPS = ((3200, 12), (2100, 8), (1700, 6), (1200, 5), (900, 4), (600, 3), (400, 2))  # from this width on, every n-th
_TAPS = 13
_LOWEST = -255  # numerator of a hue
_AT_ONCE = 8  # frames whose colours stay in the cache


class Track(NamedTuple):
    """One face through time: frames ``first`` to ``first + len(boxes) - 1``.

    ``boxes`` are ``(n, 4)`` float64 x1, y1, x2, y2 in pixels, interpolated where the detector saw nothing;
    ``detections`` is the number of frames in which it did.
    """

    first: int
    boxes: Tensor
    detections: int


def hsv(images: Tensor) -> Tensor:
    """Hue, saturation and value as OpenCV's 8-bit ``COLOR_RGB2HSV`` gives them, equal in every byte.

    Args:
        images: ``(..., 3, H, W)`` uint8, RGB.

    Returns:
        ``(..., 3, H, W)`` uint8: H 0..179 (half degrees), S and V 0..255.

    Raises:
        InputError: Not uint8, or not three channels.

    Source: OpenCV 5.0 (reciprocals in 12-bit fixed point).

    Example:
        >>> hsv(torch.tensor([255, 128, 0], dtype=torch.uint8).reshape(3, 1, 1)).flatten()
        tensor([ 15, 255, 255], dtype=torch.uint8)
    """
    if images.dtype != torch.uint8 or images.dim() < 3 or images.shape[-3] != 3:
        raise InputError(f"hsv needs uint8 RGB (..., 3, H, W), got {images.dtype} of shape {tuple(images.shape)}")
    red, green, blue = images.unbind(dim=-3)
    value = torch.maximum(torch.maximum(red, green), blue)
    spread = (value - torch.minimum(torch.minimum(red, green), blue)).to(torch.int16)
    r, g, b = (channel.to(torch.int16) for channel in (red, green, blue))
    hue = torch.where(value == green, b - r + 2 * spread, r - g + 4 * spread)
    hue = torch.where(value == red, g - b, hue)
    of_hue, of_saturation = _colour_tables(images.device)
    at = 256 * (hue.to(torch.int32) - _LOWEST) + spread
    hue = of_hue.index_select(0, at.flatten()).reshape(at.shape)
    at = 256 * value.to(torch.int32) + spread
    saturation = of_saturation.index_select(0, at.flatten()).reshape(at.shape)
    return torch.stack([hue, saturation, value], dim=-3)


def shot_scores(frames: Tensor, previous: Tensor | None = None) -> Tensor:
    """How much each frame differs from the one before it, as scenedetect's content detector scores it.

    Every n-th pixel of every n-th row is kept (n = 1 below 400 px of width, up to 12 from 3200 on); the score is the
    mean over the three HSV channels of the mean absolute difference. Hue is not taken as circular.

    Args:
        frames: ``(T, 3, H, W)`` uint8, RGB.
        previous: ``(3, H, W)``, the frame before the first, when a clip comes in chunks.

    Returns:
        ``(T,)`` float64, 0..255 (on the CPU for MPS); the first is 0 without ``previous``.

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
        colours = torch.cat([last, hsv(some)])
        last = colours[-1:]
        changes = colours.to(torch.int16).diff(dim=0).abs_()
        sums.append(changes.flatten(1).sum(dim=1, dtype=torch.int64))
    total = torch.cat(sums)
    total = total.cpu() if total.device.type == "mps" else total
    return total.to(torch.float64) / kept[0].numel()


def shots(scores: Tensor, threshold: float = 30.0, shortest: int = 15) -> list[tuple[int, int]]:
    """Shots of a clip, as ``(start, end)`` with the end exclusive.

    Frame ``k`` starts a shot if its score is at least ``threshold`` and at least ``shortest`` frames have passed since
    the last cut. Only the first shot may be shorter.

    Args:
        scores: ``(T,)`` of :func:`shot_scores`.
        threshold: Score of a cut, inclusive.
        shortest: Frames between two cuts.

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
    """Centre and half size of a track's boxes, each median-filtered over 13 frames with zeros beyond the ends.

    Args:
        boxes: ``(n, 4)`` x1, y1, x2, y2.

    Returns:
        ``(n, 3)`` float64: centre x, centre y, half of the longer side. The zeros pull the first and last six rows
        down; the original's filter does so too.

    Source: syncnet_python, ``crop_video``; SciPy's ``medfilt``.

    Example:
        >>> smooth(torch.tensor([[10.0, 20.0, 30.0, 60.0]]).repeat(20, 1))[[0, 6]]
        tensor([[20., 40., 20.],
                [20., 40., 20.]], dtype=torch.float64)
    """
    boxes = boxes.to(torch.float64)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True) / 2
    values = pad(torch.cat([centre, half], dim=1), (0, 0, _TAPS // 2, _TAPS // 2))
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


@lru_cache(maxsize=8)
def _colour_tables(device: torch.device) -> tuple[Tensor, Tensor]:
    """Hue by its numerator and the spread, saturation by the value and the spread; 256 to a row.

    Both are quotients by a rounded 12-bit reciprocal, 0 where they would divide by 0.
    """
    levels = torch.arange(256, dtype=torch.float64)
    sixth, whole = ((scale * 4096 / levels).round().masked_fill_(levels == 0, 0).to(torch.int64) for scale in (30, 255))
    hue = (torch.arange(_LOWEST, 5 * 255 + 1)[:, None] * sixth + 2048) >> 12
    saturation = (torch.arange(256) * whole[:, None] + 2048) >> 12
    tables = (hue + 180 * (hue < 0)).to(torch.uint8), saturation.to(torch.uint8)
    return tables[0].flatten().to(device), tables[1].flatten().to(device)


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
