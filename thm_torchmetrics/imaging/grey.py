"""Grey frames, equal to OpenCV's."""

from __future__ import annotations

import torch
from torch import Tensor


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
