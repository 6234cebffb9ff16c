"""Grey frames, equal to OpenCV's."""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.imaging.checks import check_range


def grey_frames(frames: Tensor) -> Tensor:
    """Convert frames to grey with OpenCV's fixed-point weights.

    ``(9798 R + 19235 G + 3735 B + 2^14) >> 15``, as ``cv2.cvtColor`` with ``COLOR_RGB2GRAY`` computes it of 8-bit
    pixels.

    Args:
        frames: ``(N, 3, H, W)``, RGB, uint8.

    Returns:
        ``(N, H, W)``, uint8.

    Example:
        >>> grey_frames(torch.tensor([255, 0, 0], dtype=torch.uint8).reshape(1, 3, 1, 1))
        tensor([[[76]]], dtype=torch.uint8)
    """
    red, green, blue = frames.to(torch.int32).unbind(1)
    scaled = (red * 9798).add_(green, alpha=19235).add_(blue, alpha=3735).add_(1 << 14)
    return scaled.bitwise_right_shift_(15).to(torch.uint8)


def grey_levels(name: str, frames: Tensor) -> Tensor:
    """Convert frames to grey as `grey_frames` does; floating point is first rounded to 8 bits.

    Args:
        name: name of the argument, for the message.
        frames: ``(N, 3, H, W)``, RGB, uint8 or floating point 0..1.

    Returns:
        ``(N, H, W)``, uint8.

    Raises:
        InputError: a float value is NaN or lies outside 0..1.
    """
    check_range(name, frames)
    if frames.is_floating_point():
        frames = (frames.to(torch.float32) * 255).round_()
    return grey_frames(frames)
