"""Compute LMD, AKD and MKR from facial landmarks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.frame_mean import FrameMean
from thm_torchmetrics.core.metric import one_of
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.dlib import DlibLandmarks
from thm_torchmetrics.functional.landmarks import (
    POINTS as GROUPS,
    PROTOCOLS,
    Reduction,
    average_keypoint_distance,
    landmark_distance,
    missing_keypoints,
)
from thm_torchmetrics.metrics.landmark_metric import LandmarkMetric
from thm_torchmetrics.regions.eat import EatCrops
from thm_torchmetrics.regions.eat_runs import EatFrameMean

Points: TypeAlias = Literal["face", "jaw", "brows", "nose", "eyes", "mouth", "outer-lip", "inner-lip"]
Norm: TypeAlias = Literal["none", "image", "inter-ocular", "face-box"]


_ON_EAT_CROPS = {"eat-m": PROTOCOLS["centered-mouth"], "eat-f": PROTOCOLS["centered-face"]}
"""The formulas of the protocols that crop the face first."""


class LandmarkDistance(EatFrameMean, LandmarkMetric, key="lmd"):
    r"""Compute the landmark distance (LMD) in pixels, lower is better, at least 0.

    .. math:: \text{LMD} = \frac{1}{T} \sum_t \frac{1}{K} \sum_k \|\hat p_{t,k} - p_{t,k}\|

    over K points, by default the 20 lip points, after the mean of the points is subtracted on each side (``center``),
    so that a shift of the head does not count. The value grows with the size of the face in the picture. Compare videos
    of one size only, or use ``norm``.

    Each protocol sets the options below, and those that its source fixes; one that is given explicitly goes before:

    - ``instag`` (default): lips, centered, mean of Euclidean distances, of the last face (``face="last"``); the meter
      of ER-NeRF, SyncTalk, TalkingGaussian and InsTaG, which stops at a frame without a face.
    - ``vico``: lips, not centered, mean absolute difference per coordinate, of the first face (``face="first"``), with
      ``flip``; ViCo baseline and TalkingHeadMetrics.
    - ``atvg``: lips, centered, **sum** over the points, of dlib's last face in the grey frame after one upsampling
      (``extractor="dlib", face="last", upsample=1, grey="rgb"``); ATVGnet.
    - ``centered-mouth``, ``centered-face``: lips, or all 68 points, centered, mean of Euclidean distances, mean over
      clips. This is the formula of EAT's M-LMD and F-LMD, on whole frames.
    - ``eat-m``, ``eat-f``: EAT's M-LMD and F-LMD. The face of every frame (dlib's first in the grey frame with red and
      blue swapped, after one upsampling) is turned and scaled to a crop of 128x128 pixels by the nose and the eyes, and
      the crops are encoded as MPEG-4. dlib finds the landmarks of the crops
      (``extractor="dlib", face="first", grey="bgr"``), and the formula is that of ``centered-mouth`` or
      ``centered-face``. Frames without a face are left out of the crops, and the rest of the clip moves up. Where the
      numbers of crops differ, the shorter video is spread over the whole length of the longer. So ``"truncate"`` cuts
      nothing here: it allows clips of different length. Given landmarks (``extractor=None``) are taken as those of the
      crops, row by row.

    A frame without a face in either video is skipped and counted. With ``extractor=None`` the input is landmarks,
    ``(T, 68, 2)``, x and y in pixels.

    Args:
        protocol: see above.
        points: ``"mouth"``, ``"outer-lip"``, ``"inner-lip"``, ``"face"``, ``"jaw"``, ``"brows"``, ``"nose"`` or
            ``"eyes"``; default: the protocol's.
        center: whether the mean of the points is subtracted on each side; default: the protocol's.
        norm: ``"none"``, or the length to divide by: ``"image"`` (its height), ``"inter-ocular"`` (outer eye corners of
            the target) or ``"face-box"`` (root of the area of the target's 68 points); default: the protocol's.
        reduction: ``"l2"`` (mean distance), ``"l2-sum"`` or ``"l1"`` (mean per coordinate); default: the protocol's.
        kwargs: ``extractor`` (``"fan"``, ``"dlib"``, a module that maps frames ``(N, 3, H, W)``, float32 in 0..1, to
            ``(N, 68, 2)``, or None), ``face`` (the face of a frame that counts: ``"largest"``, ``"first"``, ``"last"``
            or ``"center"``), ``upsample`` (doublings of the frame before dlib's detection), ``grey`` (``"rgb"``,
            ``"bgr"`` or None: the grey frame that dlib reads), ``flip`` (whether FAN adds the heat maps of the mirrored
            face), ``weights`` (your own checkpoints), and the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``norm="image"`` is combined with ``extractor=None``.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LandmarkDistance
        >>> target = torch.arange(68 * 2.0).reshape(1, 68, 2)
        >>> shifted = target + torch.tensor([3.0, 4.0])
        >>> LandmarkDistance(extractor=None)(shifted, target)  # a shift does not count
        tensor(0., dtype=torch.float64)
        >>> LandmarkDistance(extractor=None, center=False)(shifted, target)
        tensor(5., dtype=torch.float64)
        >>> LandmarkDistance(extractor=None, protocol="vico")(shifted, target)
        tensor(3.5000, dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = PROTOCOLS | _ON_EAT_CROPS

    def __init__(
        self,
        *,
        protocol: str | None = None,
        points: Points | None = None,
        center: bool | None = None,
        norm: Norm | None = None,
        reduction: Reduction | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        published = self.procedures[self.protocol]
        self.points = one_of("points", points or published.points, tuple(GROUPS))
        self.center = published.center if center is None else center
        self.norm = one_of("norm", norm or published.norm, get_args(Norm))
        self.reduction = one_of("reduction", reduction or published.reduction, get_args(Reduction))
        if self.norm == "image" and self.extractor is None:
            raise InputError('norm="image" needs frames; landmarks alone do not tell the size of the image')
        if self.protocol in _ON_EAT_CROPS and self.extractor is not None:
            files = kwargs.get("weights")
            is_of_another = isinstance(files, str | Path) and not isinstance(self.extractor, DlibLandmarks)
            self.crops = EatCrops.make(None if is_of_another else files)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the distance of every frame."""
        by_image = self.norm == "image"
        distance = landmark_distance(
            self.features(preds),
            self.features(target),
            points=self.points,
            center=self.center,
            norm="none" if by_image else self.norm,
            reduction=self.reduction,
        )
        return distance / float(target.rows.shape[-2]) if by_image else distance

    def unusable(self) -> str:
        """Return the contents of given landmarks that cannot be measured, in words."""
        return super().unusable() + (", or have no extent" if self.norm in ("inter-ocular", "face-box") else "")


class AverageKeypointDistance(LandmarkMetric, FrameMean, key="akd"):
    r"""Compute the average keypoint distance (AKD) in pixels, lower is better, at least 0.

    .. math:: \text{AKD} = \frac{1}{T} \sum_t \frac{1}{68 \cdot 2} \sum_{k,i} |\hat p_{t,k,i} - p_{t,k,i}|

    over the 68 landmarks of the face. Protocol ``fomm`` is that of pose-evaluation, the scripts of the First Order
    Motion Model: mean absolute difference per coordinate (the paper says distance), not centered, frames of 256x256,
    the first face of FAN without flip (the protocol sets ``face="first"``). Frames without a face in either video are
    skipped and counted. With ``extractor=None`` the input is landmarks, ``(T, 68, 2)``.

    Args:
        kwargs: ``extractor``, ``face``, ``upsample``, ``weights`` as in `LandmarkDistance`, and the options of
            `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import AverageKeypointDistance
        >>> target = torch.zeros(1, 68, 2)
        >>> AverageKeypointDistance(extractor=None)(target + torch.tensor([3.0, 4.0]), target)
        tensor(3.5000, dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {"fomm": average_keypoint_distance}

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the distance of every frame."""
        distance: Tensor = self.procedures[self.protocol](self.features(preds), self.features(target))
        return distance


class MissingKeypointRate(LandmarkMetric, FrameMean, key="mkr"):
    r"""Compute the missing keypoint rate (MKR), lower is better, in ``[0, 1]``.

    .. math:: \text{MKR} = \frac{1}{|F|} \sum_{t \in F} \frac{|\{k: \hat p_{t,k} \text{ missing}\}|}{68}

    over the frames F whose target has a face: the share of the target's points that the prediction lacks. A landmark
    network finds all points of a face or none, so this is the share of frames in which the generated face is not found.
    Protocol ``fomm``: pose-evaluation defines it for body joints, as a mean over frames of each frame's ratio; this is
    the same rule for faces, of the first face (``face="first"``). A frame whose target has no face is not scored; a NaN
    in ``preds`` is a missing point. With ``extractor=None`` the input is landmarks, ``(T, 68, 2)``.

    Args:
        kwargs: ``extractor``, ``face``, ``upsample``, ``weights`` as in `LandmarkDistance`, and the options of
            `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import MissingKeypointRate
        >>> target = torch.zeros(4, 68, 2)
        >>> preds = target.clone()
        >>> preds[0] = torch.nan
        >>> MissingKeypointRate(extractor=None)(preds, target)
        tensor(0.2500, dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {"fomm": missing_keypoints}

    def where_missing(self) -> str:
        """Return the side that decides; a face that the prediction lacks is a value."""
        return ", in the target"

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the share of missing points of every frame."""
        missing: Tensor = self.procedures[self.protocol](self.features(preds), self.features(target))
        return missing
