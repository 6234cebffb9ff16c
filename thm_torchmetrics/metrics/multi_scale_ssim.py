"""Compute MS-SSIM, the structural similarity at several scales."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.functional.multi_scale_ssim import multi_scale_structural_similarity
from thm_torchmetrics.regions.region_runs import RegionFrameMean


class MultiScaleStructuralSimilarity(RegionFrameMean, key="ms-ssim"):
    r"""Compute the multi-scale structural similarity (MS-SSIM), higher is better, in ``[0, 1]``.

    .. math:: \text{MS-SSIM} = \text{SSIM}_5^{w_5} \prod_{j=1}^{4} \text{CS}_j^{w_j}, \quad
        \text{CS} = \frac{2 \sigma_{xy} + c_2}{\sigma_x^2 + \sigma_y^2 + c_2}

    at five scales, each of half the size of the one before, w = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333), averaged over
    RGB channels and frames (Z. Wang et al., Asilomar 2003). Means below 0 count as 0. The window is a Gaussian of 11
    pixels and sigma 1.5 inside the frame.

    Protocol ``pytorch-msssim``: ``ms_ssim`` of the package of that name (github.com/VainF/pytorch-msssim, 1.0.0), with
    its defaults. SyncTalk (CVPR 2024) reports a row of this name; its repository holds no code for it.

    Args:
        region, landmarks, weights: as in `PeakSignalNoiseRatio`.
        average: ``"frame"`` (default) or ``"clip"``.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: on ``update``, if frames are below 161 pixels, which the fifth scale needs.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import MultiScaleStructuralSimilarity
        >>> frames = torch.arange(3 * 176 * 176).remainder(251).to(torch.uint8).reshape(1, 3, 176, 176)
        >>> round(MultiScaleStructuralSimilarity()(frames, frames).item(), 6)
        1.0
    """

    procedures: ClassVar[Mapping[str, Any]] = {
        "pytorch-msssim": partial(multi_scale_structural_similarity, protocol="pytorch-msssim")
    }

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the MS-SSIM of every frame."""
        similarity: Tensor = self.procedures[self.protocol](preds.rows, target.rows)
        return similarity
