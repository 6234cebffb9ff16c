"""Checks of shapes, options and values, and the conversion to float64."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.imaging.checks import check_numbers, widest_float

_LARGEST = torch.finfo(torch.float32).max
"""The largest feature; squares and products of squares stay finite in float64."""

Axis = int | str | tuple[int, ...]
"""What an axis may measure: one size, any size (a letter, for the message), or one of several sizes."""


def check_shape(name: str, values: Tensor, shape: tuple[Axis, ...], what: str) -> None:
    """Raise an error unless a tensor has the given shape.

    Args:
        name: name of the argument, for the message.
        values: the tensor.
        shape: what each axis may measure, e.g. ``("N", 68, 2)`` or ``("N", (5, 68), 2)``.
        what: contents of the tensor in words, for the message.

    Raises:
        InputError: the tensor has another shape, or is none that `imaging.checks.check_numbers` accepts.

    Example:
        >>> check_shape("landmarks", torch.zeros(3, 68, 2), ("N", (5, 68), 2), "face landmarks")
    """
    check_numbers(name, values)
    if values.ndim != len(shape) or not all(map(_fits, values.shape, shape)):
        axes = ", ".join(" or ".join(map(str, axis)) if isinstance(axis, tuple) else str(axis) for axis in shape)
        raise InputError(f"`{name}` must be {what} of shape ({axes}), got {tuple(values.shape)}")


def check_rows(preds: Tensor, target: Tensor, shape: tuple[Axis, ...], what: str) -> None:
    """Raise an error unless both sides have rows of the given shape, and equally many.

    Args:
        preds: one row per generated frame.
        target: one row per real frame.
        shape: the shape of each side, as `check_shape` reads it; the first axis counts the rows.
        what: contents of the rows in words, for the message.

    Raises:
        InputError: a side has another shape.
        MismatchError: the sides differ in the number of rows, or in an axis of any size.

    Example:
        >>> check_rows(torch.zeros(9, 512), torch.ones(9, 512), ("T", "D"), "embeddings")
    """
    check_shape("preds", preds, shape, what)
    check_shape("target", target, shape, what)
    if preds.shape != target.shape:
        remedy = "cut the longer one" if len(preds) != len(target) else "take both from one extractor"
        raise MismatchError(
            f"`preds` and `target` must agree in shape, got {tuple(preds.shape)} and {tuple(target.shape)} of {what}; "
            f"{remedy}"
        )


def check_widths(preds: Tensor, target: Tensor) -> None:
    """Raise an error unless the rows of both sides are equally long; the sides may differ in the number of rows.

    Args:
        preds: ``(T, D)``.
        target: ``(S, D)``.

    Raises:
        MismatchError: the rows differ in length.

    Example:
        >>> check_widths(torch.zeros(9, 512), torch.ones(7, 512))
    """
    if preds.shape[1] != target.shape[1]:
        raise MismatchError(
            f"the rows of `preds` and `target` must agree in length, got {preds.shape[1]} and {target.shape[1]}; take "
            "both from one extractor"
        )


def check_option(name: str, value: str, options: Collection[str]) -> None:
    """Raise an error unless an option has one of its values.

    Args:
        name: name of the option, for the message.
        value: its value.
        options: the values that exist.

    Raises:
        InputError: there is no such value.

    Example:
        >>> check_option("reduction", "sum", ("sum", "mean"))
    """
    if value not in options:
        raise InputError(f"`{name}` must be one of {', '.join(map(repr, options))}, got {value!r}")


def finite_or_nan(values: Tensor) -> Tensor:
    """Return features in float64, with NaN for each number that is infinite or too large for float32.

    Squares and sums of numbers beyond that overflow float64. NaN marks a frame without a value in every formula.

    Args:
        values: features of any real dtype.

    Returns:
        The same shape; float64 (float32 on MPS).

    Example:
        >>> finite_or_nan(torch.tensor([1.0, torch.inf, 1e200], dtype=torch.float64))
        tensor([1., nan, nan], dtype=torch.float64)
    """
    wide = values.to(widest_float(values.device))
    return torch.where(wide.abs() <= _LARGEST, wide, torch.nan)


def to_float64(values: Tensor) -> Tensor:
    """Convert a tensor to float64, on its device, or on the CPU from MPS, which has no float64.

    Args:
        values: numbers of any dtype.

    Returns:
        The same numbers in float64; the tensor itself if nothing changes.
    """
    return (values.cpu() if values.device.type == "mps" else values).to(torch.float64)


def _fits(size: int, axis: Axis) -> bool:
    return isinstance(axis, str) or size in (axis if isinstance(axis, tuple) else (axis,))
