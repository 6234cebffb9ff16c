"""The aligned faces on which EAT measures.

Convention: frames are RGB, 0..255; landmarks are (x, y) in pixels; pixel centers lie at whole coordinates; crops are
black outside the frame.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from thm_torchmetrics.errors import MismatchError
from thm_torchmetrics.functional.checks import check_shape
from thm_torchmetrics.imaging.checks import check_bytes, widest_float

EAT_SIZE = 128
"""Side of a crop in pixels."""

NOSE_AND_EYES = slice(27, 45)
"""The points of the 68 that are aligned: the nose, the eye on the image's left, and half of the other."""

EAT_TEMPLATE = (
    (65, 37), (65, 47), (65, 57), (66, 68), (54, 75), (60, 77), (66, 78), (71, 76), (77, 75),
    (28, 39), (35, 35), (43, 35), (50, 40), (43, 42), (34, 42), (79, 40), (86, 34), (94, 34),
)  # fmt: skip
"""Where the points `NOSE_AND_EYES` lie in the warped frame, (x, y).

The published files for open eyes (``base_68.npy``) and for shut ones (``base_68_close.npy``) hold the same bytes, so
the choice between them has no effect.
"""

_MARGIN = 1  # the original warps to 163 x 163 pixels and cuts rows and columns 1 to 128 out


def eat_crops(frames: Tensor, landmarks: Tensor) -> tuple[Tensor, Tensor]:
    r"""Turn, scale and cut the face of each frame as EAT's evaluation does.

    `fit_template` gives the map :math:`M_t` from the warped frame to the frame. A pixel :math:`x` of the crop is the
    frame at :math:`M_t(x + 1)`, interpolated bilinearly in double precision and rounded down.

    Args:
        frames: ``(N, 3, H, W)`` uint8.
        landmarks: ``(N, 68, 2)``, (x, y) in pixels; NaN where there is no face.

    Returns:
        The crops ``(N, 3, 128, 128)`` uint8, and ``(N,)`` bool on the same device, whether there was a face; without
        one (a point is NaN or infinite, or all points coincide) the crop is black.

    Raises:
        InputError: frames or landmarks have another shape or dtype.
        MismatchError: the numbers of frames and of faces differ.

    Source: ``yuangan/evaluation_eat``, ``utils_crop.py``; the warp is ``skimage.transform.warp``.

    Example:
        >>> landmarks = torch.full((2, 68, 2), torch.nan)
        >>> landmarks[0, NOSE_AND_EYES] = 2 * torch.tensor(EAT_TEMPLATE, dtype=torch.float32)
        >>> crops, found = eat_crops(torch.full((2, 3, 300, 300), 9, dtype=torch.uint8), landmarks)
        >>> crops.shape, found
        (torch.Size([2, 3, 128, 128]), tensor([ True, False]))
    """
    check_bytes("frames", frames)
    check_shape("landmarks", landmarks, ("N", 68, 2), "face landmarks")
    if len(landmarks) != len(frames):
        raise MismatchError(f"got {len(landmarks)} faces for {len(frames)} frames; pass one per frame")
    maps = [fit_template(points) for points in landmarks[:, NOSE_AND_EYES].to("cpu", torch.float32).numpy()]
    found = torch.tensor([each is not None for each in maps], dtype=torch.bool, device=frames.device)
    crops = frames.new_zeros(len(frames), 3, EAT_SIZE, EAT_SIZE)
    for crop, frame, matrix in zip(crops, frames, maps, strict=True):
        if matrix is not None:
            crop.copy_(_warped(frame, torch.from_numpy(matrix).to(frames.device, widest_float(frames.device))))
    return crops, found


def fit_template(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float64] | None:
    """Fit the rotation, scale and shift that bring the template closest to points of a frame, by least squares.

    This is Umeyama's solution. It is computed in single precision, as scikit-image does for the points of the original:
    a last digit moves a few pixels of the crop by one level, and dlib's whole-pixel landmarks of the crop with them.

    Args:
        points: ``(18, 2)``, the points `NOSE_AND_EYES`.

    Returns:
        ``(2, 3)``, from the warped frame to the frame; None if a point is not finite or all points coincide.
    """
    if not np.isfinite(points).all() or (points == points[0]).all():
        return None
    template = np.array(EAT_TEMPLATE, np.float32)
    center, place = template.mean(axis=0), points.mean(axis=0)
    template = template - center
    left, stretch, right = np.linalg.svd((points - place).T @ template / len(template))
    signs = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])  # no reflection
    rotation = left * signs @ right
    scale = 1.0 / template.var(axis=0).sum() * (stretch @ signs)
    shift = place - scale * (rotation @ center)
    return np.column_stack([scale * rotation, shift])


def _warped(frame: Tensor, matrix: Tensor) -> Tensor:
    """Return the crop ``(3, 128, 128)`` of a frame ``(3, H, W)`` by a matrix from warped frame to frame."""
    steps = torch.arange(_MARGIN, _MARGIN + EAT_SIZE, dtype=matrix.dtype, device=matrix.device)
    x, y = steps[None, :], steps[:, None]
    across, down = (a * x + b * y + c for a, b, c in matrix)
    left, top = across.floor(), down.floor()
    right_share, lower_share = across - left, down - top

    def read(row: Tensor, column: Tensor) -> Tensor:
        height, width = frame.shape[1:]
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        row, column = row.clamp(0, height - 1).to(torch.int64), column.clamp(0, width - 1).to(torch.int64)
        return frame[:, row, column].to(matrix.dtype) * (1 / 255) * inside  # not / 255, which rounds another way

    upper = (1 - right_share) * read(top, left) + right_share * read(top, left + 1)
    lower = (1 - right_share) * read(top + 1, left) + right_share * read(top + 1, left + 1)
    values: Tensor = ((1 - lower_share) * upper + lower_share * lower) * 255
    return values.to(torch.uint8)
