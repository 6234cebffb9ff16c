"""The aligned face of OpenFace's action units: turned, scaled and cut out along its outline."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from thm_torchmetrics.imaging.grid_warp import warp_affine_grid

SIDE = 112
"""Side of the aligned face in pixels."""

_POINTS = 68
_RIGID = (1, 2, 3, 4, 12, 13, 14, 15, 27, 28, 29, 31, 32, 33, 34, 35, 36, 39, 40, 41, 42, 45, 46, 47)
"""The points by which the face is aligned."""
_FOREHEAD = (0, 16, *range(17, 27))
"""The points that are raised, so that the outline holds the forehead."""
_RAISED = 30.0
_PIXELS_PER_MM = 0.7


def align_to_mean_face(
    frames: Tensor, points: Tensor, shift: Tensor, mean: Tensor, triangles: Tensor
) -> tuple[Tensor, Tensor]:
    """Cut the face out of each frame, upright and in the size of the mean face.

    The rotation is that of the least-squares similarity between 24 points and the mean face at 0.7 pixels per
    millimetre, the scale the ratio of their spreads. Pixels outside the triangles of the face are black in the second
    result.

    Convention: any three channels, 0..255; points are (x, y) in pixels.

    Args:
        frames: ``(N, 3, H, W)`` uint8.
        points: ``(N, 68, 2)`` floating point.
        shift: ``(N, 2)``, the point that comes to the center: tx and ty of the fit.
        mean: ``(3, 68)``, the mean face in millimetres.
        triangles: ``(M, 3)``, indices of the points.

    Returns:
        The faces before and after the mask, ``(N, 3, 112, 112)`` uint8 each.

    Source: OpenFace 2.2, ``AlignFaceMask``.
    """
    rigid, raised = _places(points.device)
    linear = _similarity(points[:, rigid], _PIXELS_PER_MM * mean[:2, rigid].T)
    moved = SIDE / 2 - (linear @ shift[..., None])[..., 0]
    matrices = torch.cat([linear, moved[..., None]], dim=2)
    warped = warp_affine_grid(frames, matrices, SIDE)
    outline = points @ linear.transpose(1, 2) + moved[:, None]
    outline[..., 1] -= _RAISED * raised.to(outline.dtype)
    return warped, warped * triangle_mask(outline, triangles, SIDE)[:, None]


def triangle_mask(points: Tensor, triangles: Tensor, side: int) -> Tensor:
    """Return which pixels of a square lie in any of some triangles, their edges included.

    Every line of a triangle is one stretch of pixels; the ends of all stretches are counted, and their sums along a
    line tell how many triangles hold a pixel.

    Args:
        points: ``(N, P, 2)``, x and y in pixels, floating point.
        triangles: ``(M, 3)``, indices of the points.
        side: of the square, in pixels.

    Returns:
        ``(N, side, side)`` bool; False everywhere for points that are not finite.

    Example:
        >>> corners = torch.tensor([[[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]])
        >>> triangle_mask(corners, torch.tensor([[0, 1, 2]]), 3)[0].int()
        tensor([[1, 1, 1],
                [1, 1, 0],
                [1, 0, 0]], dtype=torch.int32)
    """
    corners = points[:, triangles]
    edges = corners.roll(-1, dims=2) - corners
    turn = edges[:, :, 0, 0] * edges[:, :, 1, 1] - edges[:, :, 0, 1] * edges[:, :, 1, 0]
    edges = edges * turn.sign()[..., None, None]
    lines = torch.arange(side, dtype=points.dtype, device=points.device)
    # a pixel (x, y) is inside an edge where slope * x + rest >= 0
    slope = -edges[..., 1, None]
    rest = edges[..., 0, None] * (lines - corners[..., 1, None]) + edges[..., 1, None] * corners[..., 0, None]
    crossing = -rest / slope
    first = torch.where(slope > 0, crossing, -1.0).amax(dim=2).ceil().clamp(0, side)
    last = torch.where(slope < 0, crossing, side).amin(dim=2).floor().clamp(-1, side - 1)
    level = (slope != 0) | (rest >= 0)  # a level edge holds whole lines, or none
    held = (first <= last) & level.all(dim=2) & (turn != 0)[..., None]
    counts = torch.zeros(len(points), side, side + 1, dtype=torch.int32, device=points.device)
    for ends, step in ((first, 1), (last + 1, -1)):
        places = torch.where(held, ends, side).to(torch.int64).transpose(1, 2)
        counts.scatter_add_(2, places, torch.full_like(places, step, dtype=torch.int32))
    return counts.cumsum(dim=2)[..., :side] > 0


@cache
def _places(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the indices of the rigid points, and which points are raised."""
    raised = torch.zeros(_POINTS, dtype=torch.bool)
    raised[list(_FOREHEAD)] = True
    return torch.tensor(_RIGID).to(device), raised.to(device)


def _similarity(points: Tensor, template: Tensor) -> Tensor:
    """Return the rotations and scales ``(N, 2, 2)`` that bring points to a template.

    The best rotation without reflection is that by the angle of (sum of dot products, sum of cross products).
    """
    source = points - points.mean(dim=1, keepdim=True)
    goal = template - template.mean(dim=0)
    scale = (goal.square().sum() / source.square().sum(dim=(1, 2))).sqrt()
    cosine = (source * goal).sum(dim=(1, 2))
    sine = (source[..., 0] * goal[:, 1] - source[..., 1] * goal[:, 0]).sum(dim=1)
    cosine, sine = (part / torch.hypot(cosine, sine) * scale for part in (cosine, sine))
    return torch.stack([torch.stack([cosine, -sine], dim=1), torch.stack([sine, cosine], dim=1)], dim=1)
