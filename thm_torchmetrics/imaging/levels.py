"""The scale of pixels: 8-bit levels 0..255, floating point 0..1."""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.imaging.checks import check_range


def common_peak(preds: Tensor, target: Tensor) -> float:
    """Return the value of white on the common scale of two sides: 255 where both are uint8, else 1.

    Args:
        preds: pixels of any shape.
        target: likewise.

    Example:
        >>> common_peak(torch.zeros(1, dtype=torch.uint8), torch.zeros(1))
        1.0
    """
    return 255.0 if preds.dtype == target.dtype == torch.uint8 else 1.0


def on_common_scale(preds: Tensor, target: Tensor, peak: float) -> list[Tensor]:
    """Return both sides as contiguous float32 on the scale 0..peak.

    Args:
        preds: pixels of any shape, uint8 or floating point 0..1.
        target: likewise.
        peak: what `common_peak` returns of them.

    Raises:
        InputError: a float value is NaN or lies outside 0..1.
    """
    check_range("preds", preds)
    check_range("target", target)
    return [_as_float32(side, peak).contiguous() for side in (preds, target)]


def _as_float32(frames: Tensor, peak: float) -> Tensor:
    single = frames.to(torch.float32)
    return single / 255 if frames.dtype == torch.uint8 and peak == 1 else single
