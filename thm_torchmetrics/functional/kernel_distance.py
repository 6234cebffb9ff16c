"""The kernel distance between two sets of features, exact for any numbers of samples."""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_shape, to_float64


def kernel_distance(preds: Tensor, target: Tensor) -> Tensor:
    r"""Compute the kernel distance of two sets of features, as the kernel inception distance (KID) takes it.

    It is the unbiased estimate of the squared maximum mean discrepancy with the kernel ``k(x, y) = (x . y / D + 1)^3``
    (M. Binkowski et al., 2018), over all pairs of rows:

    .. math:: \frac{\sum_{i \ne j} k(x_i, x_j)}{N (N - 1)} + \frac{\sum_{i \ne j} k(y_i, y_j)}{M (M - 1)}
        - \frac{2 \sum_{i, j} k(x_i, y_j)}{N M}

    The mean over random subsets, which programs print as KID, is an estimate of this number.

    Args:
        preds: ``(N, D)``, any float dtype, finite.
        target: ``(M, D)``, likewise.

    Returns:
        0-d float64, which may be negative; NaN where a set has fewer than two rows.

    Raises:
        InputError: if the features have not two axes, or if D differs.

    Example:
        >>> kernel_distance(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [1.0]]))  # 1 + 8 - 2 (1 + 27) / 2
        tensor(-19., dtype=torch.float64)
    """
    check_shape("preds", preds, ("N", "D"), "samples")
    check_shape("target", target, ("M", "D"), "samples")
    if preds.shape[1] != target.shape[1]:
        raise InputError(f"preds has {preds.shape[1]} features a row and target {target.shape[1]}; they must be equal")
    x, y = to_float64(preds), to_float64(target)
    if min(len(x), len(y)) < 2:
        return x.new_tensor(torch.nan)
    return _mean_of_pairs(x) + _mean_of_pairs(y) - 2 * _kernel(x, y).mean()


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _mean_of_pairs(rows: Tensor) -> Tensor:
    """Return the mean kernel of two different rows."""
    return _kernel(rows, rows).fill_diagonal_(0).sum() / (len(rows) * (len(rows) - 1))
