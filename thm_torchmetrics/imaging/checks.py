"""Input checks for frames, slicing of large batches, and the precision of results."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError

_CACHED_PIXELS = 1 << 17
"""Pixels per slab on a CPU: about two 256x256 frames, whose temporaries stay in the cache."""

_LAUNCHED_PIXELS = 1 << 22
"""Pixels per slab on an accelerator: enough to fill it, few enough to need well under a gigabyte."""

_OVERSHOOT = 1e-4
"""Distance from 0..1 that counts as rounding."""

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def check_numbers(name: str, values: Tensor) -> None:
    """Raise an error unless a tensor holds real numbers that can be read one by one.

    Args:
        name: name of the argument, for the message.
        values: the tensor.

    Raises:
        InputError: it is no tensor; or it is complex, sparse, nested, quantized, or on the meta device.

    Example:
        >>> check_numbers("preds", torch.zeros(3, 512))
    """
    if not isinstance(values, Tensor):
        remedy = "; pass torch.from_numpy(array)" if type(values).__module__ == "numpy" else ""
        raise InputError(f"`{name}` must be a tensor, got {type(values).__name__}{remedy}")
    if values.is_complex():
        raise InputError(f"`{name}` must hold real numbers, got {values.dtype}; pass x.real or x.abs()")
    if values.is_quantized:
        raise InputError(f"`{name}` must not be quantized, got {values.dtype}; pass x.dequantize()")
    if values.is_nested:
        raise InputError(f"`{name}` must not be a nested tensor; pass a list of tensors")
    if values.layout != torch.strided:
        raise InputError(f"`{name}` must be dense, got {values.layout}; pass x.to_dense()")
    if values.is_meta:
        raise InputError(f"`{name}` is on the meta device and holds no values; pass a tensor with data")


def check_frames(name: str, frames: Tensor) -> None:
    """Raise an error unless a tensor has the shape and dtype of RGB frames.

    The values are not read; `check_range` does that.

    Args:
        name: name of the argument, for the message.
        frames: ``(N, 3, H, W)``, uint8 or floating point.

    Raises:
        InputError: the tensor has another shape or dtype; see `check_numbers`, too.
    """
    check_numbers(name, frames)
    if frames.ndim != 4 or frames.shape[1] != 3:
        raise InputError(f"`{name}` must be RGB frames of shape (N, 3, H, W), got {tuple(frames.shape)}")
    check_pixel_dtype(name, frames)


def check_pixel_dtype(name: str, frames: Tensor) -> None:
    """Raise an error unless a tensor has a dtype of pixels.

    Args:
        name: name of the argument, for the message.
        frames: pixels of any shape.

    Raises:
        InputError: the dtype is neither uint8 nor float16, bfloat16, float32 or float64.
    """
    if frames.dtype != torch.uint8 and frames.dtype not in _FLOATS:
        remedy = "convert it to uint8"
        if frames.dtype == torch.bool:
            remedy = "pass 255 * x.to(torch.uint8)"
        elif frames.is_floating_point():
            remedy = "convert it to float32"
        raise InputError(f"`{name}` must be uint8 0..255 or floating point 0..1, got {frames.dtype}; {remedy}")


def check_bytes(name: str, frames: Tensor) -> None:
    """Raise an error unless a tensor holds 8-bit RGB frames.

    Args:
        name: name of the argument, for the message.
        frames: ``(N, 3, H, W)``, uint8.

    Raises:
        InputError: the tensor has another shape or dtype.
    """
    check_frames(name, frames)
    if frames.dtype != torch.uint8:
        raise InputError(f"`{name}` must be uint8, got {frames.dtype}; convert with (255 * x).round().to(torch.uint8)")


def check_pair(preds: Tensor, target: Tensor) -> None:
    """Raise an error unless both sides are RGB frames of one shape.

    Args:
        preds: ``(N, 3, H, W)``, uint8 or floating point.
        target: the same shape; the dtype may differ.

    Raises:
        InputError: a side is not a batch of RGB frames; see `check_frames`.
        MismatchError: the shapes differ.
    """
    check_frames("preds", preds)
    check_frames("target", target)
    if preds.shape != target.shape:
        raise MismatchError(
            f"`preds` {tuple(preds.shape)} and `target` {tuple(target.shape)} must agree in frames and size; "
            "cut the longer one or resize"
        )


def check_range(name: str, values: Tensor) -> bool:
    """Raise an error if floating point pixels leave 0..1 by more than 1e-4.

    Call it per slab, just before the slab is used and while its data is in the cache.

    Args:
        name: name of the argument, for the message.
        values: pixels of any shape; integers pass.

    Returns:
        Whether all values lie in 0..1 exactly. Resizing and arithmetic in float32 may overshoot a little.

    Raises:
        InputError: a float value is NaN or lies outside 0..1.
    """
    if not values.is_floating_point() or values.numel() == 0:
        return True
    low, high = (value.item() for value in torch.aminmax(values.detach()))
    if not (low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT):
        raise InputError(
            f"`{name}` has dtype {values.dtype}, so its values must lie in 0..1, got {low:.7g}..{high:.7g}; "
            f"{_remedy(low, high)}"
        )
    return low >= 0 and high <= 1


def in_range(name: str, values: Tensor) -> Tensor:
    """Return floating point pixels clamped to 0..1; integers are returned as they are.

    Args:
        name: name of the argument, for the message.
        values: pixels of any shape.

    Raises:
        InputError: a float value is NaN or lies outside 0..1 by more than 1e-4.
    """
    return values if check_range(name, values) else values.clamp(0, 1)


def _remedy(low: float, high: float) -> str:
    """Return the likely cause of a range that no pixels have, and what to do."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "NaN and infinity are no pixels: find out what made them"
    if low < -1.25 or (low < -0.5 and high > 1.25):
        return "they look normalised by a mean and a deviation: undo that, x * std + mean"
    if low < -0.5:
        return "they look like -1..1: map them with (x + 1) / 2"
    if high > 256:
        return f"they look like {10 if high < 1024 else 12 if high < 4096 else 16} bits: divide by the value of white"
    if high > 2:
        return "they look like 0..255: divide by 255, or pass uint8"
    return "clamp them to 0..1, or if they are -1..1, map them with (x + 1) / 2"


def slabs(count: int, pixels: int, device: torch.device) -> Iterator[slice]:
    """Yield slices of a batch whose temporaries suit the device.

    Args:
        count: number of items in the batch.
        pixels: pixels per item.
        device: where the batch lies.

    Returns:
        Slices that cover ``range(count)`` in order, each of one item at least.

    Example:
        >>> [(some.start, some.stop) for some in slabs(5, 1 << 16, torch.device("cpu"))]
        [(0, 2), (2, 4), (4, 5)]
    """
    budget = _CACHED_PIXELS if device.type == "cpu" else _LAUNCHED_PIXELS
    step = max(1, budget // max(1, pixels))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def widest_float(device: torch.device) -> torch.dtype:
    """Return the widest floating point dtype of a device.

    Args:
        device: where the result is to lie.

    Returns:
        float64, or float32 on MPS.
    """
    return torch.float32 if device.type == "mps" else torch.float64
