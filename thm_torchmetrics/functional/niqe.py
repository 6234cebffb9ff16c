"""NIQE: how far the statistics of a frame are from those of natural scenes."""

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_option, check_shape
from thm_torchmetrics.functional.scene_statistics import (
    asymmetric_gaussian,
    luma_levels,
    neighbor_products,
    normalized_levels,
)
from thm_torchmetrics.imaging.checks import check_frames, widest_float
from thm_torchmetrics.imaging.matlab_resize import resize_as_matlab

_BLOCK = 96
_LUMA = {"mmagic": "grey", "mmagic-y": "ycbcr"}
NIQE_FEATURES = 36


@torch.no_grad()
def natural_image_quality(frames: Tensor, mean: Tensor, covariance: Tensor, protocol: str = "mmagic") -> Tensor:
    r"""Compute the natural image quality evaluator (NIQE) of each frame, at least 0, lower is better.

    ``NIQE = sqrt((m1 - m2)^T ((S1 + S2) / 2)^+ (m1 - m2))`` of the mean and the covariance of 36 features of blocks of
    96 pixels with those of natural images. The features are shapes and widths of generalized Gaussians that are fitted
    to the locally normalized brightness and to the products of neighbors, at full and at half size. Blocks that are
    flat are left out. The arithmetic is that of float64.

    Convention: RGB, uint8 0..255 or floating point 0..1.

    Args:
        frames: ``(N, 3, H, W)``.
        mean: ``(36,)``, the mean of natural images.
        covariance: ``(36, 36)``, their covariance.
        protocol: ``"mmagic"``, on the grey frame; or ``"mmagic-y"``, on the Y of YCbCr.

    Returns:
        ``(N,)`` float64 (float32 on MPS); NaN where fewer than two blocks are left.

    Raises:
        InputError: these are not RGB frames, a float value lies outside 0..1, a frame has fewer than two blocks, or a
            parameter has another shape.

    Source: A. Mittal, R. Soundararajan, A. C. Bovik, "Making a completely blind image quality analyzer", IEEE SPL
    20(3), 2013; open-mmlab/mmagic@9ae3520 mmagic/evaluation/metrics/niqe.py.
    """
    check_frames("frames", frames)
    check_option("protocol", protocol, _LUMA)
    check_shape("mean", mean, (NIQE_FEATURES,), "features of natural images")
    check_shape("covariance", covariance, (NIQE_FEATURES, NIQE_FEATURES), "features of natural images")
    height, width = frames.shape[-2:]
    if (height // _BLOCK) * (width // _BLOCK) < 2:
        raise InputError(
            f"NIQE needs frames of at least two blocks of {_BLOCK}x{_BLOCK} pixels, got {width}x{height}; enlarge or "
            "leave out such frames"
        )
    values = [_distance(_features(luma_levels(frame[None], _LUMA[protocol])), mean, covariance) for frame in frames]
    empty = frames.new_empty(0, dtype=widest_float(frames.device))
    return torch.stack(values).to(empty) if values else empty


def _features(levels: Tensor) -> Tensor:
    """Compute the features ``(blocks, 36)`` of one frame ``(1, H, W)``."""
    rows, columns = levels.shape[1] // _BLOCK, levels.shape[2] // _BLOCK
    levels = levels[:, : rows * _BLOCK, : columns * _BLOCK]
    features = []
    for side in (_BLOCK, _BLOCK // 2):
        blocks = normalized_levels(levels, "replicate").reshape(rows, side, columns, side).transpose(1, 2)
        features.append(_block_features(blocks.reshape(rows * columns, side, side)))
        levels = resize_as_matlab(levels, (rows * _BLOCK // 2, columns * _BLOCK // 2))
    return torch.cat(features, dim=1)


def _block_features(blocks: Tensor) -> Tensor:
    """Compute the 18 features of each block of one scale."""
    shape, left, right = asymmetric_gaussian(blocks.flatten(1))
    scale = _gamma(1 / shape, 3 / shape).sqrt()
    features = [torch.stack([shape, (left + right) * scale / 2], dim=1)]
    shape, left, right = asymmetric_gaussian(neighbor_products(blocks))
    scale = _gamma(1 / shape, 3 / shape).sqrt()
    left, right = left * scale, right * scale
    mean = (right - left) * _gamma(2 / shape, 1 / shape)
    features.append(torch.stack([shape, mean, left, right], dim=2).flatten(1))
    return torch.cat(features, dim=1)


def _gamma(above: Tensor, below: Tensor) -> Tensor:
    """Return the ratio of two values of the gamma function."""
    return (torch.lgamma(above) - torch.lgamma(below)).exp()


def _distance(features: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    whole = features[~features.isnan().any(dim=1)]
    if len(whole) < 2:
        return features.new_tensor(torch.nan)
    difference = mean.to(features) - features.nanmean(dim=0)
    inverse = torch.linalg.pinv((covariance.to(features) + torch.cov(whole.T)) / 2, rtol=1e-15)
    squared: Tensor = difference @ inverse @ difference
    return squared.sqrt()
