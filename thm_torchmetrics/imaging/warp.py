"""OpenCV's 8-bit affine warp, and the similarity transform that aligns points."""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.imaging.checks import check_bytes, slabs, widest_float

_CORNERS = 4  # pixels read for one of a crop
_OUTSIDE = -2.0  # a coordinate whose neighbours both lie outside every frame


def similarity_transform(source: Tensor, template: Tensor) -> Tensor:
    r"""Fit the rotation, scale and shift that bring points closest to a template.

    Closest in the least-squares sense; the scale is the same on both axes.

    With centered points :math:`s_k`, :math:`d_k`, the matrix is :math:`[kR \mid t]`,
    :math:`kR = \begin{pmatrix} p & -q \\ q & p \end{pmatrix} / \sum_k |s_k|^2`, :math:`p = \sum_k s_k \cdot d_k`,
    :math:`q = \sum_k s_k \times d_k`, :math:`t = \bar d - kR\,\bar s`. In the plane this is Umeyama's solution, his
    rule against reflections included, without a singular value decomposition.

    Convention: points are (x, y) in any unit.

    Args:
        source: ``(N, K, 2)``, the points to move.
        template: ``(K, 2)``, where they should go.

    Returns:
        ``(N, 2, 3)`` float64 (float32 on MPS), for ``target = M[:, :2] @ source + M[:, 2]``. NaN where a source point
        is NaN or all source points are the same.

    Raises:
        InputError: the shapes do not fit, or there are fewer than two points.

    Source: Umeyama 1991; ``skimage.transform.SimilarityTransform`` with scale, which InsightFace uses.

    Example:
        >>> square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        >>> turned = square @ torch.tensor([[1.0, 1.0], [-1.0, 1.0]]) + 5
        >>> similarity_transform(square[None], turned)[0]
        tensor([[ 1., -1.,  5.],
                [ 1.,  1.,  5.]], dtype=torch.float64)
    """
    if source.ndim != 3 or source.shape[1:] != template.shape or template.shape[1:] != (2,) or len(template) < 2:
        raise InputError(
            f"`source` must be points (N, K, 2) and `template` (K, 2) with K >= 2, "
            f"got {tuple(source.shape)} and {tuple(template.shape)}"
        )
    dtype = widest_float(source.device)
    source, template = source.to(dtype), template.to(source.device, dtype)
    source_mean, template_mean = source.mean(dim=1), template.mean(dim=0)
    s, d = source - source_mean[:, None], template - template_mean
    spread = s.square().sum(dim=(1, 2))
    p = (s * d).sum(dim=(1, 2)) / spread
    q = (s[..., 0] * d[:, 1] - s[..., 1] * d[:, 0]).sum(dim=1) / spread
    linear = torch.stack([torch.stack([p, -q], dim=1), torch.stack([q, p], dim=1)], dim=1)
    shift = template_mean - (linear @ source_mean[..., None])[..., 0]
    return torch.cat([linear, shift[..., None]], dim=2)


def warp_affine(frames: Tensor, matrices: Tensor, size: int) -> Tensor:
    """Warp each frame by its own matrix as OpenCV's ``warpAffine`` does.

    The reference is ``cv2.warpAffine(frame, matrix, (size, size))``. The arithmetic follows OpenCV's single precision
    step by step. The bytes are the same where OpenCV has a processor with fused multiply-add and the side is a multiple
    of 16; else a few pixels in a hundred thousand differ by one grey level.

    Convention: any three channels, 0..255; matrices act on (x, y); pixel centers lie at whole coordinates; black
    outside the frame.

    Args:
        frames: ``(N, 3, H, W)`` uint8, of any memory layout.
        matrices: ``(N, 2, 3)``, from frame to crop coordinates (x, y). A matrix that is not finite or cannot be
            inverted gives a black crop.
        size: side of the crop in pixels.

    Returns:
        ``(N, 3, size, size)`` uint8.

    Raises:
        InputError: frames or matrices have another shape or dtype, or the crop is empty.
        MismatchError: the numbers of frames and of matrices differ.

    Source: OpenCV 5.0 (4.10 and older round coordinates to 1/32 pixel, which changes 7 % of the values by up to 2).

    Example:
        >>> frame = torch.tensor([[0, 100], [200, 40]], dtype=torch.uint8).expand(1, 3, 2, 2)
        >>> warp_affine(frame, torch.tensor([[[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), 2)[0, 0]  # twice as wide
        tensor([[  0,  50],
                [200, 120]], dtype=torch.uint8)
    """
    inverse = crop_to_frame(frames, matrices)
    if min(size, *frames.shape[-2:]) < 1:
        raise InputError(f"cannot warp {tuple(frames.shape[-2:])} to {size} x {size}: both need at least 1 x 1 pixel")
    crops = torch.empty(3, len(frames) * size, size, dtype=torch.uint8, device=frames.device)
    for lines in slabs(len(frames) * size, _CORNERS * size, frames.device):
        counted = torch.arange(lines.start, lines.stop, dtype=torch.int64, device=frames.device)
        crops[:, lines] = _warped_lines(frames, inverse, counted, size)
    return crops.view(3, len(frames), size, size).transpose(0, 1).contiguous()


def crop_to_frame(frames: Tensor, matrices: Tensor) -> Tensor:
    """Check frames and their matrices, and invert the matrices.

    Args:
        frames: ``(N, 3, H, W)`` uint8.
        matrices: ``(N, 2, 3)``, from frame to crop coordinates.

    Returns:
        ``(N, 2, 3)`` float64 (float32 on MPS), on the device of the frames. A matrix that is not finite or cannot be
        inverted becomes one whose points all lie outside the frame.

    Raises:
        InputError: frames or matrices have another shape or dtype.
        MismatchError: the numbers of frames and of matrices differ.
    """
    check_bytes("frames", frames)
    if matrices.ndim != 3 or matrices.shape[1:] != (2, 3) or not matrices.is_floating_point():
        raise InputError(f"`matrices` must be floats (N, 2, 3), got {matrices.dtype} {tuple(matrices.shape)}")
    if len(matrices) != len(frames):
        raise MismatchError(f"got {len(matrices)} matrices for {len(frames)} frames; pass one per frame")
    matrices = matrices.to(frames.device, widest_float(frames.device))
    (a, b, x), (c, d, y) = (row.unbind(dim=1) for row in matrices.unbind(dim=1))
    scale = 1.0 / (a * d - b * c)
    a, b, c, d = d * scale, -b * scale, -c * scale, a * scale
    rows = [torch.stack([a, b, -a * x - b * y], dim=1), torch.stack([c, d, -c * x - d * y], dim=1)]
    inverse = torch.stack(rows, dim=1)
    usable = inverse.isfinite().all(dim=2).all(dim=1)[:, None, None]
    linear = torch.where(usable, inverse[..., :2], 0.0)
    shift = torch.where(usable, inverse[..., 2:], _OUTSIDE)
    return torch.cat([linear, shift], dim=2)


def _warped_lines(frames: Tensor, inverse: Tensor, lines: Tensor, size: int) -> Tensor:
    """Return some lines of the crops, counted through all crops: ``(3, lines, size)`` uint8."""
    index, line = lines // size, lines % size
    step_n, step_c, step_y, step_x = frames.stride()
    left, right, in_left, in_right, across = _neighbours(_positions(inverse[index, 0], line, size), frames.shape[3])
    top, bottom, in_top, in_bottom, down = _neighbours(_positions(inverse[index, 1], line, size), frames.shape[2])
    left, right = left * step_x, right * step_x
    top, bottom = (y * step_y + index[:, None] * step_n for y in (top, bottom))
    span = 1 + sum((length - 1) * step for length, step in zip(frames.shape, frames.stride(), strict=True))
    values = frames.as_strided((span,), (1,))  # one axis, without a copy, in any layout

    def read(y: Tensor, x: Tensor, inside: Tensor) -> Tensor:
        offsets = (y + x).flatten()
        planes = [values[channel * step_c :].index_select(0, offsets) for channel in range(3)]
        return torch.stack(planes).view(3, *inside.shape).to(torch.float32).mul_(inside)

    upper = _between(read(top, left, in_top & in_left), read(top, right, in_top & in_right), across)
    lower = _between(read(bottom, left, in_bottom & in_left), read(bottom, right, in_bottom & in_right), across)
    return _between(upper, lower, down).round_().to(torch.uint8)


def _between(first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    """Return ``first + weight * (second - first)``; overwrites ``second``."""
    return second.sub_(first).mul_(weight).add_(first)


def _positions(row: Tensor, line: Tensor, size: int) -> Tensor:
    """Return one frame coordinate of every pixel of some crop lines, ``(lines, size)`` float32.

    OpenCV rounds the matrix to single precision, then ``y * b + c`` twice, then ``x * a + ...`` once.
    """
    a, b, c = row.to(torch.float32)[:, :, None].unbind(dim=1)
    start = line[:, None].to(torch.float32) * b + c
    steps = torch.arange(size, dtype=row.dtype, device=row.device)
    return (steps * a.to(row.dtype) + start.to(row.dtype)).to(torch.float32)


def _neighbours(position: Tensor, length: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return the two pixels around each position, whether they lie in the frame, and the weight of the second."""
    floor = position.clamp(-2, length + 1).floor()  # far outside stays outside, and fits an integer
    weight = (position - floor).clamp(0, 1)
    first = floor.to(torch.int64)
    second = first + 1
    inside = [(index >= 0) & (index < length) for index in (first, second)]
    return first.clamp(0, length - 1), second.clamp(0, length - 1), inside[0], inside[1], weight
