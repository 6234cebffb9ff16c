"""Separable windows of frames: a Gaussian's weights, and the filter."""

from __future__ import annotations

import math

from torch import Tensor


def gaussian_taps(radius: int, sigma: float) -> tuple[float, ...]:
    """Return the weights of a Gaussian window along one axis, ``2 radius + 1`` of them, with sum 1.

    Example:
        >>> [round(weight, 3) for weight in gaussian_taps(1, 1.0)]
        [0.274, 0.452, 0.274]
    """
    weights = [math.exp(-(offset**2) / (2 * sigma**2)) for offset in range(-radius, radius + 1)]
    return tuple(weight / sum(weights) for weight in weights)


def filter_inside(maps: Tensor, taps: tuple[float, ...]) -> Tensor:
    """Filter maps by symmetric ``taps`` along both axes, at positions where the window lies inside.

    Sums of shifted copies rather than convolutions: the maps' precision on every device (no TF32), the same for any
    batch.

    Args:
        maps: ``(..., H, W)``, floating point.
        taps: the weights, an odd number of them.

    Returns:
        ``(..., H - len(taps) + 1, W - len(taps) + 1)``.
    """
    last = len(taps) - 1
    for axis in (-2, -1):
        size = maps.shape[axis] - last
        result = maps.narrow(axis, last // 2, size) * taps[last // 2]
        for offset in range(last // 2):
            result.add_(maps.narrow(axis, offset, size) + maps.narrow(axis, last - offset, size), alpha=taps[offset])
        maps = result
    return maps
