"""The steadiness of a clip from frame to frame."""

import torch
from torch import Tensor

from thm_torchmetrics.functional.checks import check_shape
from thm_torchmetrics.functional.pixel_error import mean_absolute_error_per_frame


@torch.no_grad()
def temporal_flicker(frames: Tensor) -> Tensor:
    r"""Compute how little each frame differs from the one before, in 0..1; 1 where nothing changes.

    ``F_t = (255 - mean(|x_t - x_(t-1)|)) / 255`` over channels and pixels, on the scale 0..255.

    Convention: RGB, uint8 0..255 or floating point 0..1.

    Args:
        frames: ``(T, 3, H, W)``, consecutive frames of one clip.

    Returns:
        ``(T - 1,)`` float64 (float32 on MPS).

    Raises:
        InputError: these are not RGB frames, or a float value lies outside 0..1.

    Source: Z. Huang et al., "VBench: Comprehensive benchmark suite for video generative models", CVPR 2024, temporal
    flickering; Vchitect/VBench@45e79ec vbench/temporal_flickering.py.

    Example:
        >>> frames = torch.tensor([0, 51, 51], dtype=torch.uint8).reshape(3, 1, 1, 1).expand(3, 3, 8, 8)
        >>> temporal_flicker(frames)
        tensor([0.8000, 1.0000], dtype=torch.float64)
    """
    check_shape("frames", frames, ("T", 3, "H", "W"), "frames of one clip")
    return 1 - mean_absolute_error_per_frame(frames[1:], frames[:-1])
