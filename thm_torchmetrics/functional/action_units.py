"""AUE, the error of facial action unit intensities as OpenFace estimates them."""

import math

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_option, check_rows
from thm_torchmetrics.imaging.checks import widest_float

ACTION_UNITS = ("01", "02", "04", "05", "06", "07", "09", "10", "12", "14", "15", "17", "20", "23", "25", "26", "45")
"""The action units whose intensity OpenFace estimates (columns ``AUxx_r``), in its order."""

UPPER = (0, 1, 2, 3, 4, 5, 6, 16)
"""Positions of the upper face: AU 01 02 04 05 06 07 09 45."""

LOWER = (7, 8, 9, 10, 11, 12, 13, 14, 15)
"""Positions of the lower face: AU 10 12 14 15 17 20 23 25 26."""

_LOWEST, _HIGHEST = 0.0, 5.0
_ROUNDING = 1e-4
"""Distance from the range of an intensity that counts as rounding."""

_GROUPS = {"all": tuple(range(len(ACTION_UNITS))), "upper": UPPER, "lower": LOWER}


def action_unit_error(preds: Tensor, target: Tensor, units: str = "all", reduction: str = "sum") -> Tensor:
    r"""Compute the action unit error (AUE) of one clip, lower is better.

    ``AUE = sum_u mean_t (preds[t, u] - target[t, u])^2`` over the frames t in which both sides have a value of
    every unit of the group.

    Protocol ``talkinggaussian`` is the sum over the units of a group, as the scripts of TalkingGaussian and InsTaG
    print it; ``reduction="mean"`` divides it by their number.

    Args:
        preds: ``(T, 17)``, intensities 0..5 in the order of `ACTION_UNITS`, NaN where a frame has no value.
        target: the same shape.
        units: ``"all"`` 17, ``"upper"`` (AUE-U: 01 02 04 05 06 07 09 45) or ``"lower"`` (AUE-L, the other 9); the sum
            of all is that of the two.
        reduction: ``"sum"`` or ``"mean"`` over the units of the group.

    Returns:
        0-d float64 (float32 on MPS), in squared intensity units; NaN where no frame is left.

    Raises:
        InputError: there are not 17 columns, an intensity lies outside 0..5, or ``units`` or ``reduction`` is unknown.
        MismatchError: the numbers of rows differ.

    Source: https://github.com/Fictionarry/TalkingGaussian.

    Example:
        >>> preds, target = torch.full((10, 17), 1.5), torch.ones(10, 17)
        >>> action_unit_error(preds, target, units="upper")  # 8 units * 0.25
        tensor(2., dtype=torch.float64)
    """
    check_option("units", units, _GROUPS)
    check_option("reduction", reduction, ("sum", "mean"))
    errors = squared_errors(preds, target)[:, list(_GROUPS[units])]
    errors = torch.where(errors.isnan().any(dim=1, keepdim=True), torch.nan, errors).nanmean(dim=0)
    return errors.sum() if reduction == "sum" else errors.mean()


def squared_errors(preds: Tensor, target: Tensor) -> Tensor:
    """Compute the squared difference of every action unit in every frame.

    ``e[t, u] = (preds[t, u] - target[t, u])^2``.

    Args:
        preds: ``(T, 17)``, intensities 0..5 in the order of `ACTION_UNITS`, NaN where a frame has no value.
        target: the same shape.

    Returns:
        ``(T, 17)`` float64 (float32 on MPS), in squared intensity units; NaN where either side is NaN.

    Raises:
        InputError: there are not 17 columns, or an intensity lies outside 0..5.
        MismatchError: the numbers of rows differ.

    Example:
        >>> squared_errors(torch.full((1, 17), 2.0), torch.full((1, 17), 0.5))[0, :3]
        tensor([2.2500, 2.2500, 2.2500], dtype=torch.float64)
    """
    check_rows(preds, target, ("T", len(ACTION_UNITS)), f"intensities of AU {' '.join(ACTION_UNITS)}")
    wide = widest_float(preds.device)
    preds, target = preds.to(wide), target.to(wide)
    _check_intensities("preds", preds)
    _check_intensities("target", target)
    return (preds - target).square()


def _check_intensities(name: str, rows: Tensor) -> None:
    """Raise an error if an intensity that is not NaN leaves 0..5 by more than rounding."""
    outside = (rows < _LOWEST - _ROUNDING) | (rows > _HIGHEST + _ROUNDING)
    if not outside.any():
        return
    row, unit = outside.nonzero()[0].tolist()
    value = rows[row, unit].item()
    got = f"an intensity of {value:g}"
    if math.isinf(value):
        got, remedy = "infinite intensities", "mark a frame without a face by NaN"
    elif value < 0:
        remedy = (
            "mark a frame without a face by NaN; OpenFace writes negative values until its last pass, so that the "
            "table of a run that was stopped holds them: run it again"
        )
    else:
        remedy = "divide them if they are scaled, such as by 100"
    raise InputError(f"`{name}` holds {got}, the first in row {row} for AU{ACTION_UNITS[unit]}, need 0..5; {remedy}")
