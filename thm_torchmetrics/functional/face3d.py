"""AED and APD: distances of the coefficients of a 3-D face model."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from thm_torchmetrics.functional.checks import check_option, check_rows, finite_or_nan

COEFFICIENTS = {
    "id": slice(0, 80),
    "exp": slice(80, 144),
    "tex": slice(144, 224),
    "angle": slice(224, 227),
    "gamma": slice(227, 254),
    "trans": slice(254, 257),
}
"""Columns of the 257 coefficients: identity, expression, texture, angles (Euler x, y, z in radians), light, shift."""

_COLUMNS = {"styleheat": [224, 225, 226], "vico": [224, 225, 226, 254, 255, 256]}


def average_expression_distance(preds: Tensor, target: Tensor) -> Tensor:
    r"""Compute the mean absolute difference of the 64 expression coefficients, row by row (AED).

    .. math:: d_i = \frac{1}{64} \sum_k |p_{ik} - t_{ik}|

    Args:
        preds: ``(T, 257)`` coefficients, in the order of `COEFFICIENTS`.
        target: the same shape.

    Returns:
        ``(T,)`` float64 (float32 on MPS), >= 0; NaN where an expression coefficient is not finite.

    Raises:
        InputError: a side has another shape.
        MismatchError: the numbers of rows differ.

    Source: StyleHEAT's evaluation and ViCo's ExpL1 agree on this formula.

    Example:
        >>> import torch
        >>> average_expression_distance(torch.zeros(1, 257), torch.full((1, 257), 0.25))
        tensor([0.2500], dtype=torch.float64)
    """
    preds, target = _checked_coefficients(preds, target)
    columns = COEFFICIENTS["exp"]
    return (preds[:, columns] - target[:, columns]).abs().mean(dim=1)


def average_pose_distance(
    preds: Tensor, target: Tensor, protocol: Literal["styleheat", "vico"] = "styleheat"
) -> Tensor:
    """Compute the mean absolute difference of the pose coefficients, row by row (APD).

    Angles are radians and are not wrapped around, as in the originals.

    Args:
        preds: ``(T, 257)`` coefficients, in the order of `COEFFICIENTS`.
        target: the same shape.
        protocol: ``"styleheat"``, the three angles; or ``"vico"``, the three angles and the three shifts as one vector.

    Returns:
        ``(T,)`` float64 (float32 on MPS), >= 0; NaN where a pose coefficient is not finite.

    Raises:
        InputError: a side has another shape, or the protocol is unknown.
        MismatchError: the numbers of rows differ.

    Source: ``styleheat``: the authors' script, published with Next3D. ``vico``: PoseL1 as an issue of
    ``dc3ea9f/vico_challenge_baseline`` defines it, which holds no code for it.

    Example:
        >>> import torch
        >>> preds, target = torch.zeros(1, 257), torch.zeros(1, 257)
        >>> target[:, COEFFICIENTS["angle"]] = 0.5
        >>> average_pose_distance(preds, target), average_pose_distance(preds, target, "vico")
        (tensor([0.5000], dtype=torch.float64), tensor([0.2500], dtype=torch.float64))
    """
    check_option("protocol", protocol, _COLUMNS)
    preds, target = _checked_coefficients(preds, target)
    columns = _COLUMNS[protocol]
    return (preds[:, columns] - target[:, columns]).abs().mean(dim=1)


def average_coefficient_distance(preds: Tensor, target: Tensor) -> Tensor:
    """Compute the mean absolute difference of coefficients of any face model, row by row.

    Args:
        preds: ``(T, D)`` coefficients.
        target: the same shape.

    Returns:
        ``(T,)`` float64 (float32 on MPS), >= 0; NaN where a coefficient is not finite.

    Raises:
        InputError: a side has another shape.
        MismatchError: the numbers of rows or of coefficients differ.

    Example:
        >>> import torch
        >>> average_coefficient_distance(torch.zeros(1, 52), torch.full((1, 52), 0.25))
        tensor([0.2500], dtype=torch.float64)
    """
    check_rows(preds, target, ("T", "D"), "face coefficients")
    return (finite_or_nan(preds) - finite_or_nan(target)).abs().mean(dim=1)


def _checked_coefficients(preds: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    check_rows(preds, target, ("T", 257), "face coefficients")
    return finite_or_nan(preds), finite_or_nan(target)
