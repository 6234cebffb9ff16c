"""Whether a clip moves, by its optical flow."""

import torch
from torch import Tensor

from thm_torchmetrics.functional.checks import check_shape, finite_or_nan

_TOP = 0.05
"""The share of the fastest pixels."""


@torch.no_grad()
def fastest_flow(flow: Tensor) -> Tensor:
    r"""Compute the mean length of the longest 5 percent of the flow vectors of each pair of frames.

    Args:
        flow: ``(P, 2, H, W)``, the optical flow between consecutive sampled frames, x and y in pixels.

    Returns:
        ``(P,)`` float64 (float32 on MPS), in pixels; NaN where a vector holds NaN or infinity, or where 5 percent are
        less than one pixel.

    Raises:
        InputError: the flow has another shape.

    Example:
        >>> flow = torch.zeros(1, 2, 4, 5)
        >>> flow[0, :, 1, 2] = torch.tensor([3.0, 4.0])
        >>> fastest_flow(flow)
        tensor([5.], dtype=torch.float64)
    """
    check_shape("flow", flow, ("P", 2, "H", "W"), "optical flow")
    lengths = finite_or_nan(flow).square().sum(dim=1).sqrt().flatten(1)
    count = int(lengths.shape[1] * _TOP)
    means = lengths.topk(count, dim=1).values.mean(dim=1)
    return torch.where(lengths.isnan().any(dim=1), torch.nan, means)


def is_dynamic(fastest: Tensor, size: tuple[int, int], fps: float = 8.0) -> bool:
    r"""Return whether a clip moves, by VBench's rule.

    It moves if ``fastest > max(1, 8 / fps) * 6 * min(H, W) / 256`` in at least ``round(4 n / 16)`` pairs of its n
    sampled frames; halves are rounded to the even number. Of two sampled frames that is no pair: every such clip moves.

    Args:
        fastest: ``(P,)``, what `fastest_flow` returns of the pairs.
        size: height and width of a frame.
        fps: frames per second of the video before frames were sampled.

    Source: Z. Huang et al., "VBench: Comprehensive benchmark suite for video generative models", CVPR 2024, dynamic
    degree; Vchitect/VBench@45e79ec vbench/dynamic_degree.py.

    Example:
        >>> is_dynamic(torch.full((15,), 7.0), (256, 256)), is_dynamic(torch.full((15,), 6.0), (256, 256))
        (True, False)
    """
    threshold = max(1.0, 8 / fps) * 6 * min(size) / 256
    needed = round(4 * (len(fastest) + 1) / 16)
    return bool((fastest > threshold).sum() >= needed)
