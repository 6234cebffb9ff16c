"""Compute FID, the Fréchet inception distance."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics.utilities import rank_zero_warn

from thm_torchmetrics.core.frechet_distance import FrechetDistance
from thm_torchmetrics.extractors import make_extractor
from thm_torchmetrics.extractors.inception import NUM_FEATURES
from thm_torchmetrics.weights import CustomFiles


class FrechetInceptionDistance(FrechetDistance, key="fid"):
    r"""Compute the Fréchet inception distance (FID), lower is better, at least 0.

    .. math:: \text{FID} = \|\mu_1 - \mu_2\|^2 + \operatorname{tr}(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2})

    with mean and unbiased covariance, over all generated and over all real frames, of the 2048 pool3 features of the
    Inception network ported from TensorFlow (M. Heusel et al., 2017). The numbers of frames of the two sides may
    differ.

    Protocols:

    - ``pytorch-fid`` (default): frames resized bilinearly to 299x299 without antialiasing, as github.com/mseitzer/
      pytorch-fid, piq and, through it, the ViCo baseline and TalkingHeadMetrics do.
    - ``torch-fidelity``: TensorFlow 1's resize of 8-bit frames, as github.com/toshas/torch-fidelity does.

    FID of few frames is biased upwards; below 2049 frames a side the covariance is singular, and ``compute`` warns.
    piq's own distance stops its iteration early and differs by up to 40 percent at such counts; this one is exact.

    With ``extractor=None`` the input is features, ``(T, num_features)``.

    Args:
        protocol: see above.
        extractor: ``"inception"``; a module that maps ``(N, 3, H, W)``, float32 in 0..1, to ``(N, num_features)``; or
            None.
        num_features: length of a feature.
        weights: your own checkpoint.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: on ``update``, if features have another length.

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
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, num_features=num_features, **kwargs)
        self.extractor = make_extractor("inception", extractor, weights, protocol=self.protocol)

    def compute(self) -> Tensor:
        """Return the distance, with a warning below ``num_features + 1`` frames a side.

        It is NaN below two frames a side.
        """
        value = super().compute()
        counts = self.counts(self.named(self.sums))
        if not torch.isnan(value) and min(counts) <= self.num_features:
            rank_zero_warn(
                f"FID of {counts[0]} generated and {counts[1]} real frames: below {self.num_features + 1} a side the "
                "estimate is biased upwards; compare only sets of equal size",
                stacklevel=3,
            )
        return value
