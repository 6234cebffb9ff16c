"""Compute LPIPS, the learned perceptual similarity of frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import make_extractor
from thm_torchmetrics.functional.checks import finite_or_nan
from thm_torchmetrics.regions.region_runs import RegionFrameMean
from thm_torchmetrics.weights import CustomFiles


class LearnedPerceptualSimilarity(RegionFrameMean, key="lpips"):
    r"""Compute the learned perceptual image patch similarity (LPIPS), lower is better.

    .. math:: d(x, y) = \sum_l \operatorname{mean}_{h,w} \sum_c w_{l,c} (\hat f_{l,c,h,w}(x) - \hat f_{l,c,h,w}(y))^2

    of the channel-normalised feature maps of a classifier, per frame, then averaged (R. Zhang et al., CVPR 2018;
    version 0.1). Values range from 0 to about 1 and depend on the frames' size, which is not changed.

    Protocols are the classifiers: ``alex`` (default; TalkingHeadMetrics, ER-NeRF, TalkingGaussian, InsTaG), ``vgg``,
    ``squeeze``. Channel weights are those of the ``lpips`` package, classifiers torchvision's.

    Args:
        protocol: see above.
        extractor: ``"lpips"``, or a module that maps two batches ``(N, 3, H, W)``, float32 in 0..1, to ``(N,)``.
        region, landmarks: as in `PeakSignalNoiseRatio`.
        weights: your own checkpoint of the classifier, or several by name.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``extractor`` is None, as LPIPS takes frames only; on ``update``, if frames are too small for the
            classifier: below 31 pixels for ``alex``, 16 for ``vgg``, 17 for ``squeeze``.
    """

    pixelwise = True
    procedures: ClassVar[Mapping[str, Any]] = {"alex": "alex", "vgg": "vgg", "squeeze": "squeeze"}
    """The classifier of each protocol."""

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module = "lpips",
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, weights=None if isinstance(weights, str | Path) else weights, **kwargs)
        if extractor is None:
            raise InputError("LPIPS compares feature maps of frames and takes no given features; pass frames")
        self.extractor = make_extractor("lpips", extractor, weights, net=self.procedures[self.protocol])

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the distance of every frame."""
        return finite_or_nan(self.extractor.distance(preds.as_float(), target.as_float()))

    def where_missing(self) -> str:
        """Return nothing, as a distance belongs to both sides; with a region, the side that decides on it."""
        return "" if self.region is None else super().where_missing()
