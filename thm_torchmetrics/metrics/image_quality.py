"""Compute PSNR, SSIM and CPBD, the image quality of every frame."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.frame_mean import FrameMean
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.image_quality import peak_signal_noise_ratio, structural_similarity
from thm_torchmetrics.functional.pixel_error import mean_squared_error_per_frame
from thm_torchmetrics.functional.sharpness import blur_detection_probability
from thm_torchmetrics.imaging.resize import resize
from thm_torchmetrics.regions.eat import EatCrops
from thm_torchmetrics.regions.eat_runs import EatFrameMean
from thm_torchmetrics.regions.region_runs import RegionFrameMean
from thm_torchmetrics.weights import CustomFiles

_TALKLIP_SIZE = 96, 96


class PeakSignalNoiseRatio(EatFrameMean, RegionFrameMean, key="psnr"):
    r"""Compute the peak signal-to-noise ratio (PSNR) in dB, higher is better, at least 0.

    .. math:: \text{PSNR} = 10 \log_{10} \frac{1}{\text{MSE}}

    with the mean squared error over pixels and channels, RGB in [0, 1].

    Protocols:

    - ``piq`` (default): mean over frames of the PSNR of each frame, with 1e-8 added to its MSE (identical frames give
      80 dB), as ``piq.psnr`` does and, through it, the ViCo baseline and the TalkingHeadMetrics project.
    - ``mean-of-frames``: the same without the 1e-8, as the meters of ER-NeRF, TalkingGaussian and InsTaG have it; one
      pair of identical frames makes the mean inf.
    - ``global-mse``: one MSE over all pixels of all frames, as torchmetrics' ``PeakSignalNoiseRatio`` with
      ``data_range=1.0``; identical videos give inf. The value is never larger than the mean over frames.
    - ``eat``: ``mean-of-frames`` on EAT's aligned crops of 128x128 pixels, as `LandmarkDistance` describes them for
      ``eat-m``.

    Args:
        protocol: see above.
        average: ``"frame"`` (default of all protocols) or ``"clip"``; ``global-mse`` has the first only.
        region: ``"face"``, ``"mouth"``, ``"upper"``, ``"x,y,w,h"``, or boxes or masks in files (see
            docs/image_quality.md); the target's box cuts both sides; default: the whole frame.
        landmarks: the extractor of the face's points: ``"fan"`` (default), ``"dlib"``, or a module.
        weights: your own checkpoints of the landmarks, or file of dlib's predictor for ``eat``, which takes no region.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``average="clip"`` is combined with ``global-mse``.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import PeakSignalNoiseRatio
        >>> target = torch.full((4, 3, 32, 32), 100, dtype=torch.uint8)
        >>> round(PeakSignalNoiseRatio()(target + 10, target).item(), 4)
        28.1308
    """

    procedures: ClassVar[Mapping[str, Any]] = {
        "piq": partial(peak_signal_noise_ratio, protocol="piq"),
        "mean-of-frames": partial(peak_signal_noise_ratio, protocol="mean-of-frames"),
        "global-mse": mean_squared_error_per_frame,
        "eat": partial(peak_signal_noise_ratio, protocol="mean-of-frames"),
    }
    """What is averaged: the PSNR of frames, or their errors."""

    def __init__(self, *, weights: CustomFiles = None, **kwargs: Any) -> None:
        super().__init__(weights=weights, **kwargs)
        if self.protocol == "eat":
            self.extractor = self.crops = EatCrops.make(weights)
        if self._pools_errors and self.average == "clip":
            raise InputError('protocol "global-mse" pools all pixels of all frames; it has no average="clip"')

    @property
    def _pools_errors(self) -> bool:
        return bool(self.procedures[self.protocol] is mean_squared_error_per_frame)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the PSNR of every frame, or with ``global-mse`` its mean squared error."""
        values: Tensor = self.procedures[self.protocol](preds.rows, target.rows)
        return values

    def weight(self, preds: Chunk) -> float:
        """Return 1, or with ``global-mse`` the number of values of a frame."""
        return float(preds.rows[0].numel()) if self._pools_errors else 1.0

    def from_mean(self, mean: Tensor) -> Tensor:
        """Return the mean, or with ``global-mse`` the PSNR of the mean error."""
        return -10 * torch.log10(mean) if self._pools_errors else mean


class StructuralSimilarity(EatFrameMean, RegionFrameMean, key="ssim"):
    r"""Compute the structural similarity (SSIM), higher is better, in ``[-1, 1]``.

    .. math::
        \text{SSIM} = \frac{(2 \mu_x \mu_y + c_1)(2 \sigma_{xy} + c_2)}
                           {(\mu_x^2 + \mu_y^2 + c_1)(\sigma_x^2 + \sigma_y^2 + c_2)}

    with :math:`c_1 = 0.01^2, c_2 = 0.03^2`, averaged over positions, RGB channels and frames.

    Protocols, whose values differ by up to 0.05 on the same frames:

    - ``piq`` (default): Gaussian window of 11 pixels, sigma 1.5, valid positions only; frames of 384 pixels or more
      are first average-pooled by ``round(min(H, W) / 256)``. As ``piq.ssim``, the ViCo baseline, TalkingHeadMetrics.
    - ``torchmetrics``: the same window on reflect-padded frames, no pooling, as torchmetrics'
      ``StructuralSimilarityIndexMeasure(data_range=1.0)``.
    - ``skimage``: uniform window of 7 pixels, sample covariance, as ``skimage.metrics.structural_similarity`` with
      ``channel_axis=-1`` and ``data_range`` set.
    - ``talklip``: Gaussian window of sigma 1.5 inside the frame, on crops of 96x96 pixels, as TalkLip's
      ``evaluation/visual_quality.py`` (CVPR 2023; Sxjdwang/TalkLip@7ed53ee) computes it by scikit-image and OpenCV. It
      crops by boxes of faces that it has stored: give these by ``region=FOLDER``; the protocol sets
      ``region="face"``. Its PSNR is not offered: it subtracts 8-bit pixels without a cast, so that differences wrap
      around.
    - ``eat``: ``skimage`` on EAT's aligned crops of 128x128 pixels, as `LandmarkDistance` describes them for ``eat-m``.

    Args:
        protocol: see above.
        average: ``"frame"`` (default of all protocols) or ``"clip"``.
        region, landmarks, weights: as in `PeakSignalNoiseRatio`.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: on ``update``, if frames are smaller than the window.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import StructuralSimilarity
        >>> frames = torch.arange(4 * 3 * 32 * 32).reshape(4, 3, 32, 32).remainder(251).to(torch.uint8)
        >>> StructuralSimilarity()(frames, frames)
        tensor(1., dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {
        "piq": partial(structural_similarity, protocol="piq"),
        "torchmetrics": partial(structural_similarity, protocol="torchmetrics"),
        "skimage": partial(structural_similarity, protocol="skimage"),
        "talklip": partial(structural_similarity, protocol="skimage-gaussian"),
        "eat": partial(structural_similarity, protocol="skimage"),
    }

    def __init__(self, *, weights: CustomFiles = None, **kwargs: Any) -> None:
        super().__init__(weights=weights, **kwargs)
        if self.protocol == "eat":
            self.extractor = self.crops = EatCrops.make(weights)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the SSIM of every frame."""
        if self.protocol == "talklip":
            preds, target = (Chunk(resize(side.as_uint8(), _TALKLIP_SIZE)) for side in (preds, target))
        similarity: Tensor = self.procedures[self.protocol](preds.rows, target.rows)
        return similarity


class BlurDetectionProbability(FrameMean, key="cpbd"):
    r"""Compute the cumulative probability of blur detection (CPBD), higher is better, 0 to 1.

    CPBD measures sharpness without a reference. It is the share of edge pixels whose edge is so narrow that blur goes
    unseen. With :math:`w` the width of an edge and :math:`w_\text{JNB}` the just noticeable width (5 pixels at low
    contrast, else 3),

    .. math:: P_\text{blur} = 1 - \exp(-(w / w_\text{JNB})^{3.6}), \quad \text{CPBD} = P(P_\text{blur} \le 0.63)

    Protocol ``python-cpbd``: the package of that name (N. D. Narvekar and L. J. Karam, IEEE TIP 2011, in Python) on the
    8-bit grey frame that OpenCV makes of RGB, as the ViCo baseline and TalkingHeadMetrics use it. A frame without any
    edge, or smaller than 64x64, scores 0, as there.

    The value depends on resolution and compression (doubling the size halves it, JPEG blocks raise it). Compare videos
    of one size and codec only, and report the ground truth beside it. The metric reads ``preds`` alone.

    Args:
        average: ``"frame"`` (default) or ``"clip"``.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import BlurDetectionProbability
        >>> sharp = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
        >>> sharp[..., :31], sharp[..., 31] = 200, 100
        >>> BlurDetectionProbability()(sharp)
        tensor(1., dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {"python-cpbd": blur_detection_probability}

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the CPBD of every generated frame."""
        sharpness: Tensor = self.procedures[self.protocol](preds.rows)
        return sharpness
