"""Learned picture metrics: LPIPS and FID."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.frame_mean import FrameMean
from thm_torchmetrics.extractors import choose
from thm_torchmetrics.extractors.lpips import CustomDistance, LpipsNetwork
from thm_torchmetrics.extractors.network import CustomFiles
from thm_torchmetrics.nets.lpips import BACKBONES


class LearnedPerceptualSimilarity(FrameMean, key="lpips"):
    r"""Learned perceptual image patch similarity (LPIPS, version 0.1), lower is better, from 0 to about 1.

    .. math:: d(x, y) = \sum_l \operatorname{mean}_{h,w} \sum_c w_{l,c} (\hat f_{l,c,h,w}(x) - \hat f_{l,c,h,w}(y))^2

    of the channel-normalised feature maps of a classifier, per frame, then averaged (R. Zhang et al., CVPR 2018). The
    value depends on the frames' size, which is not changed.

    Protocols are the classifiers: ``alex`` (default; TalkingHeadMetrics, ER-NeRF, TalkingGaussian, InsTaG), ``vgg``,
    ``squeeze``. Channel weights are those of the ``lpips`` package, classifiers torchvision's.

    Equality with the ``lpips`` package was shown with equal seeded classifiers; the published ones could not be
    downloaded where this was written.

    As input to ``forward`` and ``update`` the metric accepts ``preds`` and ``target`` as `TalkingHeadMetric.update`
    describes them. As output it returns a 0-d float64 tensor.

    Args:
        protocol: see above.
        extractor: ``"lpips"``, or a module that maps two batches ``(N, 3, H, W)``, float32 in 0..1, to ``(N,)``.
        weights: your own checkpoint of the classifier.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if an option has no such value.
        WeightsNotFoundError: if the classifier's checkpoint is absent and cannot be downloaded.
    """

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module = "lpips",
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        backbone = BACKBONES[self.protocol].model
        makers = {"lpips": lambda: LpipsNetwork.of(backbone, weights, net=self.protocol)}
        self.extractor = choose(extractor, makers, CustomDistance)
        self._allocate(1, "lpips")

    def _per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        distances: Tensor = self.extractor.distance(self._same_size(preds, target).as_float(), target.as_float())
        return distances
