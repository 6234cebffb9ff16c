"""Small grey pictures of frames, to tell frames apart at little cost."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import interpolate

THUMBNAIL = 32
"""Height and width of a thumbnail in pixels."""


def thumbnails(frames: Tensor) -> Tensor:
    """Shrink frames to 32x32 grey pixels by the mean of areas, whatever their size and aspect.

    Args:
        frames: ``(n, 3, H, W)``, RGB, float32 0..1.

    Returns:
        ``(n, 1024)`` float32 in 0..1, row by row; grey is the mean of the three channels.

    Example:
        >>> import torch
        >>> thumbnails(torch.full((2, 3, 48, 80), 0.5)).unique(), thumbnails(torch.zeros(2, 3, 48, 80)).shape
        (tensor([0.5000]), torch.Size([2, 1024]))
    """
    grey = frames.mean(dim=1, keepdim=True)
    return interpolate(grey, (THUMBNAIL, THUMBNAIL), mode="area").flatten(1)
