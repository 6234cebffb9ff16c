"""Boxes of the parts of a face, by its 68 landmarks.

Convention: boxes are rows ``x1, y1, x2, y2`` in whole pixels, ends exclusive, within the frame.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from thm_torchmetrics.functional.checks import check_option, check_shape

FacePart: TypeAlias = Literal["face", "mouth", "upper"]
FACE_PARTS = get_args(FacePart)
"""The parts of a face that have a box."""

_LIPS = slice(48, 68)
_NOSE_BASE = 33
_MARGIN = 0.25
"""The margin of the mouth, as a share of its width."""


def part_boxes(landmarks: Tensor, part: str, size: tuple[int, int]) -> Tensor:
    """Return the box of a part of the face in each frame.

    - ``face``: the smallest rectangle of whole pixels that holds all 68 points, from the brows to the chin.
    - ``upper``: the rows of ``face`` down to the base of the nose (point 34 of 68).
    - ``mouth``: the smallest rectangle that holds the 20 points of the lips, widened on every side by a quarter of its
      width.

    Args:
        landmarks: ``(n, 68, 2)``, x and y in pixels.
        part: its name.
        size: height and width of the frame, which the boxes are cut to.

    Returns:
        ``(n, 4)`` int64; all 0 where a frame has no landmarks, or where nothing of the part lies in the frame.

    Raises:
        InputError: the landmarks have another shape, or the part is unknown.

    Example:
        >>> points = torch.zeros(1, 68, 2)
        >>> points[0, :, 0], points[0, :, 1] = torch.arange(68) / 4 + 8, torch.arange(68) / 2 + 4
        >>> part_boxes(points, "face", (64, 64)), part_boxes(points, "upper", (64, 64))
        (tensor([[ 8,  4, 25, 38]]), tensor([[ 8,  4, 25, 21]]))
    """
    check_option("region", part, FACE_PARTS)
    check_shape("landmarks", landmarks, ("n", 68, 2), "face landmarks")
    found = landmarks.isfinite().flatten(1).all(dim=1)
    points = torch.where(found[:, None, None], landmarks.to(torch.float64), 0.0)
    chosen = points[:, _LIPS] if part == "mouth" else points
    low, high = chosen.amin(dim=1), chosen.amax(dim=1)
    if part == "upper":
        high[:, 1] = points[:, _NOSE_BASE, 1]
    elif part == "mouth":
        margin = _MARGIN * (high - low)[:, :1]
        low, high = low - margin, high + margin
    limit = torch.tensor(size[::-1], dtype=torch.float64, device=points.device)
    corners = [torch.minimum(edge.clamp(min=0), limit) for edge in (low.floor(), high.floor() + 1)]
    boxes = torch.cat(corners, dim=1).to(torch.int64)
    empty = ~found | (boxes[:, 2] <= boxes[:, 0]) | (boxes[:, 3] <= boxes[:, 1])
    return boxes.masked_fill(empty[:, None], 0)
