"""TITLE imaging/pillow_crop."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from thm_torchmetrics.imaging.checks import widest_float

CROP_SIZE = 224
"""Side of the aligned crop in pixels."""


_BLOCKS, _BLOCK = 7, 32  # the crop in strips, each of which reads few source pixels


_ONE = float(1 << 22)  # a weight of 1 in Pillow's fixed point


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
