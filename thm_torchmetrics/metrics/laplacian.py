"""Compute the sharpness of every frame by the variance of its Laplacian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.frame_mean import FrameMean
from thm_torchmetrics.functional.laplacian import laplacian_variance


class LaplacianVariance(FrameMean, key="vl"):
    r"""Compute the variance of the Laplacian (VL), higher is sharper, at least 0.

    .. math:: \text{VL} = \operatorname{var}(\nabla^2 g), \quad
        \nabla^2 g = g_\uparrow + g_\downarrow + g_\leftarrow + g_\rightarrow - 4 g

    of the 8-bit grey frame g, in squared grey levels, then averaged over frames.

    Protocol ``video-evaluation-toolkit``: ``cv2.Laplacian(grey, cv2.CV_64F).var()`` with OpenCV's defaults
    (harlanhong/video-evaluation-toolkit@7eb909f core/video_metrics_calculator.py). KeySync (2025) reports a row of this
    name and publishes no code for it. Noise and JPEG blocks raise the value, and it depends on the frame's size:
    compare videos of one size and codec only, and report the real videos beside them. The metric reads ``preds`` alone.

    Args:
        average: ``"frame"`` (default) or ``"clip"``.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LaplacianVariance
        >>> frames = torch.zeros(1, 3, 3, 3, dtype=torch.uint8)
        >>> frames[..., 1, 1] = 9
        >>> LaplacianVariance()(frames)
        tensor(272., dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {"video-evaluation-toolkit": laplacian_variance}

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the variance of every generated frame."""
        variance: Tensor = self.procedures[self.protocol](preds.rows)
        return variance
