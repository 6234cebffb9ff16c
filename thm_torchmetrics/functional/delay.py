"""The delay of one sequence of features behind another."""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_shape, check_widths, finite_or_nan, to_float64

MAX_DELAY = 10
"""The largest delay that is looked for, in frames, unless another is named: 0.4 s at 25 frames per second."""

LEAST_GAIN = 0.05
"""The share of the distance without a shift that a delay must save, or it is taken for chance."""

_ROUNDING = 1e-9  # share of a distance by which one that is equal in theory may differ


def delay_distances(preds: Tensor, target: Tensor, max_delay: int = MAX_DELAY) -> Tensor:
    r"""Compute the mean squared distance of two sequences at each delay of the first.

    .. math:: D_k = \frac{1}{|O_k|} \sum_{t \in O_k} \|p_{t+k} - q_t\|^2, \qquad k = -K \dots K

    over the pairs :math:`O_k` that have features on both sides. A delay of ``k`` means that the prediction is ``k``
    frames late: its frame ``t + k`` is compared with the frame ``t`` of the target.

    Args:
        preds: ``(T, D)``; a row with NaN or infinity is a frame without features.
        target: ``(S, D)``, likewise.
        max_delay: the largest delay K in frames, at least 0.

    Returns:
        ``(2 * max_delay + 1,)`` float64, from ``-max_delay`` on; NaN at a delay that leaves fewer than half as many
        pairs as another one does, since few pairs are close by chance.

    Raises:
        InputError: a side is not a matrix, or ``max_delay`` is negative.
        MismatchError: the rows differ in length.

    Example:
        >>> walk = torch.arange(6.0)[:, None]
        >>> delay_distances(walk[:-1], walk[1:], max_delay=1)
        tensor([4., 1., 0.], dtype=torch.float64)
    """
    check_shape("preds", preds, ("T", "D"), "a sequence of features")
    check_shape("target", target, ("S", "D"), "a sequence of features")
    check_widths(preds, target)
    if max_delay < 0:
        raise InputError(f"`max_delay` must be at least 0, got {max_delay}")
    first, second = to_float64(finite_or_nan(preds)), to_float64(finite_or_nan(target))
    means, counts = first.new_full((2, 2 * max_delay + 1), torch.nan)
    for place in range(2 * max_delay + 1):
        late, early = max(place - max_delay, 0), max(max_delay - place, 0)
        pairs = max(0, min(len(first) - late, len(second) - early))
        distances = (first[late : late + pairs] - second[early : early + pairs]).square().sum(dim=1)
        means[place], counts[place] = distances.nanmean(), distances.isfinite().sum()
    return torch.where(counts < counts.max() / 2, torch.nan, means)


def least_delay(distances: Tensor) -> int | None:
    """Return the delay of the smallest distance, or 0 where that saves less than `LEAST_GAIN` of the distance at 0.

    Of equal distances that nearest to 0 counts, and of two such that of the positive delay. Where little moves, or
    pictures differ much at every delay, the distances are almost equal, and which is the smallest is chance.

    Args:
        distances: ``(2 * K + 1,)``, from ``-K`` on, as `delay_distances` returns them.

    Returns:
        The delay in frames; None if all distances are NaN.

    Raises:
        InputError: the number of distances is even.

    Example:
        >>> least_delay(torch.tensor([4.0, 1.0, 0.5])), least_delay(torch.tensor([4.0, 1.0, 0.99]))
        (1, 0)
    """
    check_shape("distances", distances, ("2 * K + 1",), "a distance for each delay")
    if len(distances) % 2 == 0:
        raise InputError(f"`distances` must be (2 * K + 1,), got {tuple(distances.shape)}")
    reach = len(distances) // 2
    values = {place - reach: value for place, value in enumerate(distances.tolist()) if value == value}
    if not values:
        return None
    limit = min(values.values()) * (1 + _ROUNDING)
    if 0 in values and limit > values[0] * (1 - LEAST_GAIN):
        return 0
    return min((delay for delay, value in values.items() if value <= limit), key=lambda delay: (abs(delay), -delay))
