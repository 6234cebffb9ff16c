"""The variance of the Laplacian, the sharpness of single frames without a reference."""

import torch
from torch import Tensor

from thm_torchmetrics.imaging.checks import check_frames, slabs, widest_float
from thm_torchmetrics.imaging.grey import grey_levels


@torch.no_grad()
def laplacian_variance(frames: Tensor) -> Tensor:
    r"""Compute the variance of the Laplacian of each frame; a sharper frame has a larger one.

    ``VL = mean((L - mean(L))^2)`` over the pixels, with ``L = up + down + left + right - 4 center`` of the 8-bit grey
    frame, whose pixels are mirrored about the outermost ones.

    Convention: RGB, uint8 0..255 or floating point 0..1.

    Args:
        frames: ``(N, 3, H, W)``; floating point is first rounded to 8 bits.

    Returns:
        ``(N,)`` in squared grey levels; float64 (float32 on MPS).

    Raises:
        InputError: these are not RGB frames, or a float value lies outside 0..1.

    Source: ``cv2.Laplacian(grey, cv2.CV_64F).var()``, as harlanhong/video-evaluation-toolkit@7eb909f
    core/video_metrics_calculator.py computes it.

    Example:
        >>> frames = torch.zeros(1, 3, 3, 3, dtype=torch.uint8)
        >>> frames[..., 1, 1] = 9
        >>> laplacian_variance(frames)
        tensor([272.], dtype=torch.float64)
    """
    check_frames("frames", frames)
    count, _, height, width = frames.shape
    values = torch.empty(count, dtype=widest_float(frames.device), device=frames.device)
    for some in slabs(count, height * width, frames.device):
        grey = grey_levels("frames", frames[some]).to(values)
        grey = _mirrored(_mirrored(grey, 1), 2)
        center = grey[:, 1:-1, 1:-1]
        edges = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:] - 4 * center
        values[some] = edges.var(dim=(1, 2), correction=0)
    return values


def _mirrored(grey: Tensor, axis: int) -> Tensor:
    """Add a line on both sides that repeats the line next to the outermost one; a single line repeats itself."""
    last = grey.shape[axis] - 1
    at = torch.arange(-1, last + 2, dtype=torch.int64, device=grey.device).abs()
    return grey.index_select(axis, (last - (last - at).abs()).clamp(min=0))
