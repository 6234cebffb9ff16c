"""Multi-scale SSIM of predicted frames against real ones."""

import torch
import torch.nn.functional as F
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_option
from thm_torchmetrics.imaging.checks import check_pair, slabs, widest_float
from thm_torchmetrics.imaging.levels import common_peak, on_common_scale
from thm_torchmetrics.imaging.windows import filter_inside, gaussian_taps

_TAPS = gaussian_taps(5, 1.5)
_EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""The weight of each scale, the finest first."""
_LEAST_SIDE = (len(_TAPS) - 1) * 2 ** (len(_EXPONENTS) - 1) + 1
_C1, _C2 = 0.01**2, 0.03**2


@torch.no_grad()
def multi_scale_structural_similarity(preds: Tensor, target: Tensor, protocol: str = "pytorch-msssim") -> Tensor:
    r"""Compute the multi-scale structural similarity (MS-SSIM) of each frame, in 0..1, higher is better.

    ``MS-SSIM = ssim_5^w5 prod_(j<5) cs_j^wj`` with ``cs = (2 sxy + c2) / (sxx + syy + c2)`` and SSIM at five scales,
    each of half the size of the one before, the mean over positions first; negative means count as 0; averaged over
    RGB channels. The exponents are 0.0448, 0.2856, 0.3001, 0.2363 and 0.1333, the window a Gaussian of 11 pixels and
    sigma 1.5 that lies inside the frame, the constants those of `structural_similarity`.

    Convention: RGB, uint8 0..255 or floating point 0..1.

    Args:
        preds: ``(N, 3, H, W)`` frames.
        target: the same shape; the dtype may differ.
        protocol: ``"pytorch-msssim"``, the defaults of the package of that name: frames are halved by means of 2x2
            pixels, with a line of zeros on both sides of an axis of odd length.

    Returns:
        ``(N,)`` float64 (float32 on MPS).

    Raises:
        InputError: a side is not RGB frames, a float value lies outside 0..1, a frame is below 161 pixels, or the
            protocol is unknown.
        MismatchError: the shapes differ.

    Source: Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multiscale structural similarity for image quality assessment",
    Asilomar 2003; https://github.com/VainF/pytorch-msssim, version 1.0.0.

    Example:
        >>> target = torch.arange(3 * 176 * 176).remainder(251).to(torch.uint8).reshape(1, 3, 176, 176)
        >>> multi_scale_structural_similarity(target, target).round(decimals=6)
        tensor([1.], dtype=torch.float64)
    """
    check_option("protocol", protocol, ("pytorch-msssim",))
    check_pair(preds, target)
    count, _, height, width = preds.shape
    if min(height, width) < _LEAST_SIDE:
        raise InputError(
            f"MS-SSIM needs frames of at least {_LEAST_SIDE}x{_LEAST_SIDE} pixels, got {width}x{height}; enlarge or "
            "leave out such frames"
        )
    peak = common_peak(preds, target)
    values = torch.empty(count, dtype=widest_float(preds.device), device=preds.device)
    for frames in slabs(count, height * width, preds.device):
        sides = [side.to(values) / peak for side in on_common_scale(preds[frames], target[frames], peak)]
        values[frames] = _over_scales(sides[0], sides[1])
    return values


def _over_scales(preds: Tensor, target: Tensor) -> Tensor:
    value = preds.new_ones(preds.shape[:2])
    for scale, exponent in enumerate(_EXPONENTS):
        last = scale == len(_EXPONENTS) - 1
        value *= _mean_similarity(preds, target, with_means=last).clamp(min=0) ** exponent
        if not last:
            odd = preds.shape[-2] % 2, preds.shape[-1] % 2
            preds, target = (F.avg_pool2d(side, 2, padding=odd) for side in (preds, target))
    return value.mean(dim=1)


def _mean_similarity(preds: Tensor, target: Tensor, with_means: bool) -> Tensor:
    """Compute the mean over positions ``(N, 3)`` of the similarity of contrast and structure, and of the means, too."""
    mean_x, mean_y = filter_inside(preds, _TAPS), filter_inside(target, _TAPS)
    products = mean_x * mean_y
    squares = mean_x.square_().add_(mean_y.square_())
    covariance = filter_inside(preds * target, _TAPS).sub_(products)
    variances = filter_inside(preds.square().add_(target.square()), _TAPS).sub_(squares)
    similarity = (2 * covariance + _C2) / (variances + _C2)
    if with_means:
        similarity *= (2 * products + _C1) / (squares + _C1)
    return similarity.mean(dim=(2, 3))
