"""Soft-DTW: the distance of two sequences of features that may differ in length."""

from __future__ import annotations

from math import isfinite

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_shape, check_widths, finite_or_nan, to_float64

_CELLS = 2**22  # of the table that is held at once, 32 MB each for the distances and their diagonals


def soft_dtw(preds: Tensor, target: Tensor, gamma: float = 0.01) -> Tensor:
    r"""Compute the soft minimum, over all alignments in order, of the sum of squared distances.

    .. math:: r_{i,j} = \|p_i - t_j\|^2 - \gamma \log \sum_{r \in \{r_{i-1,j}, r_{i,j-1}, r_{i-1,j-1}\}} e^{-r/\gamma},
              \qquad r_{0,0} = 0, \quad r_{i,0} = r_{0,j} = \infty

    The value is the last cell. With ``gamma`` 0 the soft minimum is the minimum, and the value that of dynamic time
    warping. Otherwise it is smaller than that, since all alignments count, by at most ``gamma`` times the logarithm of
    their number, which is below ``1.763 (T + S) / 2``. So it may be below 0.

    The table of ``T * S`` cells is computed in bands of rows, diagonal by diagonal. At most `_CELLS` cells, or one row,
    are held at once, about 100 MB, whatever the lengths; the time grows with ``T * S``.

    Args:
        preds: ``(T, D)``, with at least one row.
        target: ``(S, D)``, likewise.
        gamma: smoothing of the minimum, in the unit of the squared distances, at least 0.

    Returns:
        0-d float64; NaN where a side holds NaN or infinity.

    Raises:
        InputError: a side is not a matrix with at least one row, or ``gamma`` is negative or not finite.
        MismatchError: the rows differ in length.

    Source: M. Cuturi and M. Blondel, Soft-DTW: a Differentiable Loss Function for Time-Series, ICML 2017.

    Example:
        >>> walk = torch.tensor([[0.0], [1.0], [2.0]])
        >>> soft_dtw(walk, walk.repeat_interleave(2, dim=0), gamma=0)
        tensor(0., dtype=torch.float64)
    """
    for name, side in (("preds", preds), ("target", target)):
        check_shape(name, side, ("T", "D"), "a sequence of features")
        if not len(side):
            raise InputError(f"`{name}` must have at least one row, got {tuple(side.shape)}")
    check_widths(preds, target)
    if not (isfinite(gamma) and gamma >= 0):
        raise InputError(f"`gamma` must be at least 0 and finite, got {gamma}")
    first, second = to_float64(finite_or_nan(preds)), to_float64(finite_or_nan(target))
    if first.isnan().any() or second.isnan().any():
        return first.new_full((), torch.nan)
    above = first.new_full((1 + len(second),), torch.inf)
    above[0] = 0
    rows = max(1, _CELLS // len(second))
    for start in range(0, len(first), rows):
        band = first[start : start + rows]
        costs = torch.cdist(band, second, compute_mode="donot_use_mm_for_euclid_dist").square()
        above = _last_row(costs, above, gamma)
    return above[-1]


def _last_row(costs: Tensor, above: Tensor, gamma: float) -> Tensor:
    """Return the last row of a band of the table.

    Args:
        costs: squared distances ``(R, S)`` of the band.
        above: the row above the band, ``(1 + S,)``, its first cell being that before the first column.
        gamma: smoothing of the minimum.

    Returns:
        ``(1 + S,)``, infinite in the first cell.
    """
    rows, columns = costs.shape
    # costs of diagonal k in row k, one per row of the band, infinite where the diagonal leaves the table
    diagonals = costs.new_full((rows + columns - 1, rows), torch.inf)
    diagonals.as_strided((rows, columns), (rows + 1, rows)).copy_(costs)
    last = torch.full_like(above, torch.inf)
    # cells of the two diagonals before, by row, the row above the band first
    before, between = costs.new_full((2, 1 + rows), torch.inf)
    before[0] = above[0]
    for k, cost in enumerate(diagonals):
        between[0] = above[k + 1] if k < columns else torch.inf
        reached = torch.stack([between[:-1], between[1:], before[:-1]])
        least = reached.amin(dim=0) if gamma == 0 else -gamma * torch.logsumexp(reached / -gamma, dim=0)
        before, between = between, torch.cat([between[:1], cost + least])
        if k >= rows - 1:
            last[k - rows + 2] = between[-1]
    return last
