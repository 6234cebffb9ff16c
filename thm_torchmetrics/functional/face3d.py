"""AED and APD: distances of 3-D face coefficients, and the alignment that Deep3DFaceRecon asks for.

The published pipeline resizes the whole frame with Pillow and cuts 224x224 pixels out of it; :func:`crop` computes
these pixels only, in the same fixed-point steps, for a batch on its device.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.imaging.checks import widest_float

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


def average_expression_distance(a: Tensor, b: Tensor) -> Tensor:
    r"""Mean absolute difference of the 64 expression coefficients, row by row (AED).

    .. math:: d_i = \frac{1}{64} \sum_k |a_{ik} - b_{ik}|

    Args:
        a: ``(T, 257)`` coefficients.
        b: likewise.

    Returns:
        ``(T,)`` float64 (float32 on MPS), >= 0; NaN where an expression coefficient is NaN.

    Raises:
        InputError: another shape.
        MismatchError: the numbers of rows differ.

    Source: StyleHEAT's evaluation and ViCo's ExpL1 agree on this formula.

    Example:
        >>> average_expression_distance(torch.zeros(1, 257), torch.full((1, 257), 0.25))
        tensor([0.2500], dtype=torch.float64)
    """
    first, second = _checked_coefficients(a, b)
    columns = COEFFICIENTS["exp"]
    return (first[:, columns] - second[:, columns]).abs().mean(dim=1)


def average_pose_distance(a: Tensor, b: Tensor, protocol: Literal["styleheat", "vico"] = "styleheat") -> Tensor:
    """Mean absolute difference of the pose coefficients, row by row (APD).

    Angles are radians and are not wrapped around, as in the originals.

    Args:
        a: ``(T, 257)`` coefficients.
        b: likewise.
        protocol: ``styleheat``: the three angles; ``vico``: the three angles and the three shifts as one vector.

    Returns:
        ``(T,)`` float64 (float32 on MPS), >= 0; NaN where a pose coefficient is NaN.

    Raises:
        InputError: another shape, or no such protocol.
        MismatchError: the numbers of rows differ.

    Source: ``styleheat``: the authors' script, published with Next3D. ``vico``: PoseL1 as an issue of
    ``dc3ea9f/vico_challenge_baseline`` defines it, which holds no code for it.

    Example:
        >>> a, b = torch.zeros(1, 257), torch.zeros(1, 257)
        >>> b[:, COEFFICIENTS["angle"]] = 0.5
        >>> average_pose_distance(a, b), average_pose_distance(a, b, "vico")
        (tensor([0.5000], dtype=torch.float64), tensor([0.2500], dtype=torch.float64))
    """
    if protocol not in _COLUMNS:
        raise InputError(f"protocol must be one of {', '.join(map(repr, _COLUMNS))}, got {protocol!r}")
    first, second = _checked_coefficients(a, b)
    columns = _COLUMNS[protocol]
    return (first[:, columns] - second[:, columns]).abs().mean(dim=1)


def _checked_coefficients(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    for values in (a, b):
        if values.ndim != 2 or values.shape[1] != 257:
            raise InputError(f"coefficients must have the shape (T, 257), got {tuple(values.shape)}")
    if len(a) != len(b):
        raise MismatchError(f"{len(a)} and {len(b)} rows of coefficients; cut the longer one")
    dtype = widest_float(a.device)
    return a.to(dtype), b.to(dtype)
