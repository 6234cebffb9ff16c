"""The alignment of faces for LibreFace's networks.

The published pipeline is StyleGAN's crop of FFHQ: a turned square around eyes and mouth, sampled to 512x512 pixels by
Pillow, then halved and cut to 224x224. `libreface_crops` computes the pixels of the cut alone, for a batch on its
device.

Convention: frames are RGB, 0..255; points are (x, y) in pixels, y down; pixel centers lie at whole coordinates.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.checks import check_shape
from thm_torchmetrics.imaging.checks import check_bytes, slabs, widest_float

LIBREFACE_SIZE = 224
"""Side of a crop in pixels."""

_SIDE = 512  # of the square that the original samples, which it halves
_MARGIN = (_SIDE // 2 - LIBREFACE_SIZE) // 2  # what is cut off on each side after that
_IMAGE_RIGHT_EYE, _IMAGE_LEFT_EYE, _MOUTH = slice(42, 48), slice(36, 42), slice(48, 68)


def libreface_crops(frames: Tensor, landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """Align and cut the faces that LibreFace's networks read, by 68 landmarks.

    This is this package's own approximation: the original takes eyes and mouth from the 478 points of MediaPipe's
    FaceMesh, and where the square leaves the frame it pads with blurred pixels, in place of which there is black here.
    `eyes_and_mouth` reduces the 68 points, `square_of_face` places the square, `sample_squares` computes the pixels.

    Args:
        frames: ``(N, 3, H, W)`` uint8.
        landmarks: ``(N, 68, 2)``; NaN where there is no face.

    Returns:
        The crops ``(N, 3, 224, 224)`` uint8, and ``(N,)`` bool on the same device, whether there was a face; without
        one (a point is NaN or infinite, or the square has no extent) the crop is black.

    Raises:
        InputError: frames or landmarks have another shape or dtype.
        MismatchError: the numbers of frames and of faces differ.

    Source: ``ihp-lab/LibreFace``, ``libreface/detect_mediapipe_image.py``.

    Example:
        >>> landmarks = torch.full((2, 68, 2), torch.nan)
        >>> landmarks[0] = 100.0
        >>> landmarks[0, 36:48, 1], landmarks[0, 42:48, 0], landmarks[0, 48:, 1] = 60.0, 130.0, 120.0
        >>> crops, found = libreface_crops(torch.full((2, 3, 300, 300), 9, dtype=torch.uint8), landmarks)
        >>> crops.shape, found
        (torch.Size([2, 3, 224, 224]), tensor([ True, False]))
    """
    check_shape("landmarks", landmarks, ("N", 68, 2), "face landmarks")
    finite = landmarks.isfinite().flatten(1).all(dim=1, keepdim=True)
    parts = (part.masked_fill(~finite, torch.nan) for part in eyes_and_mouth(landmarks))
    return sample_squares(frames, square_of_face(*parts))


def eyes_and_mouth(landmarks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Reduce 68 landmarks to the points by which a face is aligned.

    Args:
        landmarks: ``(N, 68, 2)``.

    Returns:
        ``(N, 2)`` each, float64 (float32 on MPS): the mean of the eye on the image's right (42 to 47), that of the eye
        on its left (36 to 41), and the middle of the leftmost and the rightmost point of the lips (48 to 67).

    Raises:
        InputError: the landmarks have another shape.

    Example:
        >>> [point.tolist() for point in eyes_and_mouth(torch.arange(136.0).reshape(1, 68, 2))]
        [[[89.0, 90.0]], [[77.0, 78.0]], [[115.0, 116.0]]]
    """
    check_shape("landmarks", landmarks, ("N", 68, 2), "face landmarks")
    points = landmarks.to(widest_float(landmarks.device))
    return (
        points[:, _IMAGE_RIGHT_EYE].mean(dim=1),
        points[:, _IMAGE_LEFT_EYE].mean(dim=1),
        middle_of_lips(points[:, _MOUTH]),
    )


def middle_of_lips(lips: Tensor) -> Tensor:
    """Return the middle ``(N, 2)`` of the leftmost and the rightmost of points ``(N, K, 2)``; the first of equal x."""
    across = lips[..., 0]
    ends = torch.stack([across.argmin(dim=1), across.argmax(dim=1)], dim=1)
    return lips.gather(1, ends[..., None].expand(-1, -1, 2)).mean(dim=1)


def square_of_face(right_eye: Tensor, left_eye: Tensor, mouth: Tensor) -> Tensor:
    r"""Place the turned square of FFHQ around a face.

    With :math:`e` from the eye on the image's left to the other and :math:`m` from the middle of the eyes to the mouth,
    half an edge is :math:`x = (e - m^\perp) / |e - m^\perp| \cdot \max(2 |e|, 1.8 |m|)` with
    :math:`m^\perp = (-m_y, m_x)`, the other :math:`y = x^\perp`, and the center lies at :math:`0.1\, m` below the
    middle of the eyes.

    Args:
        right_eye: ``(N, 2)``, the eye on the image's right.
        left_eye: ``(N, 2)``, the other.
        mouth: ``(N, 2)``.

    Returns:
        ``(N, 4, 2)``, the corners of each square: upper left, lower left, lower right, upper right.

    Source: Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks", CVPR 2019.

    Example:
        >>> points = torch.tensor([[[120.0, 80.0]], [[80.0, 80.0]], [[100.0, 120.0]]])
        >>> square_of_face(*points)[0].tolist()
        [[20.0, 4.0], [20.0, 164.0], [180.0, 164.0], [180.0, 4.0]]
    """
    middle = (right_eye + left_eye) / 2
    across, down = right_eye - left_eye, mouth - middle
    side = across - _turned(down)
    length = torch.maximum(2.0 * across.norm(dim=1), 1.8 * down.norm(dim=1))
    x = side / side.norm(dim=1, keepdim=True) * length[:, None]
    y = _turned(x)
    center = middle + 0.1 * down
    return torch.stack([center - x - y, center - x + y, center + x + y, center + x - y], dim=1)


def sample_squares(frames: Tensor, corners: Tensor) -> tuple[Tensor, Tensor]:
    """Sample one square of each frame to 224x224 pixels, in the steps of Pillow that the original takes.

    A square of more than 1,024 pixels is sampled from a frame that Lanczos's filter has shrunk. The square becomes
    512x512 pixels by bilinear interpolation, rounded down; half of that by Pillow's antialiased bilinear filter; and
    the middle 224x224 are cut out. Equal in every byte where the square lies inside the frame. Pixels outside are
    black.

    Args:
        frames: ``(N, 3, H, W)`` uint8.
        corners: ``(N, 4, 2)`` as of `square_of_face`; NaN where there is no face.

    Returns:
        The crops ``(N, 3, 224, 224)`` uint8, and ``(N,)`` bool on the same device, whether there was a square.

    Raises:
        InputError: frames or corners have another shape or dtype.
        MismatchError: the numbers of frames and of squares differ.

    Source: Pillow, ``Image.transform`` with ``QUAD`` and ``BILINEAR``, ``Image.resize``.
    """
    check_bytes("frames", frames)
    if corners.dim() != 3 or corners.shape[1:] != (4, 2) or not corners.is_floating_point():
        raise InputError(f"`corners` must be floating point (N, 4, 2), got {corners.dtype} {tuple(corners.shape)}")
    if len(corners) != len(frames):
        raise MismatchError(f"got {len(corners)} faces for {len(frames)} frames; pass one per frame")
    lengths = (corners[:, 3] - corners[:, 0]).norm(dim=1)
    found = corners.isfinite().flatten(1).all(dim=1) & lengths.isfinite() & (lengths > 0)
    crops = frames.new_zeros(len(frames), 3, LIBREFACE_SIZE, LIBREFACE_SIZE)
    factors = (lengths // _SIDE).masked_fill(~found, torch.nan).tolist()
    plain = [i for i, factor in enumerate(factors) if factor <= 1]
    for some in slabs(len(plain), _SIDE * _SIDE, frames.device):
        rows = plain[some]
        crops[rows] = _halved(_sampled(frames[rows], corners[rows]))
    for i, factor in enumerate(factors):
        if factor > 1:
            crops[i] = _halved(_sampled(_shrunk(frames[i], factor)[None], corners[i : i + 1] / factor))[0]
    return crops, found.to(frames.device)


def _turned(vectors: Tensor) -> Tensor:
    """Return vectors ``(N, 2)`` turned by 90 degrees, from x to y."""
    return torch.stack([-vectors[:, 1], vectors[:, 0]], dim=1)


def _shrunk(frame: Tensor, factor: float) -> Tensor:
    """Return a frame ``(3, H, W)`` whose sides are divided by a whole number, by Pillow itself."""
    picture = Image.fromarray(frame.permute(1, 2, 0).cpu().numpy())
    size = (max(round(picture.width / factor), 1), max(round(picture.height / factor), 1))
    pixels = np.array(picture.resize(size, Image.Resampling.LANCZOS))
    return torch.from_numpy(pixels).permute(2, 0, 1).to(frame.device)


def _sampled(frames: Tensor, corners: Tensor) -> Tensor:
    """Return the pixels of the squares that the cut needs: ``(n, 3, 450, 450)`` of the 512x512, int16."""
    corners = corners.to(frames.device, widest_float(frames.device))
    # one more on each side than twice the cut, which the filter of `_halved` reads
    steps = torch.arange(2 * _MARGIN - 1, _SIDE - 2 * _MARGIN + 1, dtype=corners.dtype, device=frames.device) + 0.5
    upper_left, lower_left, lower_right, upper_right = (corner[:, :, None, None] + 0.5 for corner in corners.unbind(1))
    across, down = steps[None, None, None, :], steps[None, None, :, None]
    # Pillow's polynomial in its order, so that a value that is almost whole is rounded down to the same level
    place = (
        upper_left
        + (upper_right - upper_left) / _SIDE * across
        + (lower_left - upper_left) / _SIDE * down
        + (lower_right - lower_left - upper_right + upper_left) * (1.0 / _SIDE) * (1.0 / _SIDE) * across * down
    )
    x, y = (place - 0.5).unbind(1)
    height, width = frames.shape[2:]
    framed = pad(frames, (1, 1, 1, 1)).flatten(2)  # with a border of black, which all that lies outside reads
    left, top = x.floor(), y.floor()
    columns = [(left + step).clamp(-1, width).to(torch.int64) + 1 for step in (0, 1)]
    rows = [((top + step).clamp(-1, height).to(torch.int64) + 1) * (width + 2) for step in (0, 1)]

    def read(row: Tensor, column: Tensor) -> Tensor:
        index = (row + column).flatten(1)[:, None].expand(-1, 3, -1)
        return framed.gather(2, index).reshape(-1, 3, *x.shape[1:]).to(corners.dtype)

    def between(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
        return second.sub_(first).mul_(share).add_(first)

    right_share, lower_share = (x - left)[:, None], (y - top)[:, None]
    upper, lower = (between(read(row, columns[0]), read(row, columns[1]), right_share) for row in rows)
    return between(upper, lower, lower_share).to(torch.int16)


def _halved(square: Tensor) -> Tensor:
    """Halve ``(n, 3, 450, 450)`` to ``(n, 3, 224, 224)`` uint8, columns first and rounded after each pass, as Pillow.

    Away from the border the filter is (1, 3, 3, 1) / 8, which Pillow's fixed point holds exactly.
    """
    span = 2 * LIBREFACE_SIZE - 1
    first, second, third, fourth = (square[..., start : start + span : 2] for start in range(4))
    square = (first + 3 * (second + third) + fourth + 4) >> 3
    first, second, third, fourth = (square[..., start : start + span : 2, :] for start in range(4))
    return ((first + 3 * (second + third) + fourth + 4) >> 3).to(torch.uint8)
