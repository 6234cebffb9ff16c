"""The face crops that FAN sees, and the landmarks that its heat maps encode.

Convention: boxes, centers and landmarks are (x, y) in pixels of the image; crops have exclusive ends.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_shape, to_float64

POINTS = 68
"""Landmarks of a face, in the order of 300-W."""

_CROP, _MAP = 256, 64  # sides of the network's input and of its heat maps

# the point that each one becomes in a mirrored face
_OPPOSITE = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *range(54, 47, -1),
    *range(59, 54, -1),
    *range(64, 59, -1),
    *range(67, 64, -1),
)


class FanGeometry(NamedTuple):
    """The square around each face that FAN sees."""

    centers: Tensor
    """``(N, 2)`` float64."""
    sides: Tensor
    """``(N,)`` float64."""
    crops: Tensor
    """``(N, 4)`` int64 x1, y1, x2, y2 of at least one pixel, ends exclusive; may leave the image."""


def fan_geometry(boxes: Tensor) -> FanGeometry:
    """Compute the square around each face that FAN sees.

    For a box of width w and height h: center at the middle, raised by 0.12 h; side ``S = 200 (w + h) / 195``; crop from
    ``trunc(c - 127 S / 256)`` to ``trunc(c + 128 S / 256)``. The crop is black outside the image and is resized to
    256 x 256 as OpenCV does; see `resize_crops`.

    Args:
        boxes: ``(N, 4)`` or ``(N, 5)``, rows x1, y1, x2, y2 in pixels; a fifth column, the score, is not read.

    Returns:
        The `FanGeometry`, on the device of the boxes (on the CPU for MPS).

    Raises:
        InputError: the boxes have another shape.

    Source: face_alignment 1.5.0 (Bulat and Tzimiropoulos, How far are we from solving the 2D & 3D Face Alignment
    problem?, 2017).

    Example:
        >>> fan_geometry(torch.tensor([[100.0, 100.0, 197.5, 197.5]])).crops
        tensor([[ 49,  37, 248, 237]])
    """
    check_shape("boxes", boxes, ("N", (4, 5)), "face boxes")
    boxes = to_float64(boxes)
    sides = boxes[:, 2:4] - boxes[:, :2]
    centers = boxes[:, 2:4] - sides / 2
    centers = torch.stack([centers[:, 0], centers[:, 1] - sides[:, 1] * 0.12], dim=1)
    side = 200 * sides.sum(dim=1) / 195
    first = (centers - 127 * side[:, None] / _CROP).trunc().to(torch.int64)
    last = (centers + 128 * side[:, None] / _CROP).trunc().to(torch.int64)
    return FanGeometry(centers, side, torch.cat([first, torch.maximum(last, first + 1)], dim=1))


def mirrored_heatmaps(heatmaps: Tensor) -> Tensor:
    """Turn the heat maps of a mirrored crop into maps of the crop itself.

    Left and right points are swapped, columns reversed. FAN's flip option adds the result to the heat maps of the crop
    itself; only the place of the maximum matters.

    Args:
        heatmaps: ``(N, 68, H, W)``.

    Returns:
        Heat maps of the same shape and dtype.

    Source: face_alignment.

    Example:
        >>> maps = torch.arange(68.0).reshape(1, 68, 1, 1).expand(1, 68, 1, 2)
        >>> mirrored_heatmaps(maps)[0, [0, 36, 48], 0, 0]
        tensor([16., 45., 54.])
    """
    order = torch.tensor(_OPPOSITE, dtype=torch.int64, device=heatmaps.device)
    return heatmaps.index_select(1, order).flip(-1)


def decode_heatmaps(heatmaps: Tensor, geometry: FanGeometry) -> Tensor:
    """Read landmarks in image pixels from FAN's heat maps.

    A landmark is ``trunc(c + (q - 32) S / 64)`` with q the first maximum of its map, plus half a cell, plus a quarter
    of a cell toward the larger neighbour on each axis unless the maximum lies on the border.

    Args:
        heatmaps: ``(N, 68, 64, 64)``, of the last stage, summed with the mirrored ones under the flip option.
        geometry: the squares of the N boxes, made by `fan_geometry`.

    Returns:
        ``(N, 68, 2)`` float64, x and y in whole pixels (on the CPU for MPS).

    Raises:
        InputError: the maps have another size, or the geometry has another number of boxes.

    Source: face_alignment 1.5.0; a decoder with sub-pixel landmarks gives other LMD and AKD.
    """
    if heatmaps.dim() != 4 or heatmaps.shape[2:] != (_MAP, _MAP) or len(heatmaps) != len(geometry.sides):
        raise InputError(
            f"`heatmaps` must be ({len(geometry.sides)}, K, 64, 64), one row for each box of `geometry`, "
            f"got {tuple(heatmaps.shape)}"
        )
    flat = heatmaps.flatten(2)
    at = flat.argmax(dim=2)
    x, y = at % _MAP, at // _MAP
    inside = (x > 0) & (x < _MAP - 1) & (y > 0) & (y < _MAP - 1)
    steps = []
    for stride in (1, _MAP):
        beyond = flat.gather(2, torch.where(inside, at + stride, at)[..., None])
        before = flat.gather(2, torch.where(inside, at - stride, at)[..., None])
        steps.append((beyond - before).squeeze(2).sign())
    cells = torch.stack([x, y], dim=2) + 0.25 * torch.stack(steps, dim=2).to(torch.float32) + 0.5
    cells = to_float64(cells)
    centers, sides = geometry.centers.to(cells.device), geometry.sides.to(cells.device)
    return (centers[:, None] + (cells - _MAP / 2) * sides[:, None, None] / _MAP).trunc()
