"""Pillow's bicubic resize of a frame, of which only a cut of 224x224 pixels is computed.

Pillow filters in fixed point, horizontally and then vertically, and rounds to 8 bits after each pass. The same steps
run here for a batch on its device.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.imaging.checks import check_bytes, slabs, widest_float

CROP_SIZE = 224
"""Side of the crop in pixels."""

_BLOCKS, _BLOCK = 7, 32  # the crop in strips, each of which reads few source pixels
_ONE = float(1 << 22)  # a weight of 1 in Pillow's fixed point


def resize_and_crop(frames: Tensor, resized: Tensor, corner: Tensor) -> Tensor:
    """Resize each frame with Pillow's bicubic filter and cut a square of 224x224 pixels.

    Equal in every byte to ``Image.resize(size, BICUBIC)``, which antialiases, and ``Image.crop`` (within one grey level
    on MPS, which has no float64). The horizontal pass comes first, as in Pillow up to 12.0. Pillow 13.0 starts with the
    vertical pass in frames more than twice as tall as wide, which rounds otherwise.

    Convention: any three channels, 0..255; (x, y) = (width, height); black outside the resized frame.

    Args:
        frames: ``(N, 3, H, W)`` uint8, of any memory layout.
        resized: ``(N, 2)`` int64 on the CPU, width and height of each resized frame, at least 1.
        corner: ``(N, 2)`` int64 on the CPU, left and top of the cut in the resized frame; may lie outside.

    Returns:
        ``(N, 3, 224, 224)`` uint8.

    Raises:
        InputError: the frames are not uint8 RGB, or the sizes and corners are not one per frame.

    Source: Pillow, ``Image.resize`` with ``BICUBIC``.

    Example:
        >>> frames = torch.arange(100, dtype=torch.uint8).expand(1, 3, 100, 100)
        >>> crops = resize_and_crop(frames, torch.tensor([[200, 200]]), torch.tensor([[100, -24]]))
        >>> crops[0, 0, 100, [0, 1, 99, 100]]
        tensor([50, 50, 99,  0], dtype=torch.uint8)
    """
    check_bytes("frames", frames)
    if resized.shape != (len(frames), 2) or corner.shape != (len(frames), 2):
        raise InputError(
            f"`resized` and `corner` must be ({len(frames)}, 2), one row per frame, "
            f"got {tuple(resized.shape)} and {tuple(corner.shape)}"
        )
    crops = torch.empty(len(frames), 3, CROP_SIZE, CROP_SIZE, dtype=torch.uint8, device=frames.device)
    if len(frames) == 0:
        return crops
    columns = _taps(frames.shape[3], resized[:, 0], corner[:, 0])
    rows = _taps(frames.shape[2], resized[:, 1], corner[:, 1])
    area = int(((columns.last - columns.first[:, 0]) * (rows.last - rows.first[:, 0])).max())
    for some in slabs(len(frames), area, frames.device):
        crops[some] = _resampled(frames[some], columns.part(some), rows.part(some))
    return crops


class _Taps(NamedTuple):
    """The source pixels along one axis that make each of the 224 target pixels."""

    first: Tensor  # (N, 224) int64, ascending
    last: Tensor  # (N,) int64, one past the last pixel that is needed at all
    weights: Tensor  # (N, 224, K) float64, multiples of 2^-22; zero where there are fewer than K, and outside the frame

    def part(self, rows: slice) -> _Taps:
        return _Taps(self.first[rows], self.last[rows], self.weights[rows])


class _Bands(NamedTuple):
    """The weights of one axis as dense blocks: block b reads ``size`` source pixels from ``b * step`` on."""

    weights: Tensor  # (n, 7, size, 32)
    step: int
    extent: int  # source pixels that all blocks together read


def _taps(length: int, resized: Tensor, start: Tensor) -> _Taps:
    """Return Pillow's bicubic weights for 224 pixels from ``start`` of an axis resized from ``length``."""
    target = start[:, None] + torch.arange(CROP_SIZE, dtype=torch.int64)
    nearest = torch.minimum(target.clamp(min=0), resized[:, None] - 1)
    step = (length / resized.to(torch.float64))[:, None]
    stretch = step.clamp(min=1.0)  # the filter widens when the frame shrinks
    center = (nearest.to(torch.float64) + 0.5) * step
    first = (center - 2.0 * stretch + 0.5).to(torch.int64).clamp(min=0)
    last = (center + 2.0 * stretch + 0.5).to(torch.int64).clamp(max=length)
    source = first[:, :, None] + torch.arange(int((last - first).max()), dtype=torch.int64)
    weights = _bicubic((source - center[:, :, None] + 0.5) * (1.0 / stretch)[:, :, None])
    weights = weights.masked_fill(source >= last[:, :, None], 0.0)
    weights = weights / weights.sum(dim=2, keepdim=True)
    weights = (weights * _ONE + weights.sign() * 0.5).trunc() / _ONE
    return _Taps(first, last[:, -1], weights.masked_fill((target != nearest)[:, :, None], 0.0))


def _bicubic(x: Tensor) -> Tensor:
    """Return Keys' kernel with a = -1/2."""
    x = x.abs()
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5
    return torch.where(x < 1.0, near, torch.where(x < 2.0, far, 0.0))


def _resampled(frames: Tensor, columns: _Taps, rows: _Taps) -> Tensor:
    """Return crops ``(n, 3, 224, 224)``: filtered horizontally, rounded to 8 bits, then filtered vertically."""
    x_bands, y_bands = _bands(columns), _bands(rows)
    values = frames.new_zeros(len(frames), 3, y_bands.extent, x_bands.extent)
    corners = torch.stack([columns.first[:, 0], columns.last, rows.first[:, 0], rows.last], dim=1).tolist()
    for window, frame, (x0, x1, y0, y1) in zip(values, frames, corners, strict=True):
        window[:, : y1 - y0, : x1 - x0] = frame[:, y0:y1, x0:x1]
    wide = _weighted(values, x_bands).transpose(2, 3).contiguous()
    return _weighted(wide, y_bands).transpose(2, 3)


def _bands(taps: _Taps) -> _Bands:
    """Gather the weights of each block of 32 target pixels into one dense matrix."""
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
    """Filter ``(n, 3, L, extent)`` uint8 to ``(n, 3, L, 224)`` uint8; in float64 all sums are exact."""
    count, _, length, extent = values.shape
    weights = bands.weights.to(values.device, widest_float(values.device))
    shape = (count, _BLOCKS, 3 * length, weights.shape[2])
    blocks = values.as_strided(shape, (3 * length * extent, bands.step, extent, 1)).to(weights.dtype)
    sums = (blocks @ weights).add_(0.5).clamp_(0.0, 255.0).to(torch.uint8)
    return sums.transpose(1, 2).reshape(count, 3, length, CROP_SIZE)
