"""Statistics of natural scenes, which NIQE and BRISQUE share."""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from thm_torchmetrics.imaging.checks import check_range
from thm_torchmetrics.imaging.windows import filter_inside, gaussian_taps

_TAPS = gaussian_taps(3, 7 / 6)
_LUMA = {"grey": ((0.299, 0.587, 0.114), 0.0), "ycbcr": ((65.481 / 255, 128.553 / 255, 24.966 / 255), 16.0)}
"""Weights of red, green and blue, and what is added, in levels."""
_HALF = 0.5001
"""Halves are rounded up, as MATLAB does. Grey levels are multiples of 0.001; rounding errors must not decide halves."""


def luma_levels(frames: Tensor, luma: str) -> Tensor:
    """Compute the brightness of frames in whole levels 0..255; halves are rounded up.

    Args:
        frames: ``(N, 3, H, W)``, RGB, uint8 or floating point 0..1.
        luma: ``"grey"``, ``0.299 R + 0.587 G + 0.114 B``; or ``"ycbcr"``, the Y of MATLAB's ``rgb2ycbcr``, 16..235.

    Returns:
        ``(N, H, W)`` float64, on the CPU from MPS.

    Raises:
        InputError: a float value is NaN or lies outside 0..1.
    """
    check_range("frames", frames)
    frames = frames.cpu() if frames.device.type == "mps" else frames
    levels = frames.to(torch.float64) * (1 if frames.dtype == torch.uint8 else 255)
    weights, offset = _LUMA[luma]
    red, green, blue = levels.unbind(1)
    return (weights[0] * red + weights[1] * green + weights[2] * blue).add_(offset + _HALF).floor_()


def normalized_levels(levels: Tensor, padding: str) -> Tensor:
    """Subtract the local mean and divide by the local deviation plus 1.

    Args:
        levels: ``(N, H, W)``, in 0..255.
        padding: what lies beyond the edges: ``"replicate"`` or ``"constant"``, which is 0.

    Returns:
        The same shape and dtype.
    """
    reach = len(_TAPS) // 2
    wide = F.pad(levels[:, None], (reach,) * 4, mode=padding)[:, 0]
    mean = filter_inside(wide, _TAPS)
    deviation = filter_inside(wide.square(), _TAPS).sub_(mean.square()).abs_().sqrt_()
    return (levels - mean) / (deviation + 1)


def neighbor_products(normalized: Tensor) -> Tensor:
    """Multiply pixels with their left, upper, upper left and upper right neighbors; edges wrap around.

    Args:
        normalized: ``(..., H, W)``.

    Returns:
        ``(..., 4, H * W)``.
    """
    shifts = ((0, 1), (1, 0), (1, 1), (1, -1))
    products = [normalized * normalized.roll(shift, dims=(-2, -1)) for shift in shifts]
    return torch.stack(products, dim=-3).flatten(-2)


def asymmetric_gaussian(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fit an asymmetric generalized Gaussian to values by their moments.

    Args:
        values: ``(..., K)``.

    Returns:
        Shape (0.2 to 10 in steps of 0.001), left and right deviation, each ``(...)``; NaN where a side has no values.
    """
    left, right = (_root_mean_square(values, part) for part in (values < 0, values > 0))
    ratio = left / right
    share = values.abs().mean(dim=-1).square() / values.square().mean(dim=-1)
    wanted = share * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1).square()
    return nearest_shape(wanted, inverse=True), left, right


def nearest_shape(ratio: Tensor, inverse: bool) -> Tensor:
    """Return the shape of the generalized Gaussian whose ratio of moments is nearest to those given.

    Args:
        ratio: variance over the squared mean magnitude.
        inverse: whether ``ratio`` is its inverse.

    Returns:
        The same size, from 0.2 to 10 in steps of 0.001; NaN where the ratio is none.
    """
    shapes, rising = _moment_ratios(ratio.device)
    table = rising if inverse else -1 / rising
    wanted = (ratio if inverse else -ratio).contiguous()
    above = torch.searchsorted(table, wanted.nan_to_num()).clamp(1, len(table) - 1)
    nearer = above - ((wanted - table[above - 1]) <= (table[above] - wanted)).to(torch.int64)
    return torch.where(ratio.isfinite(), shapes[nearer], torch.nan)


@cache
def _moment_ratios(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the shapes, and the squared mean magnitude over the variance of each, which rises with the shape."""
    shapes = 0.2 + 0.001 * torch.arange(9801, dtype=torch.float64, device=device)
    return shapes, (2 * torch.lgamma(2 / shapes) - torch.lgamma(1 / shapes) - torch.lgamma(3 / shapes)).exp()


def _root_mean_square(values: Tensor, part: Tensor) -> Tensor:
    return ((values * part).square().sum(dim=-1) / part.sum(dim=-1)).sqrt()
