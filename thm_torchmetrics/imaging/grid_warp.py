"""OpenCV 4's 8-bit affine warp, which rounds coordinates to 1/32 pixel; `warp` has that of OpenCV 5."""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.imaging.checks import slabs
from thm_torchmetrics.imaging.warp import crop_to_frame

_CORNERS = 4  # pixels read for one of a crop
_STEPS = 32  # positions that are told apart between two pixels
_SCALE = 1024  # of coordinates in whole numbers
_FURTHEST = float(2**28)  # in 1/1024 pixel: outside every frame, and far from the ends of int32


def warp_affine_grid(frames: Tensor, matrices: Tensor, size: int) -> Tensor:
    """Warp each frame by its own matrix, with positions rounded to 1/32 pixel.

    With B the inverse matrix and c its shift, a pixel (x, y) of the crop reads the frame at X / 32, Y / 32,
    ``X = (rint(1024 B00 x) + rint(1024 (B01 y + c0)) + 16) >> 5``, and Y likewise. The value is the bilinear one in
    whole numbers, rounded half up.

    Convention: any three channels, 0..255; matrices act on (x, y); pixel centers lie at whole coordinates; black
    outside the frame.

    Args:
        frames: ``(N, 3, H, W)`` uint8.
        matrices: ``(N, 2, 3)``, from frame to crop coordinates (x, y). A matrix that is not finite or cannot be
            inverted gives a black crop.
        size: side of the crop in pixels.

    Returns:
        ``(N, 3, size, size)`` uint8.

    Raises:
        InputError: frames or matrices have another shape or dtype.
        MismatchError: the numbers of frames and of matrices differ.

    Source: OpenCV 4, ``warpAffine`` with ``INTER_LINEAR`` without vendor libraries.

    Example:
        >>> frame = torch.tensor([[0, 100], [200, 40]], dtype=torch.uint8).expand(1, 3, 2, 2)
        >>> warp_affine_grid(frame, torch.tensor([[[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), 2)[0, 0]  # twice as wide
        tensor([[  0,  50],
                [200, 120]], dtype=torch.uint8)
    """
    inverse = crop_to_frame(frames, matrices)
    crops = torch.empty(len(frames), 3, size, size, dtype=torch.uint8, device=frames.device)
    for some in slabs(len(frames), _CORNERS * size * size, frames.device):
        crops[some] = _warped(frames[some], inverse[some], size)
    return crops


def _warped(frames: Tensor, inverse: Tensor, size: int) -> Tensor:
    """Return the crops ``(n, 3, size, size)`` uint8 of some frames."""
    height, width = frames.shape[-2:]
    left, across = _positions(inverse[:, 0], size)
    top, down = _positions(inverse[:, 1], size)
    values = frames.reshape(len(frames), 3, -1)

    def read(y: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        offsets = y.clamp(0, height - 1) * width + x.clamp(0, width - 1)
        pixels = values.gather(2, offsets.flatten(1)[:, None].expand(-1, 3, -1).to(torch.int64))
        return pixels.to(torch.int32) * torch.where(inside, weight, 0).flatten(1)[:, None]

    upper = read(top, left, (_STEPS - down) * (_STEPS - across)) + read(top, left + 1, (_STEPS - down) * across)
    lower = read(top + 1, left, down * (_STEPS - across)) + read(top + 1, left + 1, down * across)
    rounded = (upper + lower + _STEPS * _STEPS // 2) // (_STEPS * _STEPS)
    return rounded.to(torch.uint8).view(len(frames), 3, size, size)


def _positions(row: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return one coordinate of every pixel of the crops, ``(n, size, size)``: the whole part, and 1/32 pixels."""
    steps = torch.arange(size, dtype=row.dtype, device=row.device)
    across, down, start = (part[:, None] for part in row.unbind(dim=1))
    by_column = (_SCALE * across * steps).round().clamp(-_FURTHEST, _FURTHEST).to(torch.int32)
    by_line = (_SCALE * (down * steps + start)).round().clamp(-_FURTHEST, _FURTHEST).to(torch.int32)
    half = _SCALE // _STEPS // 2
    fine = (by_column[:, None] + by_line[:, :, None] + half) >> 5
    return fine >> 5, fine & (_STEPS - 1)
