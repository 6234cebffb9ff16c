"""Pearson's correlation from sums."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError


class Spread(NamedTuple):
    """Variances and covariance of two series."""

    variance_x: Tensor
    """Population variance of x; 0 where rounding of the sums may have made it."""
    variance_y: Tensor
    """That of y."""
    covariance: Tensor
    """Population covariance; 0 where a series is constant."""


def spread_of_sums(sums: Tensor) -> Spread:
    """Compute variances and covariance of two series from their sums.

    A variance that rounding of n terms can leave of a constant, 2n * 2^-52 of the mean square, counts as zero: sums
    cannot tell less.

    Args:
        sums: ``(..., 6)`` float64, the sums of ``1, x, y, x^2, y^2, x*y``.

    Returns:
        The `Spread`, each ``(...)``.

    Raises:
        InputError: the last axis has not six entries.

    Example:
        >>> [float(value) for value in spread_of_sums(torch.tensor([2.0, 4.0, 0.0, 10.0, 2.0, 2.0]))]
        [1.0, 1.0, 1.0]
    """
    if sums.ndim < 1 or sums.shape[-1] != 6:
        raise InputError(f"`sums` must be sums of shape (..., 6), got {tuple(sums.shape)}")
    count = sums[..., 0]
    x, y, xx, yy, xy = (sums[..., 1:] / count[..., None]).unbind(dim=-1)
    variance_x, variance_y = _variance(x, xx, count), _variance(y, yy, count)
    varies = (variance_x > 0) & (variance_y > 0)
    return Spread(variance_x, variance_y, torch.where(varies, xy - x * y, 0.0))


def correlation_of_sums(sums: Tensor) -> Tensor:
    r"""Compute Pearson's correlation of two series from their sums.

    .. math:: \frac{s_{xy}}{s_x s_y}

    The sums lose digits where the mean is large beside the deviation: of twenty terms the correlation is good to about
    10^-8 at a ratio of 10^4, and to 10^-6 at 10^5.

    Args:
        sums: ``(..., 6)`` float64, as in `spread_of_sums`.

    Returns:
        ``(...)`` in -1..1; NaN where a series is constant, or has fewer than two terms.

    Raises:
        InputError: the last axis has not six entries.

    Example:
        >>> correlation_of_sums(torch.tensor([2.0, 4.0, 0.0, 10.0, 2.0, 2.0]))
        tensor(1.)
    """
    spread = spread_of_sums(sums)
    correlation = spread.covariance / (spread.variance_x * spread.variance_y).sqrt()
    return correlation.clamp(-1.0, 1.0) + torch.where(sums[..., 0] > 1, 0.0, torch.nan)


def _variance(mean: Tensor, square: Tensor, count: Tensor) -> Tensor:
    """Compute the population variance, or 0 where it may be rounding of the sums of a constant."""
    variance = square - mean * mean
    return torch.where(variance <= 2 * torch.finfo(square.dtype).eps * count * square, 0.0, variance)
