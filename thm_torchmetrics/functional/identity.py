"""CSIM and FOMM's AED: similarity and distance of identity embeddings."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import normalize

from thm_torchmetrics.functional.checks import check_rows, finite_or_nan


def cosine_similarity(preds: Tensor, target: Tensor) -> Tensor:
    r"""Compute the cosine of the angle between embeddings, row by row.

    .. math:: \cos_i = \frac{p_i \cdot t_i}{\|p_i\| \|t_i\|}

    Args:
        preds: ``(T, D)`` embeddings, normalised or not.
        target: the same shape.

    Returns:
        ``(T,)`` float64 (float32 on MPS) in -1..1; NaN where a row is zero or holds NaN or infinity.

    Raises:
        InputError: a side has not two axes.
        MismatchError: the shapes differ.

    Example:
        >>> import torch
        >>> cosine_similarity(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[6.0, 8.0], [1.0, 0.0]]))
        tensor([1., nan], dtype=torch.float64)
    """
    first, second = _unit_rows(preds, target)
    return (first * second).sum(dim=1).clamp(-1.0, 1.0)


def squared_euclidean_distance(preds: Tensor, target: Tensor) -> Tensor:
    r"""Compute the squared Euclidean distance of normalised embeddings, row by row: FOMM's AED.

    .. math:: d_i = \left\| \frac{p_i}{\|p_i\|} - \frac{t_i}{\|t_i\|} \right\|^2 = 2 - 2 \cos_i

    FOMM's network ends in a normalisation, so its script takes the squared difference of the outputs. Here the rows are
    normalised first, so that other recognition networks are measured on the same scale.

    Args:
        preds: ``(T, D)`` embeddings, normalised or not.
        target: the same shape.

    Returns:
        ``(T,)`` float64 (float32 on MPS) in 0..4; NaN where a row is zero or holds NaN or infinity.

    Raises:
        InputError: a side has not two axes.
        MismatchError: the shapes differ.

    Source: ``AliaksandrSiarohin/pose-evaluation``, which says Euclidean distance and squares it.

    Example:
        >>> import torch
        >>> squared_euclidean_distance(torch.tensor([[5.0, 0.0]]), torch.tensor([[0.0, 2.0]]))
        tensor([2.], dtype=torch.float64)
    """
    first, second = _unit_rows(preds, target)
    return (first - second).square().sum(dim=1)


def _unit_rows(preds: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Scale the rows of both sides to length 1; a row of zeros becomes NaN."""
    check_rows(preds, target, ("T", "D"), "embeddings")
    return normalize(finite_or_nan(preds), dim=1, eps=0.0), normalize(finite_or_nan(target), dim=1, eps=0.0)
