"""What every metric on pixels asks of its frames, and how many of them it works on at a time."""

from collections.abc import Iterator

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError

_CACHED_PIXELS = 1 << 17
"""Pixels per slab on a CPU: about two 256x256 frames, whose temporaries stay in the cache."""

_LAUNCHED_PIXELS = 1 << 22
"""Pixels per slab on an accelerator: enough to fill it, few enough to need well under a gigabyte."""


def check_frames(name: str, frames: Tensor) -> None:
    """Raise unless ``frames`` has the shape and dtype of a batch of RGB frames; see `check_range` for its values.

    Args:
        name: what the caller calls this argument, for the message.
        frames: ``(N, 3, H, W)``, uint8 or floating point.

    Raises:
        InputError: another shape or dtype.
    """
    if frames.ndim != 4 or frames.shape[1] != 3:
        raise InputError(f"{name} must be RGB frames of shape (N, 3, H, W), got {tuple(frames.shape)}")
    if frames.dtype != torch.uint8 and not frames.is_floating_point():
        raise InputError(f"{name} must be uint8 0..255 or floating point 0..1, got {frames.dtype}; convert it to uint8")


def check_pair(preds: Tensor, target: Tensor) -> None:
    """Raise unless both sides have the layout of frames, and the same shape.

    Raises:
        InputError: see `check_frames`.
        MismatchError: their shapes differ.
    """
    check_frames("preds", preds)
    check_frames("target", target)
    if preds.shape != target.shape:
        raise MismatchError(
            f"preds {tuple(preds.shape)} and target {tuple(target.shape)} must agree in frames and size; "
            "cut the longer one or resize"
        )


def check_range(name: str, values: Tensor) -> None:
    """Raise if floating point pixels leave 0..1; a slab at a time, just before it is used, this costs least.

    Raises:
        InputError: a float value is NaN or outside 0..1.
    """
    if not values.is_floating_point() or values.numel() == 0:
        return
    low, high = (value.item() for value in torch.aminmax(values.detach()))
    if not (low >= 0 and high <= 1):
        raise InputError(
            f"{name} has dtype {values.dtype}, so its values must lie in 0..1, got {low:g}..{high:g}; "
            "divide 0..255 by 255, map -1..1 by (x + 1) / 2, or pass uint8"
        )


def slabs(count: int, pixels: int, device: torch.device) -> Iterator[slice]:
    """Slices of ``count`` items of ``pixels`` pixels each, as many at a time as suit the device."""
    budget = _CACHED_PIXELS if device.type == "cpu" else _LAUNCHED_PIXELS
    step = max(1, budget // max(1, pixels))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def widest_float(device: torch.device) -> torch.dtype:
    """The floating point dtype of results: float64, or float32 on MPS, which has no float64."""
    return torch.float32 if device.type == "mps" else torch.float64
