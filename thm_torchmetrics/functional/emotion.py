"""Valence and arousal (RMSE, SAGR, PCC, CCC), the emotion similarity distance (ESD), and accuracy of emotion."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_option, check_rows, check_shape, finite_or_nan
from thm_torchmetrics.functional.correlation import correlation_of_sums, spread_of_sums
from thm_torchmetrics.functional.identity import cosine_similarity


class Statistics(NamedTuple):
    """Agreement of two series of valence, or of arousal."""

    rmse: Tensor
    """Root of the mean squared difference, 0..2."""
    sagr: Tensor
    """Share of frames whose signs agree, 0..1."""
    pcc: Tensor
    """Pearson's correlation, -1..1; NaN if a side is constant."""
    ccc: Tensor
    """Lin's concordance, -1..1; 0 if one side is constant, NaN if both are and are equal."""


def moments(preds: Tensor, target: Tensor) -> Tensor:
    """Compute what each frame adds to the sums that `statistics` reads.

    Values are clamped to -1..1 first, as published. With x of the prediction and y of the target, the eight columns are
    ``1, x, y, x^2, y^2, x*y, (x - y)^2, sign(x) == sign(y)``; zero has a sign of its own.

    Args:
        preds: ``(T, 2)`` valence and arousal; NaN or infinity where there is no face.
        target: the same shape.

    Returns:
        ``(T, 2, 8)`` float64 (float32 on MPS), separately for valence and arousal; a row is NaN where any of its four
        values is not finite.

    Raises:
        InputError: a side has another shape.
        MismatchError: the numbers of rows differ.

    Source: ``face-analysis/emonet``, ``metrics.py``.

    Example:
        >>> valence, arousal = moments(torch.tensor([[0.5, -2.0]]), torch.tensor([[0.25, 1.0]]))[0]
        >>> valence.tolist()
        [1.0, 0.5, 0.25, 0.25, 0.0625, 0.125, 0.0625, 1.0]
        >>> arousal.tolist()
        [1.0, -1.0, 1.0, 1.0, 1.0, -1.0, 4.0, 0.0]
    """
    check_rows(preds, target, ("T", 2), "valence and arousal")
    x, y = (finite_or_nan(values).clamp(-1.0, 1.0) for values in (preds, target))
    agree = (x.sign() == y.sign()).to(x)
    rows = torch.stack([torch.ones_like(x), x, y, x * x, y * y, x * y, (x - y).square(), agree], dim=2)
    return rows.masked_fill((x + y).isnan().any(dim=1)[:, None, None], torch.nan)


def statistics(sums: Tensor) -> Statistics:
    r"""Compute RMSE, SAGR, PCC and CCC of summed `moments`.

    .. math::
        \text{RMSE} = \sqrt{\overline{(x-y)^2}}, \quad
        \text{SAGR} = \overline{[\operatorname{sign} x = \operatorname{sign} y]}, \quad
        \text{PCC} = \frac{s_{xy}}{s_x s_y}, \quad
        \text{CCC} = \frac{2 s_{xy}}{s_x^2 + s_y^2 + (\bar x - \bar y)^2}

    with population variances (1/n; torchmetrics' CCC divides by n - 1, which makes it larger by up to n / (n - 1)).
    A variance that rounding of n terms can leave of a constant, 2n * 2^-52 of the mean square, counts as zero: sums
    cannot tell less. For a thousand frames at 0.9 that is a deviation of 6e-7; at a deviation of 1e-6 the correlation
    is good to about 1e-4, at 1e-4 to 1e-8.

    Where the published code divides zero by zero, PCC is NaN if a side is constant. CCC is 0 if one side is constant,
    or both at different values, and NaN if both are constant and equal; the published code and torchmetrics, which go
    by way of PCC, give NaN in all of these cases. Of a single frame PCC and CCC are NaN.

    Args:
        sums: ``(..., 8)`` float64, the `moments` of frames without a NaN, summed over frames.

    Returns:
        The four `Statistics`, each ``(...)``; NaN without frames.

    Raises:
        InputError: the last axis has not eight entries.

    Source: ``face-analysis/emonet``, ``metrics.py``; Lin 1989.

    Example:
        >>> target = torch.tensor([[0.1, 0.3], [0.2, 0.1], [0.4, -0.2]])
        >>> valence = statistics(moments(target + 0.1, target).sum(dim=0)[0])
        >>> [round(float(value), 4) for value in valence]
        [0.1, 1.0, 1.0, 0.7568]
    """
    if sums.ndim < 1 or sums.shape[-1] != 8:
        raise InputError(f"`sums` must be sums of moments of shape (..., 8), got {tuple(sums.shape)}")
    count, pair = sums[..., 0], sums[..., :6]
    spread = spread_of_sums(pair)
    x, y, error, agree = (sums[..., [1, 2, 6, 7]] / count[..., None]).unbind(dim=-1)
    ccc = 2.0 * spread.covariance / (spread.variance_x + spread.variance_y + (x - y).square())
    several = torch.where(count > 1, 0.0, torch.nan)
    return Statistics(error.sqrt(), agree, correlation_of_sums(pair), ccc.clamp(-1.0, 1.0) + several)


def emotion_similarity_distance(preds: Tensor, target: Tensor, kind: Literal["cosine", "l2"] = "cosine") -> Tensor:
    r"""Compute the distance of the emotion features of corresponding frames (ESD), row by row.

    ``cosine``: :math:`1 - \cos(p_i, t_i)`, 0..2. ``l2``: :math:`\|p_i - t_i\|`, in the features' own unit. The survey
    that proposed ESD released neither code nor weights; both are this package's reading of it.

    Args:
        preds: ``(T, D)`` features.
        target: the same shape.
        kind: ``"cosine"`` or ``"l2"``.

    Returns:
        ``(T,)`` float64 (float32 on MPS), >= 0; NaN where a row holds NaN or infinity, and for ``cosine`` where it is
        zero.

    Raises:
        InputError: a side has not two axes, or the kind is unknown.
        MismatchError: the shapes differ.

    Source: Chen et al., "What comprises a good talking-head video generation?", 2020.

    Example:
        >>> preds, target = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 4.0]])
        >>> emotion_similarity_distance(preds, target), emotion_similarity_distance(preds, target, "l2")
        (tensor([1.], dtype=torch.float64), tensor([5.], dtype=torch.float64))
    """
    check_option("kind", kind, ("cosine", "l2"))
    cosine = cosine_similarity(preds, target)  # checks the shapes
    return 1.0 - cosine if kind == "cosine" else (finite_or_nan(preds) - finite_or_nan(target)).norm(dim=1)


def emotion_hits(logits: Tensor, label: int, top: int = 1) -> Tensor:
    """Compute for each row whether the label is among the classes of the highest logits.

    Of classes with equal logits the first counts as the higher one, as in NumPy's ``argmax``.

    Args:
        logits: ``(N, K)``, or probabilities; NaN or infinity where there is no face.
        label: the class that is meant, 0 to K - 1.
        top: how many of the highest classes count.

    Returns:
        ``(N,)`` of 1 and 0, float64 (float32 on MPS); NaN where a row is not finite.

    Raises:
        InputError: the logits have another shape, or there is no such class.

    Example:
        >>> emotion_hits(torch.tensor([[0.1, 2.0, 1.0], [3.0, 0.0, 1.0]]), label=2, top=2)
        tensor([1., 1.], dtype=torch.float64)
    """
    check_shape("logits", logits, ("N", "K"), "logits of classes")
    if not 0 <= label < logits.shape[1]:
        raise InputError(f"`label` must be 0 to {logits.shape[1] - 1}, got {label}")
    rows = finite_or_nan(logits)
    own = rows[:, label, None]
    rank = (rows > own).sum(dim=1) + (rows[:, :label] == own).sum(dim=1)
    return (rank < top).to(rows).masked_fill(rows.isnan().any(dim=1), torch.nan)
