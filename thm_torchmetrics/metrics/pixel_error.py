"""Compute L1 and MSE, the difference of pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.functional.pixel_error import mean_absolute_error_per_frame, mean_squared_error_per_frame
from thm_torchmetrics.regions.region_runs import RegionFrameMean


class _PixelError(RegionFrameMean):
    """Average the error of every frame by the formula of the protocol."""

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the error of every frame."""
        error: Tensor = self.procedures[self.protocol](preds.rows, target.rows)
        return error


class PixelAbsoluteError(_PixelError, key="l1"):
    r"""Compute the mean absolute error of pixels (L1), lower is better, in ``[0, 1]``.

    .. math:: \text{L1} = \frac{1}{T} \sum_t \frac{1}{3 H W} \sum_i |\hat x_{t,i} - x_{t,i}|

    over channels and pixels, RGB in [0, 1].

    Protocol ``fomm``: the mean over all frames of all clips, as ``reconstruction.py`` of the First Order Motion Model
    computes it (AliaksandrSiarohin/first-order-model@c027484). That script scores one video more than its option
    ``num_videos`` says; here every clip given is scored. Papers that print L1 on the scale 0..255 have 255 times the
    value.

    Args:
        region, landmarks, weights: as in `PeakSignalNoiseRatio`.
        average: ``"frame"`` (default) or ``"clip"``.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import PixelAbsoluteError
        >>> target = torch.full((4, 3, 32, 32), 100, dtype=torch.uint8)
        >>> round(PixelAbsoluteError()(target + 51, target).item(), 6)
        0.2
    """

    procedures: ClassVar[Mapping[str, Any]] = {"fomm": mean_absolute_error_per_frame}


class PixelSquaredError(_PixelError, key="mse"):
    r"""Compute the mean squared error of pixels (MSE), lower is better, in ``[0, 1]``.

    .. math:: \text{MSE} = \frac{1}{T} \sum_t \frac{1}{3 H W} \sum_i (\hat x_{t,i} - x_{t,i})^2

    over channels and pixels, RGB in [0, 1].

    Protocol ``fomm``: the frames, the scale and the mean of the First Order Motion Model's L1 (`PixelAbsoluteError`),
    squared; its script itself reports L1 alone. Papers that print MSE on the scale 0..255 have 65025 times the value.

    Args:
        region, landmarks, weights: as in `PeakSignalNoiseRatio`.
        average: ``"frame"`` (default) or ``"clip"``.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import PixelSquaredError
        >>> target = torch.full((4, 3, 32, 32), 100, dtype=torch.uint8)
        >>> round(PixelSquaredError()(target + 51, target).item(), 6)
        0.04
    """

    procedures: ClassVar[Mapping[str, Any]] = {"fomm": mean_squared_error_per_frame}
