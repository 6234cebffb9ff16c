"""MATLAB's bicubic ``imresize``, in floating point.

Convention: sizes are (height, width); pixel centers lie at half coordinates; beyond an edge the pixels are mirrored,
the outermost one included.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def resize_as_matlab(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize images by the bicubic kernel, which is widened where an axis shrinks, as ``imresize`` does.

    Args:
        images: ``(..., H, W)``, floating point.
        size: target ``(height, width)`` in pixels.

    Returns:
        ``(..., height, width)`` of the same dtype; values may leave the range of the source.

    Source: ``imresize(image, size)`` of MATLAB, as piq and mmagic compute it.

    Example:
        >>> resize_as_matlab(torch.arange(8.0).reshape(1, 8), (1, 4)).round(decimals=3)
        tensor([[0.4490, 2.4880, 4.5120, 6.5510]])
    """
    rows, columns = (_weights(old, new, images) for old, new in zip(images.shape[-2:], size, strict=True))
    return rows @ images @ columns.mT


def _weights(old: int, new: int, images: Tensor) -> Tensor:
    """Return the weights ``(new, old)`` of the pixels of one axis."""
    scale = new / old
    shrink = min(scale, 1.0)
    reach = math.ceil(2 / shrink) + 1
    center = (torch.arange(new, dtype=torch.float64) + 0.5) / scale - 0.5
    at = center.floor()[:, None] + torch.arange(-reach, reach + 1, dtype=torch.float64)
    taps = _cubic((center[:, None] - at).abs() * shrink)
    taps /= taps.sum(dim=1, keepdim=True)
    source = at.to(torch.int64).remainder(2 * old)
    source = torch.minimum(source, 2 * old - 1 - source)
    return torch.zeros(new, old, dtype=torch.float64).scatter_add_(1, source, taps).to(images)


def _cubic(distance: Tensor) -> Tensor:
    """Return Keys' bicubic kernel with a = -0.5."""
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    return torch.where(distance <= 1, near, torch.where(distance <= 2, far, 0.0))
