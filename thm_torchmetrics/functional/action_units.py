"""Action unit error (AUE): how far the facial action units of a generated face are from those of the real one."""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError

ACTION_UNITS = ("01", "02", "04", "05", "06", "07", "09", "10", "12", "14", "15", "17", "20", "23", "25", "26", "45")
"""Numbers of the action units whose intensity OpenFace estimates, in its order."""

UPPER = tuple(ACTION_UNITS.index(unit) for unit in ("01", "02", "04", "05", "06", "07", "09", "45"))
"""Positions of the units of the upper face."""

LOWER = tuple(ACTION_UNITS.index(unit) for unit in ("10", "12", "14", "15", "17", "20", "23", "25", "26"))
"""Positions of the units of the lower face."""

_GROUPS = {"all": tuple(range(len(ACTION_UNITS))), "upper": UPPER, "lower": LOWER}


def squared_errors(preds: Tensor, target: Tensor) -> Tensor:
    """Squared difference of intensities, frame by frame and unit by unit.

    Args:
        preds: ``(T, 17)``, 0..5, in OpenFace's order.
        target: the same shape.

    Returns:
        ``(T, 17)`` float64, in squared intensity units; a row in which either side holds a NaN is NaN.

    Raises:
        InputError: another shape.
        MismatchError: the numbers of rows differ.
    """
    for name, value in (("preds", preds), ("target", target)):
        if value.ndim != 2 or value.shape[1] != len(ACTION_UNITS):
            raise InputError(f"{name} must be intensities (T, {len(ACTION_UNITS)}), got {tuple(value.shape)}")
    if len(preds) != len(target):
        raise MismatchError(f"preds has {len(preds)} rows and target {len(target)}; cut the longer one")
    errors = (preds.to(torch.float64) - target.to(torch.float64)).square()
    return errors.where(~errors.isnan().any(dim=1, keepdim=True), torch.nan)


def action_unit_error(preds: Tensor, target: Tensor, units: str = "all", reduction: str = "sum") -> Tensor:
    r"""Action unit error of a clip, lower is better.

    .. math:: \text{AUE} = \sum_u \frac{1}{T} \sum_t (\hat a_{t,u} - a_{t,u})^2

    Args:
        preds: ``(T, 17)``, 0..5, in OpenFace's order.
        target: the same shape.
        units: ``"all"``, ``"upper"`` (01 02 04 05 06 07 09 45) or ``"lower"`` (10 12 14 15 17 20 23 25 26).
        reduction: over the units: ``"sum"``, as the scripts of TalkingGaussian and InsTaG do, or ``"mean"``.

    Returns:
        0-d float64, in squared intensity units; NaN if every row has a NaN.

    Raises:
        InputError: another shape, or an unknown ``units`` or ``reduction``.
        MismatchError: the numbers of rows differ.

    Example:
        >>> target = torch.zeros(10, 17)
        >>> action_unit_error(target + 0.5, target, units="upper")
        tensor(2., dtype=torch.float64)
    """
    if units not in _GROUPS:
        raise InputError(f"units must be one of {', '.join(map(repr, _GROUPS))}, got {units!r}")
    if reduction not in ("sum", "mean"):
        raise InputError(f"reduction must be 'sum' or 'mean', got {reduction!r}")
    means = squared_errors(preds, target).nanmean(dim=0)[list(_GROUPS[units])]
    return means.sum() if reduction == "sum" else means.mean()
