"""Warn at the line of the caller's code that asked for a value."""

from __future__ import annotations

import sys

from torchmetrics.utilities import rank_zero_warn

_INSIDE = ("thm_torchmetrics", "torchmetrics", "torch", "lightning", "pytorch_lightning")
"""Packages between a caller and the metric; the first frame outside of them is the caller's."""


def warn_caller(text: str) -> None:
    """Warn on the first process, at the caller's line."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _INSIDE:
        level, frame = level + 1, frame.f_back
    rank_zero_warn(text, stacklevel=level + 3)  # this call and two of torchmetrics
