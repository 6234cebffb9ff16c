"""Valence and arousal: agreement of two sequences from sums, EmoNet's face crop, distance of emotion features."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.identity import cosine_similarity
from thm_torchmetrics.functional.warp import warp_affine

MOMENTS = ("n", "x", "y", "xx", "yy", "xy", "(x-y)^2", "same sign")
"""What :func:`paired_moments` holds, in this order."""

_SIDE = 256
_CONSTANT = 1e-12  # a variance below this share of the mean square is rounding, not spread


def paired_moments(preds: Tensor, target: Tensor) -> Tensor:
    """What each frame adds to the statistics of two sequences of valence or arousal.

    Both are clamped to [-1, 1] first, as the published scripts do. Rows may be summed, or averaged: the statistics
    below need only the ratios to the first entry.

    Args:
        preds: ``(T,)`` or ``(T, K)``.
        target: Of the same shape.

    Returns:
        ``(..., 8)`` float64 in the order of :data:`MOMENTS` (on the CPU for MPS); NaN where a side is NaN (no face).
        The sign of 0 agrees with that of 0 only.

    Raises:
        MismatchError: The two differ in shape.

    Source: Toisoul et al., Estimation of continuous valence and arousal levels, 2021 (EmoNet), its metrics.

    Example:
        >>> paired_moments(torch.tensor([0.5]), torch.tensor([-2.0]))
        tensor([[ 1.0000,  0.5000, -1.0000,  0.2500,  1.0000, -0.5000,  2.2500,  0.0000]],
               dtype=torch.float64)
    """
    if preds.shape != target.shape:
        raise MismatchError(f"preds {tuple(preds.shape)} and target {tuple(target.shape)} differ; cut to one length")
    if preds.device.type == "mps":
        preds, target = preds.cpu(), target.cpu()
    x, y = (side.to(torch.float64).clamp(-1, 1) for side in (preds, target))
    same = (x.sign() == y.sign()).to(torch.float64)
    rows = torch.stack([torch.ones_like(x), x, y, x * x, y * y, x * y, (x - y).square(), same], dim=-1)
    return torch.where((x + y).isnan()[..., None], torch.nan, rows)


def root_mean_square_error(moments: Tensor) -> Tensor:
    """RMSE, 0..2: ``sqrt(mean (x - y)^2)``.

    Args:
        moments: ``(..., 8)``, sums or means of :func:`paired_moments`.

    Returns:
        ``(...)``; NaN for no frame.

    Example:
        >>> root_mean_square_error(paired_moments(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0])).sum(dim=0))
        tensor(1., dtype=torch.float64)
    """
    return (moments[..., 6] / moments[..., 0]).sqrt()


def sign_agreement(moments: Tensor) -> Tensor:
    """SAGR, 0..1: share of the frames whose two signs are equal; 0 is a sign of its own.

    Args:
        moments: ``(..., 8)``, sums or means of :func:`paired_moments`.

    Returns:
        ``(...)``; NaN for no frame.

    Example:
        >>> sign_agreement(paired_moments(torch.tensor([0.1, -0.2]), torch.tensor([0.3, 0.2])).sum(dim=0))
        tensor(0.5000, dtype=torch.float64)
    """
    return moments[..., 7] / moments[..., 0]


def correlation(moments: Tensor) -> Tensor:
    """PCC, -1..1: Pearson's correlation.

    Args:
        moments: ``(..., 8)``, sums or means of :func:`paired_moments`.

    Returns:
        ``(...)``; NaN where a side is constant, as for ``numpy.corrcoef``, so for a single frame, too.

    Example:
        >>> correlation(paired_moments(torch.tensor([0.1, 0.2, 0.4]), torch.tensor([0.0, -0.1, -0.3])).sum(dim=0))
        tensor(-1., dtype=torch.float64)
    """
    _, _, var_x, var_y, covariance = _spread(moments)
    return (covariance / (var_x * var_y).sqrt()).clamp(-1, 1)


def concordance(moments: Tensor) -> Tensor:
    """CCC, -1..1: ``2 cov(x, y) / (var x + var y + (mean x - mean y)^2)`` with variances over n.

    Args:
        moments: ``(..., 8)``, sums or means of :func:`paired_moments`.

    Returns:
        ``(...)``; 0 where a side is constant, NaN where both are constant and equal (0 / 0) and for no frame.

    Source: Lin, 1989; EmoNet's metrics.

    Example:
        >>> concordance(paired_moments(torch.tensor([0.0, 0.2]), torch.tensor([0.2, 0.4])).sum(dim=0))
        tensor(0.3333, dtype=torch.float64)
    """
    mean_x, mean_y, var_x, var_y, covariance = _spread(moments)
    gap = (mean_x - mean_y).square()
    gap = torch.where(gap > _CONSTANT * (mean_x.square() + mean_y.square()), gap, 0.0)
    return 2 * covariance / (var_x + var_y + gap)


def emonet_matrices(landmarks: Tensor) -> Tensor:
    """Where EmoNet's training crop lies: the affine matrix from the image to 256 x 256.

    The box around the 68 points, its centre to (128, 128); side ``(w + h) / 1.1`` to 256; no rotation.

    Args:
        landmarks: ``(N, 68, 2)`` x, y in pixels.

    Returns:
        ``(N, 2, 3)`` float64; NaN for a frame without a face.

    Raises:
        InputError: Not 68 points.

    Source: EmoNet, the crop of its training and test data (its video demo uses another).

    Example:
        >>> points = torch.linspace(50.0, 160.0, 68)[:, None].expand(1, 68, 2)
        >>> emonet_matrices(points)[0, 0]
        tensor([ 1.2800,  0.0000, -6.4000], dtype=torch.float64)
    """
    if landmarks.dim() != 3 or landmarks.shape[1:] != (68, 2):
        raise InputError(f"emonet_matrices needs landmarks (N, 68, 2), got {tuple(landmarks.shape)}")
    points = landmarks.cpu().to(torch.float64)
    low, high = points.amin(dim=1), points.amax(dim=1)
    scale = _SIDE * 1.1 / (high - low).sum(dim=1)
    shift = _SIDE / 2 - scale[:, None] * (low + high) / 2
    return torch.cat([scale[:, None, None] * torch.eye(2, dtype=torch.float64), shift[:, :, None]], dim=2)


def emonet_crops(images: Tensor, landmarks: Tensor, *, index: Tensor | None = None) -> Tensor:
    """EmoNet's training crop of each face, 256 x 256, bilinear, black outside.

    Args:
        images: ``(N, 3, H, W)`` uint8, RGB.
        landmarks: ``(K, 68, 2)`` x, y in pixels; NaN (no face) gives a black crop.
        index: ``(K,)`` integers, the image of each face; by default face ``i`` belongs to image ``i``.

    Returns:
        ``(K, 3, 256, 256)`` uint8.

    Raises:
        InputError: Images not uint8, or not 68 points.

    Source: EmoNet.

    Example:
        >>> points = torch.linspace(50.0, 160.0, 68)[:, None].expand(1, 68, 2)
        >>> emonet_crops(torch.zeros(1, 3, 200, 200, dtype=torch.uint8), points).shape
        torch.Size([1, 3, 256, 256])
    """
    return warp_affine(images, emonet_matrices(landmarks), (_SIDE, _SIDE), index=index)


def emotion_similarity_distance(a: Tensor, b: Tensor, kind: Literal["cosine", "l2"] = "cosine") -> Tensor:
    """ESD of each frame: distance between the emotion features of the generated and the real frame.

    ``cosine``: 1 minus the cosine, 0..2; ``l2``: Euclidean. The paper that names the metric released neither code nor
    network; these are this package's readings of it.

    Args:
        a: ``(T, D)`` features of the generated frames.
        b: ``(T, D)`` of the real frames.
        kind: As above.

    Returns:
        ``(T,)`` float64; NaN where a side is NaN.

    Raises:
        InputError: Another kind, or not two axes.
        MismatchError: The two differ in shape.

    Source: Chen et al., What comprises a good talking-head video generation?, 2020.

    Example:
        >>> emotion_similarity_distance(torch.tensor([[3.0, 4.0]]), torch.tensor([[4.0, 3.0]]))
        tensor([0.0400], dtype=torch.float64)
    """
    if kind not in ("cosine", "l2"):
        raise InputError(f"unknown kind {kind!r} of distance; there are cosine and l2")
    similarity = cosine_similarity(a, b)  # checks the shapes for both kinds
    if kind == "cosine":
        return 1 - similarity
    return (a.to(similarity) - b.to(similarity)).square().sum(dim=1).sqrt()


def _spread(moments: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Means, population variances and covariance; a variance that is rounding only is 0, and so the covariance."""
    mean_x, mean_y, square_x, square_y, product = (moments[..., 1:6] / moments[..., :1]).unbind(dim=-1)
    var_x, var_y = square_x - mean_x.square(), square_y - mean_y.square()
    var_x = torch.where(var_x > _CONSTANT * square_x, var_x, var_x * 0)
    var_y = torch.where(var_y > _CONSTANT * square_y, var_y, var_y * 0)
    covariance = product - mean_x * mean_y
    return mean_x, mean_y, var_x, var_y, torch.where((var_x > 0) & (var_y > 0), covariance, covariance * 0)
