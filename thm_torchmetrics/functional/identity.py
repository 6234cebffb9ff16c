"""CSIM and FOMM's AED: distances of identity embeddings, and the 5-point alignment that face recognition asks for.

The published pipelines warp with ``cv2.warpAffine``; :func:`warp_affine` does the same for a batch, on its device.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import normalize

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.imaging.checks import widest_float


def cosine_similarity(a: Tensor, b: Tensor) -> Tensor:
    r"""Cosine of the angle between embeddings, row by row.

    .. math:: \cos_i = \frac{a_i \cdot b_i}{\|a_i\| \|b_i\|}

    Args:
        a: ``(T, D)`` embeddings, normalised or not.
        b: likewise.

    Returns:
        ``(T,)`` float64 (float32 on MPS) in -1..1; NaN where a row is zero or has a NaN.

    Raises:
        InputError: not two axes.
        MismatchError: the shapes differ.

    Example:
        >>> cosine_similarity(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[6.0, 8.0], [1.0, 0.0]]))
        tensor([1., nan], dtype=torch.float64)
    """
    first, second = _unit_rows(a, b)
    return (first * second).sum(dim=1).clamp(-1.0, 1.0)


def squared_euclidean_distance(a: Tensor, b: Tensor) -> Tensor:
    r"""Squared Euclidean distance of normalised embeddings, row by row: FOMM's AED.

    .. math:: d_i = \left\| \frac{a_i}{\|a_i\|} - \frac{b_i}{\|b_i\|} \right\|^2 = 2 - 2 \cos_i

    FOMM's network ends in a normalisation, so it takes the squared difference of what the network returns. Here the
    rows are normalised first, so that other recognition networks are measured on the same scale.

    Args:
        a: ``(T, D)`` embeddings, normalised or not.
        b: likewise.

    Returns:
        ``(T,)`` float64 (float32 on MPS) in 0..4; NaN where a row is zero or has a NaN.

    Raises:
        InputError: not two axes.
        MismatchError: the shapes differ.

    Source: ``AliaksandrSiarohin/pose-evaluation``, which says Euclidean distance and squares it.

    Example:
        >>> squared_euclidean_distance(torch.tensor([[5.0, 0.0]]), torch.tensor([[0.0, 2.0]]))
        tensor([2.], dtype=torch.float64)
    """
    first, second = _unit_rows(a, b)
    return (first - second).square().sum(dim=1)


def _unit_rows(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both sides with rows of length 1; a row of zeros becomes NaN."""
    if a.ndim != 2 or b.ndim != 2:
        raise InputError(f"embeddings must be (T, D), got {tuple(a.shape)} and {tuple(b.shape)}")
    if a.shape != b.shape:
        raise MismatchError(f"embeddings must agree in rows and width, got {tuple(a.shape)} and {tuple(b.shape)}")
    dtype = widest_float(a.device)
    return normalize(a.to(dtype), dim=1, eps=0.0), normalize(b.to(dtype), dim=1, eps=0.0)
