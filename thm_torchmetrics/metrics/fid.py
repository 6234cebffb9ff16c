"""Compute FID, the Fréchet inception distance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn

from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.frechet_distance import FrechetDistance
from thm_torchmetrics.core.sums import Sums
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import make_extractor
from thm_torchmetrics.extractors.inception import NUM_FEATURES
from thm_torchmetrics.functional.frechet import frechet_distance, frechet_distance_newton_schulz
from thm_torchmetrics.regions.eat import EatCrops
from thm_torchmetrics.regions.eat_runs import EatFrechetRun
from thm_torchmetrics.regions.region import make_region
from thm_torchmetrics.regions.region_runs import RegionFrechetRun
from thm_torchmetrics.weights import CustomFiles


class FrechetInceptionDistance(FrechetDistance, key="fid"):
    r"""Compute the Fréchet inception distance (FID), lower is better, at least 0.

    .. math:: \text{FID} = \|\mu_1 - \mu_2\|^2 + \operatorname{tr}(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2})

    with mean and unbiased covariance, over all generated and over all real frames, of the 2048 pool3 features of the
    Inception network ported from TensorFlow (M. Heusel et al., 2017). The numbers of frames of the two sides may
    differ.

    Protocols:

    - ``pytorch-fid`` (default): frames resized bilinearly to 299x299 without antialiasing, as github.com/mseitzer/
      pytorch-fid does.
    - ``torch-fidelity``: TensorFlow 1's resize of 8-bit frames, as github.com/toshas/torch-fidelity does.
    - ``clean-fid``: frames resized as Pillow resizes floating point, bicubically with antialiasing, and the scaling of
      ``torch-fidelity``, as github.com/GaParmar/clean-fid does (G. Parmar et al., CVPR 2022). It loads the network from
      another file, of the same weights.
    - ``piq``: the features of ``pytorch-fid``, and the root by an iteration that stops early where the covariance is
      singular (`functional.frechet_distance_newton_schulz`). It serves comparison with the ViCo baseline and
      TalkingHeadMetrics only: of few frames it is up to 40 percent larger than the distance that it stands for.
    - ``eat``: features of torchvision's Inception, trained on ImageNet, of five of EAT's aligned crops of each clip
      (`LandmarkDistance` describes them for ``eat-m``), spread over the clip. The protocol sets
      ``extractor="inception-imagenet"``. Its values are not those of the other protocols' network.

    FID of few frames is biased upwards; below 2049 frames a side the covariance is singular, and ``compute`` warns.

    With ``extractor=None`` the input is features, ``(T, num_features)``.

    Args:
        protocol: see above.
        extractor: ``"inception"``; ``"inception-imagenet"``; a module that maps ``(N, 3, H, W)``, float32 in 0..1, to
            ``(N, num_features)``; or None.
        num_features: length of a feature.
        region, landmarks: as in `PeakSignalNoiseRatio`, but each frame is cropped by its own box.
        weights: your own checkpoint, or several by name.
        kwargs: the options of `SetDistance`, such as ``reset_target`` and ``target``, and of `TalkingHeadMetric`.

    Raises:
        InputError: if ``region`` is combined with given features or with ``eat``; on ``update``, if features have
            another length.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import FrechetInceptionDistance
        >>> metric = FrechetInceptionDistance(extractor=None, num_features=2)
        >>> target = torch.tensor([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]])
        >>> round(metric(target + 3, target).item(), 6)  # equal covariances, means 3 apart in both dimensions
        18.0
    """

    feature_shape = (None,)
    few = "the estimate is biased upwards; compare only sets of equal size"
    procedures: ClassVar[Mapping[str, Any]] = {
        "pytorch-fid": ("pytorch-fid", frechet_distance),
        "torch-fidelity": ("torch-fidelity", frechet_distance),
        "clean-fid": ("clean-fid", frechet_distance),
        "piq": ("pytorch-fid", frechet_distance_newton_schulz),
        "eat": ("pytorch-fid", frechet_distance),
    }
    """The resize of frames before the network, and the distance of the sums."""

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module | None = "inception",
        num_features: int = NUM_FEATURES,
        region: str | Path | None = None,
        landmarks: str | nn.Module = "fan",
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, num_features=num_features, **kwargs)
        resize, self._distance = self.procedures[self.protocol]
        self.extractor = make_extractor("inception", extractor, weights, protocol=resize)
        others = None if isinstance(weights, str | Path) else weights
        self.region = region
        self.landmarks = landmarks
        self._region = make_region(region, landmarks, others)
        if self._region is not None and self._region.place is not None:
            self.region_sha256 = self._region.sha256()
        if region is not None and (self.protocol == "eat" or self.extractor is None):
            given = "protocol 'eat' has crops of its own" if self.extractor is not None else "features are given"
            raise InputError(f"{given}; leave out region={region!r}")
        self.crops: EatCrops | None = None
        if self.protocol == "eat" and self.extractor is not None:
            self.crops = EatCrops.make(others)

    @property
    def enough(self) -> int:
        """Return the number of frames a side below which the covariance is singular."""
        return self.num_features + 1

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        if self._region is not None:
            return RegionFrechetRun(self, self._region, preds, target)
        if self.crops is None:
            return super().start(preds, target, **inputs)
        return EatFrechetRun(self, self.crops, preds, target)

    @property
    def has_gradient(self) -> bool:
        """Return whether `gradient` knows the distance of the protocol; that of piq is another one."""
        return self._distance is frechet_distance

    def value(self, sums: Sums) -> Tensor:
        """Return the distance; NaN below two frames a side."""
        distance: Tensor = self._distance(*self.sides(sums))
        return distance
