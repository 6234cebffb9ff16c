"""The aligned crops that ArcFace and EmoNet were trained on, from 68 landmarks.

Convention: frames are RGB, 0..255; landmarks and matrices are (x, y) in pixels; crops are black outside the frame.
"""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_shape
from thm_torchmetrics.imaging.checks import widest_float
from thm_torchmetrics.imaging.warp import similarity_transform, warp_affine

ARCFACE_SIZE = 112
"""Side of ArcFace's input in pixels."""

ARCFACE_TEMPLATE = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
"""Where the points of `five_points` lie in ArcFace's 112x112 crop, (x, y) in pixels."""

EMOTION_CROP_SIZE = 256
"""Side of EmoNet's input in pixels."""


def arcface_crops(frames: Tensor, landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """Turn, scale and cut the face of each frame for ArcFace.

    Args:
        frames: ``(N, 3, H, W)`` uint8.
        landmarks: ``(N, 68, 2)``, (x, y) in pixels; NaN where there is no face.

    Returns:
        The crops ``(N, 3, 112, 112)`` uint8, and ``(N,)`` bool, whether there was a face; without one the crop is
        black.

    Raises:
        InputError: frames or landmarks have another shape or dtype.
        MismatchError: the numbers of frames and of faces differ.

    Example:
        >>> crops, found = arcface_crops(torch.zeros(2, 3, 90, 90, dtype=torch.uint8), torch.rand(2, 68, 2) * 90)
        >>> crops.shape, found
        (torch.Size([2, 3, 112, 112]), tensor([True, True]))
    """
    return align_faces(frames, five_points(landmarks), ARCFACE_SIZE)


def emotion_crops(frames: Tensor, landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """Cut the square around the face of each frame for EmoNet.

    Args:
        frames: ``(N, 3, H, W)`` uint8.
        landmarks: ``(N, 68, 2)``, (x, y) in pixels; NaN where there is no face.

    Returns:
        The crops ``(N, 3, 256, 256)`` uint8, and ``(N,)`` bool, whether there was a face; without one the crop is
        black.

    Raises:
        InputError: frames or landmarks have another shape or dtype.
        MismatchError: the numbers of frames and of faces differ.

    Example:
        >>> crops, found = emotion_crops(torch.zeros(2, 3, 90, 90, dtype=torch.uint8), torch.rand(2, 68, 2) * 90)
        >>> crops.shape, found
        (torch.Size([2, 3, 256, 256]), tensor([True, True]))
    """
    matrices = emotion_crop_matrix(landmarks)
    return warp_affine(frames, matrices, EMOTION_CROP_SIZE), _are_finite(matrices).to(frames.device)


def align_faces(frames: Tensor, points: Tensor, size: int = ARCFACE_SIZE) -> tuple[Tensor, Tensor]:
    """Turn, scale and cut one face out of each frame as InsightFace's ``norm_crop`` does.

    Args:
        frames: ``(N, 3, H, W)`` uint8.
        points: ``(N, 5, 2)``, (x, y) in pixels, in the order of `five_points`; NaN where there is no face.
        size: side of the crop: a multiple of 112, or of 128, whose template has a margin of 8 columns on each side.

    Returns:
        The crops ``(N, 3, size, size)`` uint8, and ``(N,)`` bool on the same device, whether there was a face to align.
        Without one (a point is NaN or infinite, or all points coincide) the crop is black.

    Raises:
        InputError: frames or points have another shape or dtype, or the size is not such a multiple.
        MismatchError: the numbers of frames and of faces differ.

    Source: ``deepinsight/insightface``, ``utils/face_align.py``.

    Example:
        >>> frames = torch.full((2, 3, 200, 200), 9, dtype=torch.uint8)
        >>> points = 1.5 * torch.tensor([ARCFACE_TEMPLATE, ARCFACE_TEMPLATE])
        >>> points[1] = torch.nan
        >>> crops, found = align_faces(frames, points)
        >>> crops.shape, crops.amin((1, 2, 3)), found
        (torch.Size([2, 3, 112, 112]), tensor([9, 0], dtype=torch.uint8), tensor([ True, False]))
    """
    check_shape("points", points, ("N", 5, 2), "five points of a face")
    matrices = similarity_transform(points, _template(size))
    return warp_affine(frames, matrices, size), _are_finite(matrices).to(frames.device)


def five_points(landmarks: Tensor) -> Tensor:
    """Reduce 68 landmarks to the two eyes, the nose tip and the two mouth corners.

    Face recognition aligns by these. An eye is the mean of its two corners (36 and 39, 42 and 45, counted from 0), not
    of its six points.

    Args:
        landmarks: ``(N, 68, 2)``, (x, y) in any unit.

    Returns:
        ``(N, 5, 2)`` float64 (float32 on MPS): the eye on the image's left, the other eye, nose tip (30), the mouth
        corner on the image's left (48), the other corner (54).

    Raises:
        InputError: the landmarks have another shape.

    Source: InsightFace's IJB evaluation; Deep3DFaceRecon has the same rule.

    Example:
        >>> five_points(torch.arange(136).reshape(1, 68, 2))[0, :, 0]
        tensor([ 75.,  87.,  60.,  96., 108.], dtype=torch.float64)
    """
    check_shape("landmarks", landmarks, ("N", 68, 2), "face landmarks")
    points = landmarks.to(widest_float(landmarks.device))
    eyes = (points[:, [36, 42]] + points[:, [39, 45]]) / 2
    return torch.cat([eyes, points[:, [30, 48, 54]]], dim=1)


def emotion_crop_matrix(landmarks: Tensor) -> Tensor:
    r"""Compute the affine map from a frame to EmoNet's 256x256 input.

    The map is that of the network's training and test data. The square around the landmarks' box has the side
    :math:`S = (w + h) / 1.1` and the box's center. It is scaled by :math:`256 / S`; nothing is turned. `warp_affine`
    applies the map.

    Args:
        landmarks: ``(N, 68, 2)``, (x, y) in pixels; NaN where there is no face.

    Returns:
        ``(N, 2, 3)`` float64 (float32 on MPS), from frame to crop; not finite where there is no face or no extent.

    Raises:
        InputError: the landmarks have another shape.

    Source: ``face-analysis/emonet``, the AffectNet loader (protocol ``face``).

    Example:
        >>> landmarks = torch.zeros(1, 68, 2)
        >>> landmarks[0, 0] = torch.tensor([100.0, 120.0])  # S = 200, center (50, 60)
        >>> emotion_crop_matrix(landmarks)[0]
        tensor([[ 1.2800,  0.0000, 64.0000],
                [ 0.0000,  1.2800, 51.2000]], dtype=torch.float64)
    """
    check_shape("landmarks", landmarks, ("N", 68, 2), "face landmarks")
    points = landmarks.to(widest_float(landmarks.device))
    low, high = points.amin(dim=1), points.amax(dim=1)
    scale = EMOTION_CROP_SIZE * 1.1 / (high - low).sum(dim=1)
    shift = EMOTION_CROP_SIZE / 2 - scale[:, None] * (low + high) / 2
    linear = torch.eye(2, dtype=points.dtype, device=points.device) * scale[:, None, None]
    return torch.cat([linear, shift[..., None]], dim=2)


def _template(size: int) -> Tensor:
    """Return ArcFace's template for a crop of another side."""
    if size < 1 or (size % 112 and size % 128):
        raise InputError(f"`size`, the side of an aligned face, must be a multiple of 112 or of 128, got {size}")
    base, margin = (112, 0.0) if size % 112 == 0 else (128, 8.0)
    # single precision, as in the original
    template = torch.tensor(ARCFACE_TEMPLATE, dtype=torch.float32) * (size / base)
    return template + torch.tensor([margin * size / base, 0.0], dtype=torch.float32)


def _are_finite(matrices: Tensor) -> Tensor:
    return matrices.isfinite().flatten(1).all(dim=1)
