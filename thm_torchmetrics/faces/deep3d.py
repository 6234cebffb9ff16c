"""TITLE faces/deep3d."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.faces.crops import five_points
from thm_torchmetrics.imaging.checks import check_frames, slabs
from thm_torchmetrics.imaging.pillow_crop import CROP_SIZE, _resampled, _taps

STANDARD_FACE = (
    (-0.31148657, 0.29036078, 0.13377953),
    (0.30979887, 0.28972036, 0.13179526),
    (0.0032534988, -0.046179324, 0.55244243),
    (-0.25216928, -0.38133916, 0.22405732),
    (0.24846619, -0.38128236, 0.22235769),
)
"""The five points of the standard 3-D face, y up, in the order of ``identity.five_points``; from Deep3DFaceRecon."""


_RAW_SCALE = 102.0  # pixels per unit of the standard face in the crop


class Alignment(NamedTuple):
    """How each frame is scaled and cut."""

    parameters: Tensor
    """``(N, 5)`` float64: width and height of the frame, scale s, and the face's origin (tx, ty) in pixels, y up."""
    resized: Tensor
    """``(N, 2)`` int64: width and height of the scaled frame."""
    corner: Tensor
    """``(N, 2)`` int64: left and top of the crop in the scaled frame; may lie outside."""
    found: Tensor
    """``(N,)`` bool: whether there was a face to align; elsewhere the parameters are NaN and the crop is black."""


def alignment(landmarks: Tensor, height: int, width: int) -> Alignment:
    r"""Scale and position of the crop that Deep3DFaceRecon's network wants, of a face's landmarks.

    The standard face X (in 3-D) is laid over the landmarks by least squares, :math:`x = r_1 \cdot X + t_x`,
    :math:`y = r_2 \cdot X + t_y`; then :math:`s = 102 / \tfrac12 (|r_1| + |r_2|)`. The frame is resized to
    ``int(width * s)`` by ``int(height * s)`` and cut around (tx, ty); everything truncates toward zero.

    Args:
        landmarks: ``(N, 5, 2)`` as ``identity.five_points`` orders them, or ``(N, 68, 2)``; (x, y) in pixels, y down.
            NaN where there is no face.
        height: of the frame in pixels.
        width: of the frame in pixels.

    Returns:
        The `Alignment`, on the CPU.

    Raises:
        InputError: another shape, or an empty frame.

    Source: ``sicxu/Deep3DFaceRecon_pytorch``, ``util/preprocess.py``.

    Example:
        >>> points = 80.0 * torch.tensor(STANDARD_FACE)[None, :, :2] * torch.tensor([1, -1]) + 100
        >>> [round(value, 2) for value in alignment(points, 200, 200).parameters[0].tolist()]
        [200.0, 200.0, 1.27, 100.0, 99.0]
    """
    if landmarks.ndim != 3 or landmarks.shape[1:] not in ((5, 2), (68, 2)):
        raise InputError(f"landmarks must have the shape (N, 5, 2) or (N, 68, 2), got {tuple(landmarks.shape)}")
    if min(height, width) < 1:
        raise InputError(f"the frame must have at least 1 x 1 pixel, got height {height} and width {width}")
    points = landmarks.cpu().to(torch.float64)
    points = five_points(points) if points.shape[1] == 68 else points
    points = torch.stack([points[..., 0], height - 1 - points[..., 1]], dim=2)

    face = torch.tensor(STANDARD_FACE, dtype=torch.float64)
    solver = torch.linalg.pinv(torch.cat([face, torch.ones(5, 1, dtype=torch.float64)], dim=1))
    solution = solver @ points
    scale = _RAW_SCALE / solution[:, :3].norm(dim=1).mean(dim=1)
    size = torch.tensor([width, height], dtype=torch.float64)
    parameters = torch.cat([size.expand(len(points), 2), scale[:, None], solution[:, 3]], dim=1)

    resized = (size * scale[:, None]).trunc()
    offset = (solution[:, 3] - size / 2) * scale[:, None] * torch.tensor([1.0, -1.0], dtype=torch.float64)
    corner = (resized / 2 - CROP_SIZE / 2 + offset).trunc()
    found = ((resized >= 1) & (resized < 2**31)).all(dim=1)
    nowhere = size.to(torch.int64)
    return Alignment(
        parameters.masked_fill(~found[:, None], torch.nan),
        torch.where(found[:, None], resized.to(torch.int64), nowhere),
        torch.where(found[:, None], corner.to(torch.int64), nowhere),
        found,
    )


def landmarks_in_crop(landmarks: Tensor, aligned: Alignment) -> Tensor:
    """Where landmarks lie in the crop, y up, as Deep3DFaceRecon writes them.

    The shift is not truncated here while the crop's is, so pixels and landmarks differ by up to a pixel, as there.

    Args:
        landmarks: ``(N, K, 2)``, (x, y) in pixels of the frame, y down.
        aligned: what `alignment` gave.

    Returns:
        ``(N, K, 2)`` float64, (x, y) in pixels of the crop, y up; NaN where there is no face.

    Raises:
        InputError: another shape.

    Example:
        >>> points = 80.0 * torch.tensor(STANDARD_FACE)[None, :, :2] * torch.tensor([1, -1]) + 100
        >>> landmarks_in_crop(points, alignment(points, 200, 200))[0, 2].round(decimals=1)
        tensor([112.8000, 107.8000], dtype=torch.float64)
    """
    if landmarks.ndim != 3 or landmarks.shape[2] != 2 or len(landmarks) != len(aligned.parameters):
        raise InputError(f"landmarks must be ({len(aligned.parameters)}, K, 2), got {tuple(landmarks.shape)}")
    points = landmarks.cpu().to(torch.float64)
    width, height, scale, x, y = aligned.parameters[:, :, None].unbind(dim=1)
    right = (points[..., 0] - x + width / 2) * scale
    up = (height - 1 - points[..., 1] - y + height / 2) * scale
    corner = aligned.resized.to(torch.float64) / 2 - CROP_SIZE / 2
    return torch.stack([right, up], dim=2) - corner[:, None]


def crop(frames: Tensor, landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """The aligned 224x224 faces that Deep3DFaceRecon's network takes.

    Equal in every byte to resizing the whole frame with Pillow's antialiased bicubic filter and cutting the rectangle
    of `alignment` out of it (on MPS, which has no float64, within one grey level). Columns come first, as in Pillow up
    to 12.0; Pillow 13.0 does the rows first in frames more than twice as tall as wide, which rounds otherwise.

    Args:
        frames: ``(N, 3, H, W)`` uint8, of any memory layout.
        landmarks: ``(N, 5, 2)`` or ``(N, 68, 2)``, (x, y) in pixels, y down; NaN where there is no face.

    Returns:
        The crops ``(N, 3, 224, 224)`` uint8, black outside the frame, and ``(N,)`` bool on the same device: whether
        there was a face to align. Without one the crop is black.

    Raises:
        InputError: frames or landmarks of another shape or dtype.
        MismatchError: the numbers of frames and of faces differ.

    Source: ``sicxu/Deep3DFaceRecon_pytorch``; Pillow's ``Image.resize`` with ``BICUBIC``.

    Example:
        >>> points = 80.0 * torch.tensor(STANDARD_FACE)[None, :, :2] * torch.tensor([1, -1]) + 100
        >>> crops, found = crop(torch.full((1, 3, 200, 200), 7, dtype=torch.uint8), points)
        >>> crops.shape, crops.unique(), found
        (torch.Size([1, 3, 224, 224]), tensor([7], dtype=torch.uint8), tensor([True]))
    """
    check_frames("frames", frames)
    if frames.dtype != torch.uint8:
        raise InputError(f"frames must be uint8, got {frames.dtype}; convert with (255 * x).round().to(torch.uint8)")
    if len(landmarks) != len(frames):
        raise MismatchError(f"landmarks of {len(landmarks)} faces for {len(frames)} frames; give one face per frame")
    height, width = frames.shape[2:]
    aligned = alignment(landmarks, height, width)
    crops = torch.empty(len(frames), 3, CROP_SIZE, CROP_SIZE, dtype=torch.uint8, device=frames.device)
    if len(frames):
        columns = _taps(width, aligned.resized[:, 0], aligned.corner[:, 0])
        rows = _taps(height, aligned.resized[:, 1], aligned.corner[:, 1])
        area = int(((columns.last - columns.first[:, 0]) * (rows.last - rows.first[:, 0])).max())
        for some in slabs(len(frames), area, frames.device):
            crops[some] = _resampled(frames[some], columns.part(some), rows.part(some))
    return crops, aligned.found.to(frames.device)
