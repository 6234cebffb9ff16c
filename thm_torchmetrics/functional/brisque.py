"""BRISQUE: the quality of a frame by a regression on the statistics of its scene."""

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_shape
from thm_torchmetrics.functional.scene_statistics import (
    asymmetric_gaussian,
    luma_levels,
    nearest_shape,
    neighbor_products,
    normalized_levels,
)
from thm_torchmetrics.imaging.checks import check_frames, widest_float
from thm_torchmetrics.imaging.matlab_resize import resize_as_matlab

BRISQUE_FEATURES = 36
_GAMMA = 0.05
"""The width of the kernel of LIVE's model."""
_LEAST_SIDE = 16

# fmt: off
_LOW = (
    0.338, 0.017204, 0.236, -0.123884, 0.000155, 0.001122, 0.244, -0.123586, 0.000152, 0.000975, 0.249, -0.135687,
    0.000174, 0.000913, 0.258, -0.143408, 0.000179, 0.000888, 0.471, 0.012809, 0.218, -0.094876, 1.5e-5, 0.001272,
    0.222, -0.115772, 1.6e-5, 0.001374, 0.227, -0.117188, 3e-5, 0.001122, 0.228, -0.12243, 2.8e-5, 0.001118,
)
_HIGH = (
    10, 0.806612, 1.642, 0.20293, 0.712298, 0.470257, 1.641, 0.179083, 0.710456, 0.470984, 1.555, 0.100858, 0.684173,
    0.534174, 1.561, 0.100486, 0.685696, 0.536508, 3.264, 0.703171, 1.046, 0.187459, 0.442057, 0.40803, 1.042, 0.162604,
    0.444362, 0.40243, 0.996, 0.098323, 0.531903, 0.369589, 0.99, 0.098658, 0.530092, 0.370399,
)
# fmt: on
"""The ranges that LIVE's model scales its features from, to -1..1."""


@torch.no_grad()
def brisque_features(frames: Tensor) -> Tensor:
    r"""Compute the 36 features of BRISQUE.

    They are shapes and variances of generalized Gaussians that are fitted to the locally normalized grey frame and to
    the products of neighbors, at full and at half size, in float64.

    Convention: RGB, uint8 0..255 or floating point 0..1.

    Args:
        frames: ``(N, 3, H, W)``, of at least 16x16 pixels.

    Returns:
        ``(N, 36)`` float64, on the CPU from MPS; NaN in the row of a frame that is flat.

    Raises:
        InputError: these are not RGB frames, a float value lies outside 0..1, or the frames are too small.
    """
    check_frames("frames", frames)
    height, width = frames.shape[-2:]
    if min(height, width) < _LEAST_SIDE:
        raise InputError(
            f"BRISQUE needs frames of at least {_LEAST_SIDE}x{_LEAST_SIDE} pixels, got {width}x{height}; enlarge or "
            "leave out such frames"
        )
    rows = [_features(luma_levels(frame[None], "grey")) for frame in frames]
    return torch.cat(rows) if rows else torch.zeros(0, BRISQUE_FEATURES, dtype=torch.float64)


@torch.no_grad()
def blind_spatial_quality(frames: Tensor, vectors: Tensor, coefficients: Tensor, offset: float) -> Tensor:
    r"""Compute the blind image spatial quality evaluator (BRISQUE) of each frame, lower is better.

    ``BRISQUE = sum_i c_i exp(-0.05 |x - v_i|^2) - rho``, a support vector regression on the features, which are scaled
    to -1..1 by LIVE's ranges. Natural images have about 0 to 100, and values may leave that range.

    Convention: RGB, uint8 0..255 or floating point 0..1.

    Args:
        frames: ``(N, 3, H, W)``, of at least 16x16 pixels.
        vectors: ``(K, 36)``, the support vectors.
        coefficients: ``(K,)``, their weights.
        offset: rho.

    Returns:
        ``(N,)`` float64 (float32 on MPS); NaN for a frame that is flat.

    Raises:
        InputError: these are not RGB frames, a float value lies outside 0..1, the frames are too small, or a parameter
            has another shape.

    Source: A. Mittal, A. K. Moorthy, A. C. Bovik, "No-reference image quality assessment in the spatial domain", IEEE
    TIP 21(12), 2012; the arithmetic of piq.brisque 0.8 in float64.
    """
    check_shape("vectors", vectors, ("K", BRISQUE_FEATURES), "support vectors")
    check_shape("coefficients", coefficients, (len(vectors),), "weights of the support vectors")
    features = brisque_features(frames)
    low, high = features.new_tensor(_LOW), features.new_tensor(_HIGH)
    scaled = 2 * (features - low) / (high - low) - 1
    distances = (scaled[:, None] - vectors.to(features)).square().sum(dim=2)
    scores = torch.exp(-_GAMMA * distances) @ coefficients.to(features) - offset
    return scores.to(frames.device, widest_float(frames.device))


def _features(levels: Tensor) -> Tensor:
    """Compute the features ``(1, 36)`` of one frame ``(1, H, W)``."""
    features = []
    for _ in range(2):
        normalized = normalized_levels(levels, "constant")
        features.append(_scale_features(normalized))
        levels = resize_as_matlab(levels, (levels.shape[1] // 2, levels.shape[2] // 2))
    return torch.cat(features, dim=1)


def _scale_features(normalized: Tensor) -> Tensor:
    """Compute the 18 features of one scale."""
    values = normalized.flatten(1)
    variance = values.square().mean(dim=1)
    features = [torch.stack([nearest_shape(variance / values.abs().mean(dim=1).square(), inverse=False), variance], 1)]
    shape, left, right = asymmetric_gaussian(neighbor_products(normalized))
    scale = (torch.lgamma(2 / shape) - (torch.lgamma(1 / shape) + torch.lgamma(3 / shape)) / 2).exp()
    features.append(torch.stack([shape, (right - left) * scale, left.square(), right.square()], 2).flatten(1))
    return torch.cat(features, dim=1)
