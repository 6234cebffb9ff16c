"""Learned picture metrics: LPIPS and FID."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics.utilities import rank_zero_warn

from thm_torchmetrics.clip import Chunk
from thm_torchmetrics.extractors import choose
from thm_torchmetrics.extractors.inception import NUM_FEATURES, Inception
from thm_torchmetrics.extractors.perceptual import OwnDistance, Perceptual
from thm_torchmetrics.extractors.pool import OwnFiles
from thm_torchmetrics.kinds import FrameMean, FrechetDistance
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
        weights: OwnFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        backbone = BACKBONES[self.protocol].model
        makers = {"lpips": lambda: Perceptual.of(backbone, weights, net=self.protocol)}
        self.extractor = choose(extractor, makers, OwnDistance)
        self._allocate(1, "lpips")

    def _per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        distances: Tensor = self.extractor.distance(self._same_size(preds, target).unit(), target.unit())
        return distances


class FrechetInceptionDistance(FrechetDistance, key="fid"):
    r"""Fréchet inception distance (FID) between all generated and all real frames, lower is better, at least 0.

    .. math:: \text{FID} = \|\mu_1 - \mu_2\|^2 + \operatorname{tr}(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2})

    with mean and unbiased covariance of the 2048 pool3 features of the Inception network ported from TensorFlow
    (M. Heusel et al., 2017). The numbers of frames of the two sides may differ.

    Protocols:

    - ``pytorch-fid`` (default): frames resized bilinearly to 299x299 without antialiasing, as github.com/mseitzer/
      pytorch-fid, piq and, through it, the ViCo baseline and TalkingHeadMetrics do.
    - ``torch-fidelity``: TensorFlow 1's resize of 8-bit frames, as github.com/toshas/torch-fidelity does.

    FID of few frames is biased upwards; below 2049 frames a side the covariance is singular, and ``compute`` warns.
    piq's own distance stops its iteration early and differs by up to 40 percent at such counts; this one is exact.

    The features equal the originals' golden outputs with seeded weights; the published checkpoint could not be
    downloaded where this was written.

    As input to ``forward`` and ``update`` the metric accepts ``preds`` and ``target`` as `TalkingHeadMetric.update`
    describes them, or features ``(T, num_features)`` with ``extractor=None``. As output it returns a 0-d float64
    tensor.

    Args:
        protocol: see above.
        extractor: ``"inception"``; a module that maps ``(N, 3, H, W)``, float32 in 0..1, to ``(N, num_features)``; or
            None, for features.
        num_features: length of a feature.
        weights: your own checkpoint.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if an option has no such value, or features have another length.
        WeightsNotFoundError: if the checkpoint is absent and cannot be downloaded.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import FrechetInceptionDistance
        >>> metric = FrechetInceptionDistance(extractor=None, num_features=2)
        >>> target = torch.tensor([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]])
        >>> round(metric(target + 3, target).item(), 6)  # equal covariances, means 3 apart in both dimensions
        18.0
    """

    feature_shape = (None,)

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module | None = "inception",
        num_features: int = NUM_FEATURES,
        weights: OwnFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        makers = {"inception": lambda: Inception.of("inception-fid", weights, protocol=self.protocol)}
        self.extractor = choose(extractor, makers)
        self._allocate(num_features, "fid")

    def compute(self) -> Tensor:
        """The distance; warns below ``num_features + 1`` frames a side. NaN below two."""
        value = super().compute()
        counts = self._counts(self.sums)
        if not torch.isnan(value) and min(counts) <= self.num_features:
            rank_zero_warn(
                f"FID of {counts[0]} generated and {counts[1]} real frames: below {self.num_features + 1} a side the "
                "estimate is biased upwards; compare only sets of equal size",
                stacklevel=3,
            )
        return value
