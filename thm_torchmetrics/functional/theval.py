"""THEval's metrics of lips, brows and head, of landmarks and head pose.

Convention: landmarks are the 478 points of MediaPipe's face mesh as fractions of the frame, or 68 in the order of 300-W
in pixels; a frame without a face is NaN throughout. Only the former are THEval's.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from thm_torchmetrics.functional.checks import check_shape, finite_or_nan, to_float64

MESH_POINTS = 478
"""Points of MediaPipe's face mesh with irises."""


class _Points(NamedTuple):
    """The points that the metrics read of one set of landmarks."""

    lips: tuple[int, ...]
    pairs: tuple[tuple[int, ...], tuple[int, ...]]
    """Points of the upper and of the lower inner lip, as THEval pairs them."""
    corners: tuple[int, int]
    """Outer corners of the eyes."""
    brows: tuple[tuple[int, ...], tuple[int, ...]]
    eyes: tuple[tuple[int, ...], tuple[int, ...]]
    scale: float
    """Factor from the landmarks to pixels of a frame of 256x256."""


_MESH = _Points(
    lips=(
        0, 13, 14, 17, 37, 39, 40, 61, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185, 191, 267, 269, 270, 291,
        308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409, 415,
    ),
    pairs=((191, 80, 81, 82, 13, 312, 311, 310), (95, 88, 178, 87, 14, 317, 402, 318)),
    corners=(33, 263),
    brows=((276, 282, 283, 285, 293, 295, 296, 300, 334, 336), (46, 52, 53, 55, 63, 65, 66, 70, 105, 107)),
    eyes=(
        (249, 263, 362, 373, 374, 380, 381, 382, 384, 385, 386, 387, 388, 390, 398, 466),
        (7, 33, 133, 144, 145, 153, 154, 155, 157, 158, 159, 160, 161, 163, 173, 246),
    ),
    scale=256.0,
)  # fmt: skip
_FACE = _Points(
    lips=tuple(range(48, 68)),
    pairs=((61, 62, 63), (67, 66, 65)),
    corners=(36, 45),
    brows=(tuple(range(17, 22)), tuple(range(22, 27))),
    eyes=(tuple(range(36, 42)), tuple(range(42, 48))),
    scale=1.0,
)

_SMALLEST_FACE = 1e-3  # distance of the eyes up to which THEval leaves a frame out


def lip_dynamics(landmarks: Tensor) -> Tensor:
    """Compute how much the lips of a clip move.

    It is the population standard deviation over time of the distance of each pair of lip points, and the mean over
    pairs, in pixels of a frame of 256x256: 40 points of the face mesh, or points 48 to 67 of 68.

    Args:
        landmarks: ``(T, 478, 2)`` fractions of the frame, or ``(T, 68, 2)`` pixels of a frame of 256x256.

    Returns:
        0-d float64, at least 0; NaN if no frame has a face.

    Raises:
        InputError: the shape is another.

    Source: ``Newbyl/THEval@cfe23fe Naturalness/lip_dynamics.py``.

    Example:
        >>> landmarks = torch.zeros(2, 68, 2)
        >>> landmarks[1, 48, 0] = 10  # one of 20 points moves
        >>> lip_dynamics(landmarks)  # 5 in 19 of 190 pairs
        tensor(0.5000, dtype=torch.float64)
    """
    points, of = _seen(landmarks)
    lips = points[:, list(of.lips)] * of.scale
    one, other = torch.triu_indices(len(of.lips), len(of.lips), 1, device=lips.device)
    return _variance(_lengths(lips[:, one] - lips[:, other])).sqrt().mean()


def eyebrow_dynamics(landmarks: Tensor, aspect: float = 1.0) -> Tensor:
    """Compute how much the brows of a clip move.

    It is the mean absolute change, from one frame with a face to the next, of the distance between the centers of brow
    and eye over the distance between the centers of the eyes, of both sides.

    Args:
        landmarks: ``(T, 478, 2)`` fractions of the frame, or ``(T, 68, 2)`` pixels.
        aspect: width over height of the frame, for fractions.

    Returns:
        0-d float64, at least 0; NaN with fewer than two frames.

    Raises:
        InputError: the shape is another.

    Source: ``Newbyl/THEval@cfe23fe Naturalness/eyebrow_dynamics.py``; it gives a clip of one frame 0.

    Example:
        >>> landmarks = torch.zeros(2, 68, 2)
        >>> landmarks[:, 42:48, 0] = 100
        >>> landmarks[:, 22:27, 0] = 100
        >>> landmarks[1, 17:22, 1] = -10  # the left brow rises
        >>> eyebrow_dynamics(landmarks)
        tensor(0.0500, dtype=torch.float64)
    """
    points, of = _seen(landmarks)
    if of is _MESH:
        points = points * points.new_tensor([aspect, 1.0])
    brows, eyes = (
        torch.stack([points[:, list(side)].mean(dim=1) for side in sides], dim=1) for sides in (of.brows, of.eyes)
    )
    scale = _lengths(eyes[:, 0] - eyes[:, 1])
    kept = scale >= _SMALLEST_FACE
    return (_lengths(brows - eyes)[kept] / scale[kept, None]).diff(dim=0).abs().mean()


def lip_opening(landmarks: Tensor) -> Tensor:
    """Compute how far the lips are open in each frame.

    It is the mean vertical distance of points of the inner lips over the distance of the outer corners of the eyes: of
    eight pairs of the face mesh, or three of 68 points.

    Args:
        landmarks: ``(T, 478, 2)`` fractions of the frame, or ``(T, 68, 2)`` pixels of a frame of 256x256.

    Returns:
        ``(T,)`` float64, at least 0; NaN without a face.

    Raises:
        InputError: the shape is another.

    Source: ``Newbyl/THEval@cfe23fe Synchronization/silent_lip_stability.py``; its frames have 256x256 pixels, so that
    fractions of width and height weigh the same.

    Example:
        >>> landmarks = torch.zeros(1, 68, 2)
        >>> landmarks[:, 45, 0], landmarks[:, 65:68, 1] = 100, 7
        >>> lip_opening(landmarks)
        tensor([0.0700], dtype=torch.float64)
    """
    points, of = _points(landmarks)
    upper, lower = (points[:, list(side), 1] for side in of.pairs)
    left, right = (points[:, corner] for corner in of.corners)
    width = _lengths(left - right)
    width = width.masked_fill(width * of.scale < _SMALLEST_FACE, torch.nan)
    return (upper - lower).abs().mean(dim=1) / width


def silent_lip_motion(opening: Tensor) -> Tensor:
    """Compute how restless the lips are in silence, the median of the absolute deviation from the mean opening.

    Args:
        opening: ``(T,)``, as `lip_opening` returns it, of the frames in silence.

    Returns:
        0-d float64, at least 0; NaN with fewer than two values.

    Raises:
        InputError: the shape is another.

    Source: as `lip_opening`.

    Example:
        >>> silent_lip_motion(torch.tensor([1.0, 1.0, 1.0, 5.0]))  # the mean is 2
        tensor(1., dtype=torch.float64)
    """
    check_shape("opening", opening, ("T",), "openings of the lips")
    values = to_float64(finite_or_nan(opening))
    values = values[~values.isnan()]
    if len(values) < 2:
        return values.new_full((), torch.nan)
    return (values - values.mean()).abs().quantile(0.5)


def head_motion(poses: Tensor) -> Tensor:
    r"""Compute how much the head of a clip moves.

    .. math:: \sqrt{\overline{\operatorname{std}}(\theta) \cdot \overline{\operatorname{var}}(\Delta\theta)
        + \overline{\operatorname{var}}(c)}

    of pitch, yaw and roll in degrees, their changes from frame to frame, and the center of the face in pixels; the
    bars are means over the angles and over the coordinates. It grows with the size of the picture.

    Args:
        poses: ``(T, 5)``, pitch, yaw, roll in degrees, x and y in pixels.

    Returns:
        0-d float64, at least 0; NaN with fewer than two frames.

    Raises:
        InputError: the shape is another.

    Source: ``Newbyl/THEval@cfe23fe Naturalness/head_motion_dynamics.py``.

    Example:
        >>> head_motion(torch.tensor([[0.0, 0, 0, 10, 10], [0.0, 0, 0, 14, 10]]))
        tensor(1.4142, dtype=torch.float64)
    """
    check_shape("poses", poses, ("T", 5), "angles in degrees and center in pixels")
    rows = to_float64(finite_or_nan(poses))
    rows = rows[~rows.isnan().any(dim=1)]
    if len(rows) < 2:
        return rows.new_full((), torch.nan)
    angles, center = rows[:, :3], rows[:, 3:]
    change = _variance(angles.diff(dim=0)).mean()
    return (_variance(angles).sqrt().mean() * change + _variance(center).mean()).sqrt()


def theval_score(value: Tensor, reference: float) -> Tensor:
    r"""Compute THEval's relative score, 1 where a value is that of the real videos; it may be negative.

    .. math:: 1 - \frac{|m - g|}{|g|}

    Args:
        value: the metric of the generated videos, of any shape.
        reference: that of the real videos.

    Returns:
        The shape of ``value``, float64, at most 1.

    Source: ``Newbyl/THEval@cfe23fe theval/scoring.py``.

    Example:
        >>> theval_score(torch.tensor([1.5, 4.0]), 2.0)
        tensor([0.7500, 0.0000], dtype=torch.float64)
    """
    return 1 - (to_float64(value) - reference).abs() / abs(reference)


def _points(landmarks: Tensor) -> tuple[Tensor, _Points]:
    check_shape("landmarks", landmarks, ("T", (68, MESH_POINTS), 2), "face landmarks")
    return to_float64(finite_or_nan(landmarks)), _FACE if landmarks.shape[1] == 68 else _MESH


def _seen(landmarks: Tensor) -> tuple[Tensor, _Points]:
    """Return the landmarks of frames with a face."""
    points, of = _points(landmarks)
    return points[~points.flatten(1).isnan().any(dim=1)], of


def _variance(rows: Tensor) -> Tensor:
    """Return the population variance over time."""
    return (rows - rows.mean(dim=0)).square().mean(dim=0)


def _lengths(vectors: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return lengths
