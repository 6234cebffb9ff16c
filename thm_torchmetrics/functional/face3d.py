"""AED and APD: distances of 3-D face coefficients, and the alignment that Deep3DFaceRecon asks for.

The published pipeline resizes the whole frame with Pillow and cuts 224x224 pixels out of it; :func:`crop` computes
these pixels only, in the same fixed-point steps, for a batch on its device.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.frames import check_frames, slabs, widest_float
from thm_torchmetrics.functional.identity import five_points

COEFFICIENTS = {
    "id": slice(0, 80),
    "exp": slice(80, 144),
    "tex": slice(144, 224),
    "angle": slice(224, 227),
    "gamma": slice(227, 254),
    "trans": slice(254, 257),
}
"""Columns of the 257 coefficients: identity, expression, texture, angles (Euler x, y, z in radians), light, shift."""

STANDARD_FACE = (
    (-0.31148657, 0.29036078, 0.13377953),
    (0.30979887, 0.28972036, 0.13179526),
    (0.0032534988, -0.046179324, 0.55244243),
    (-0.25216928, -0.38133916, 0.22405732),
    (0.24846619, -0.38128236, 0.22235769),
)
"""The five points of the standard 3-D face, y up, in the order of ``identity.five_points``; from Deep3DFaceRecon."""

CROP_SIZE = 224
"""Side of the aligned crop in pixels."""

_RAW_SCALE = 102.0  # pixels per unit of the standard face in the crop
_COLUMNS = {"styleheat": [224, 225, 226], "vico": [224, 225, 226, 254, 255, 256]}
_BLOCKS, _BLOCK = 7, 32  # the crop in strips, each of which reads few source pixels
_ONE = float(1 << 22)  # a weight of 1 in Pillow's fixed point


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


def average_expression_distance(a: Tensor, b: Tensor) -> Tensor:
    r"""Mean absolute difference of the 64 expression coefficients, row by row (AED).

    .. math:: d_i = \frac{1}{64} \sum_k |a_{ik} - b_{ik}|

    Args:
        a: ``(T, 257)`` coefficients.
        b: likewise.

    Returns:
        ``(T,)`` float64 (float32 on MPS), >= 0; NaN where an expression coefficient is NaN.

    Raises:
        InputError: another shape.
        MismatchError: the numbers of rows differ.

    Source: StyleHEAT's evaluation and ViCo's ExpL1 agree on this formula.

    Example:
        >>> average_expression_distance(torch.zeros(1, 257), torch.full((1, 257), 0.25))
        tensor([0.2500], dtype=torch.float64)
    """
    first, second = _checked_coefficients(a, b)
    columns = COEFFICIENTS["exp"]
    return (first[:, columns] - second[:, columns]).abs().mean(dim=1)


def average_pose_distance(a: Tensor, b: Tensor, protocol: Literal["styleheat", "vico"] = "styleheat") -> Tensor:
    """Mean absolute difference of the pose coefficients, row by row (APD).

    Angles are radians and are not wrapped around, as in the originals.

    Args:
        a: ``(T, 257)`` coefficients.
        b: likewise.
        protocol: ``styleheat``: the three angles; ``vico``: the three angles and the three shifts as one vector.

    Returns:
        ``(T,)`` float64 (float32 on MPS), >= 0; NaN where a pose coefficient is NaN.

    Raises:
        InputError: another shape, or no such protocol.
        MismatchError: the numbers of rows differ.

    Source: ``styleheat``: the authors' script, published with Next3D. ``vico``: PoseL1 as an issue of
    ``dc3ea9f/vico_challenge_baseline`` defines it, which holds no code for it.

    Example:
        >>> a, b = torch.zeros(1, 257), torch.zeros(1, 257)
        >>> b[:, COEFFICIENTS["angle"]] = 0.5
        >>> average_pose_distance(a, b), average_pose_distance(a, b, "vico")
        (tensor([0.5000], dtype=torch.float64), tensor([0.2500], dtype=torch.float64))
    """
    if protocol not in _COLUMNS:
        raise InputError(f"protocol must be one of {', '.join(map(repr, _COLUMNS))}, got {protocol!r}")
    first, second = _checked_coefficients(a, b)
    columns = _COLUMNS[protocol]
    return (first[:, columns] - second[:, columns]).abs().mean(dim=1)


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


class _Taps(NamedTuple):
    """Along one axis, the source pixels that make each of the 224 target pixels."""

    first: Tensor  # (N, 224) int64, ascending
    last: Tensor  # (N,) int64, one past the last pixel that is needed at all
    weights: Tensor  # (N, 224, K) float64, multiples of 2^-22; zero where there are fewer than K, and outside the frame

    def part(self, rows: slice) -> _Taps:
        return _Taps(self.first[rows], self.last[rows], self.weights[rows])


def _taps(length: int, resized: Tensor, start: Tensor) -> _Taps:
    """Pillow's bicubic weights for 224 pixels from ``start`` of an axis resized from ``length``."""
    target = start[:, None] + torch.arange(CROP_SIZE, dtype=torch.int64)
    nearest = torch.minimum(target.clamp(min=0), resized[:, None] - 1)
    step = (length / resized.to(torch.float64))[:, None]
    stretch = step.clamp(min=1.0)  # the filter widens when the frame shrinks
    centre = (nearest.to(torch.float64) + 0.5) * step
    first = (centre - 2.0 * stretch + 0.5).to(torch.int64).clamp(min=0)
    last = (centre + 2.0 * stretch + 0.5).to(torch.int64).clamp(max=length)
    source = first[:, :, None] + torch.arange(int((last - first).max()), dtype=torch.int64)
    weights = _bicubic((source - centre[:, :, None] + 0.5) * (1.0 / stretch)[:, :, None])
    weights = weights.masked_fill(source >= last[:, :, None], 0.0)
    weights = weights / weights.sum(dim=2, keepdim=True)
    weights = (weights * _ONE + weights.sign() * 0.5).trunc() / _ONE
    return _Taps(first, last[:, -1], weights.masked_fill((target != nearest)[:, :, None], 0.0))


def _bicubic(x: Tensor) -> Tensor:
    """Keys' kernel with a = -1/2."""
    x = x.abs()
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5
    return torch.where(x < 1.0, near, torch.where(x < 2.0, far, 0.0))


def _resampled(frames: Tensor, columns: _Taps, rows: _Taps) -> Tensor:
    """Crops ``(n, 3, 224, 224)`` of some frames: columns first, rounded to 8 bits, then rows, as Pillow does."""
    x_bands, y_bands = _bands(columns), _bands(rows)
    values = frames.new_zeros(len(frames), 3, y_bands.extent, x_bands.extent)
    corners = torch.stack([columns.first[:, 0], columns.last, rows.first[:, 0], rows.last], dim=1).tolist()
    for window, frame, (x0, x1, y0, y1) in zip(values, frames, corners, strict=True):
        window[:, : y1 - y0, : x1 - x0] = frame[:, y0:y1, x0:x1]
    wide = _weighted(values, x_bands).transpose(2, 3).contiguous()
    return _weighted(wide, y_bands).transpose(2, 3)


class _Bands(NamedTuple):
    """The weights of one axis as dense blocks: block b reads ``size`` source pixels from ``b * step`` on."""

    weights: Tensor  # (n, 7, size, 32)
    step: int
    extent: int  # source pixels that all blocks together read


def _bands(taps: _Taps) -> _Bands:
    first = taps.first - taps.first[:, :1]
    block = torch.arange(_BLOCKS, dtype=torch.int64)
    starts = first.view(-1, _BLOCKS, _BLOCK)
    step = int((starts[:, 1:, 0] // block[1:]).min())
    offset = starts - (block * step)[:, None]
    count = taps.weights.shape[2]
    size = int(offset.max()) + count
    weights = torch.zeros(len(first), _BLOCKS, _BLOCK, size, dtype=torch.float64)
    index = offset[..., None] + torch.arange(count, dtype=torch.int64)
    weights.scatter_(3, index, taps.weights.view(index.shape))
    return _Bands(weights.transpose(2, 3), step, (_BLOCKS - 1) * step + size)


def _weighted(values: Tensor, bands: _Bands) -> Tensor:
    """``(n, 3, L, extent)`` uint8 -> ``(n, 3, L, 224)`` uint8; in float64 all sums are exact."""
    count, _, length, extent = values.shape
    weights = bands.weights.to(values.device, widest_float(values.device))
    shape = (count, _BLOCKS, 3 * length, weights.shape[2])
    blocks = values.as_strided(shape, (3 * length * extent, bands.step, extent, 1)).to(weights.dtype)
    sums = (blocks @ weights).add_(0.5).clamp_(0.0, 255.0).to(torch.uint8)
    return sums.transpose(1, 2).reshape(count, 3, length, CROP_SIZE)


def _checked_coefficients(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    for values in (a, b):
        if values.ndim != 2 or values.shape[1] != 257:
            raise InputError(f"coefficients must have the shape (T, 257), got {tuple(values.shape)}")
    if len(a) != len(b):
        raise MismatchError(f"{len(a)} and {len(b)} rows of coefficients; cut the longer one")
    dtype = widest_float(a.device)
    return a.to(dtype), b.to(dtype)
