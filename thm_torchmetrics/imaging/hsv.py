"""OpenCV's 8-bit conversion from RGB to hue, saturation and value."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError

_LOWEST = -255  # numerator of a hue


def hsv(images: Tensor) -> Tensor:
    """Convert 8-bit RGB to HSV as OpenCV's ``COLOR_RGB2HSV`` does, equal in every byte.

    Convention: RGB in, 0..255; H 0..179 (half degrees), S and V 0..255 out.

    Args:
        images: ``(..., 3, H, W)`` uint8, RGB.

    Returns:
        ``(..., 3, H, W)`` uint8: hue, saturation and value.

    Raises:
        InputError: the images are not uint8, or have not three channels.

    Source: OpenCV 5.0 (reciprocals in 12-bit fixed point).

    Example:
        >>> hsv(torch.tensor([255, 128, 0], dtype=torch.uint8).reshape(3, 1, 1)).flatten()
        tensor([ 15, 255, 255], dtype=torch.uint8)
    """
    if images.dtype != torch.uint8 or images.dim() < 3 or images.shape[-3] != 3:
        raise InputError(
            f"`images` must be uint8 RGB of shape (..., 3, H, W), got {images.dtype} of shape {tuple(images.shape)}"
        )
    red, green, blue = images.unbind(dim=-3)
    value = torch.maximum(torch.maximum(red, green), blue)
    spread = (value - torch.minimum(torch.minimum(red, green), blue)).to(torch.int16)
    r, g, b = (channel.to(torch.int16) for channel in (red, green, blue))
    hue = torch.where(value == green, b - r + 2 * spread, r - g + 4 * spread)
    hue = torch.where(value == red, g - b, hue)
    of_hue, of_saturation = _color_tables(images.device)
    at = 256 * (hue.to(torch.int32) - _LOWEST) + spread
    hue = of_hue.index_select(0, at.flatten()).reshape(at.shape)
    at = 256 * value.to(torch.int32) + spread
    saturation = of_saturation.index_select(0, at.flatten()).reshape(at.shape)
    return torch.stack([hue, saturation, value], dim=-3)


@lru_cache(maxsize=8)
def _color_tables(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return hue by its numerator and the spread, and saturation by the value and the spread; 256 to a row.

    Both are quotients by a rounded 12-bit reciprocal, 0 where they would divide by 0.
    """
    levels = torch.arange(256, dtype=torch.float64)
    sixth, whole = ((scale * 4096 / levels).round().masked_fill_(levels == 0, 0).to(torch.int64) for scale in (30, 255))
    hue = (torch.arange(_LOWEST, 5 * 255 + 1)[:, None] * sixth + 2048) >> 12
    saturation = (torch.arange(256) * whole[:, None] + 2048) >> 12
    tables = (hue + 180 * (hue < 0)).to(torch.uint8), saturation.to(torch.uint8)
    return tables[0].flatten().to(device), tables[1].flatten().to(device)
