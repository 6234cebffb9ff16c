"""The alignment of faces for Deep3DFaceRecon's network.

The published pipeline resizes the whole frame with Pillow and cuts 224x224 pixels out of it. `crop` computes only these
pixels, in the same fixed-point steps, for a batch on its device.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.faces.crops import five_points
from thm_torchmetrics.functional.checks import check_shape
from thm_torchmetrics.imaging.checks import check_bytes
from thm_torchmetrics.imaging.pillow_crop import CROP_SIZE, resize_and_crop

STANDARD_FACE = (
    (-0.31148657, 0.29036078, 0.13377953),
    (0.30979887, 0.28972036, 0.13179526),
    (0.0032534988, -0.046179324, 0.55244243),
    (-0.25216928, -0.38133916, 0.22405732),
    (0.24846619, -0.38128236, 0.22235769),
)
"""The five points of the standard 3-D face, y up, in the order of `five_points`; from Deep3DFaceRecon."""

_RAW_SCALE = 102.0  # pixels per unit of the standard face in the crop


class Alignment(NamedTuple):
    """The scale and the cut of each frame."""

    parameters: Tensor
    """``(N, 5)`` float64: width and height of the frame, scale s, and the face's origin (tx, ty) in pixels, y up."""
    resized: Tensor
    """``(N, 2)`` int64: width and height of the scaled frame."""
    corner: Tensor
    """``(N, 2)`` int64: left and top of the crop in the scaled frame; may lie outside."""
    found: Tensor
    """``(N,)`` bool: whether there was a face to align; without one the parameters are NaN and the crop is black."""


def crop(frames: Tensor, landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """Align and cut the 224x224 faces that Deep3DFaceRecon's network reads.

    `alignment` finds the place, `resize_and_crop` computes the pixels, equal to Pillow's in every byte.

    Convention: RGB, 0..255; landmarks are (x, y) in pixels, y down; crops are black outside the frame.

    Args:
        frames: ``(N, 3, H, W)`` uint8, of any memory layout.
        landmarks: ``(N, 5, 2)`` in the order of `five_points`, or ``(N, 68, 2)``; NaN where there is no face.

    Returns:
        The crops ``(N, 3, 224, 224)`` uint8, and ``(N,)`` bool on the same device, whether there was a face to align;
        without one the crop is black.

    Raises:
        InputError: frames or landmarks have another shape or dtype.
        MismatchError: the numbers of frames and of faces differ.

    Source: ``sicxu/Deep3DFaceRecon_pytorch``, ``util/preprocess.py``.

    Example:
        >>> points = 80.0 * torch.tensor(STANDARD_FACE)[None, :, :2] * torch.tensor([1, -1]) + 100
        >>> crops, found = crop(torch.full((1, 3, 200, 200), 7, dtype=torch.uint8), points)
        >>> crops.shape, crops.unique(), found
        (torch.Size([1, 3, 224, 224]), tensor([7], dtype=torch.uint8), tensor([True]))
    """
    check_bytes("frames", frames)
    if len(landmarks) != len(frames):
        raise MismatchError(
            f"got landmarks of {len(landmarks)} faces for {len(frames)} frames; pass one face per frame"
        )
    aligned = alignment(landmarks, *frames.shape[2:])
    return resize_and_crop(frames, aligned.resized, aligned.corner), aligned.found.to(frames.device)


def alignment(landmarks: Tensor, height: int, width: int) -> Alignment:
    r"""Compute the scale and the position of Deep3DFaceRecon's crop from a face's landmarks.

    The standard face X (in 3-D) is laid over the landmarks by least squares, :math:`x = r_1 \cdot X + t_x`,
    :math:`y = r_2 \cdot X + t_y`; then :math:`s = 102 / \tfrac12 (|r_1| + |r_2|)`. The frame is resized to
    ``int(width * s)`` by ``int(height * s)`` and cut around (tx, ty); everything truncates toward zero.

    Convention: landmarks have (x, y) in pixels, y down; the parameters have y up.

    Args:
        landmarks: ``(N, 5, 2)`` in the order of `five_points`, or ``(N, 68, 2)``; NaN where there is no face.
        height: height of the frame in pixels.
        width: width of the frame in pixels.

    Returns:
        The `Alignment`, on the CPU.

    Raises:
        InputError: the landmarks have another shape, or the frame is empty.

    Source: ``sicxu/Deep3DFaceRecon_pytorch``, ``util/preprocess.py``.

    Example:
        >>> points = 80.0 * torch.tensor(STANDARD_FACE)[None, :, :2] * torch.tensor([1, -1]) + 100
        >>> [round(value, 2) for value in alignment(points, 200, 200).parameters[0].tolist()]
        [200.0, 200.0, 1.27, 100.0, 99.0]
    """
    check_shape("landmarks", landmarks, ("N", (5, 68), 2), "face landmarks")
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
