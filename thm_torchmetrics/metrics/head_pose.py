"""Compute the error, diversity and change of head pose, and the variance of motion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip_mean import ClipMean, ClipRows, ClipValue
from thm_torchmetrics.core.frame_mean import FrameMean
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import landmarks_in_use, make_extractor
from thm_torchmetrics.faces.boxes import FaceRule
from thm_torchmetrics.functional.head_pose import (
    POSE_BINS,
    VARIANCE_WINDOW,
    head_pose_delta,
    head_pose_diversity,
    head_pose_error,
    motion_variance,
)
from thm_torchmetrics.metrics.landmark_metric import LandmarkMetric
from thm_torchmetrics.weights import CustomFiles


class HeadPoseMetric(TalkingHeadMetric):
    """Read the head pose, three angles in degrees per frame, given or from one of the extractors.

    It is the first base of a pose metric; the second says how values are averaged.

    Args:
        extractor: ``"pnp"``, the perspective of six landmarks (`faces.head_pose.head_pose`); ``"deep3d"`` or
            ``"deep3d-2023"``, the angles of Deep3DFaceRecon's coefficients; a module that maps frames
            ``(N, 3, H, W)``, float32 in 0..1, to ``(N, 3)``; or None.
        landmarks: the extractor that finds the face, ``"fan"`` or ``"dlib"``.
        face: the face of a frame that counts: ``"largest"``, ``"first"`` (best score), ``"last"`` or ``"center"``.
        weights: your own checkpoints, by name, or one file.
        kwargs: the options of `TalkingHeadMetric`.
    """

    feature_shape = (3,)

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module | None = "pnp",
        landmarks: Literal["fan", "dlib"] = "fan",
        face: FaceRule = "largest",
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        self.extractor = make_extractor("pose", extractor, weights, landmarks=landmarks, face=face)
        self.landmarks = landmarks_in_use(self.extractor)


class HeadPoseError(HeadPoseMetric, FrameMean, key="pose-error"):
    r"""Compute the error of the head pose in degrees, lower is better, 0 to 180.

    .. math:: \frac{1}{T} \sum_t \frac{1}{3} \sum_k |\hat\theta_{t,k} - \theta_{t,k}|

    over pitch, yaw and roll of each frame; the difference of two angles is taken the short way round. Protocol
    ``degrees``: as J. Guo et al., LivePortrait, 2024, describe it (MAE in degrees); their network is another, so values
    of one extractor compare. A frame without a face in either video is skipped and counted. With ``extractor=None`` the
    input is angles, ``(T, 3)``, in degrees.

    Args:
        extractor, landmarks, face, weights: see `HeadPoseMetric`.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import HeadPoseError
        >>> target = torch.zeros(4, 3)
        >>> HeadPoseError(extractor=None)(target + torch.tensor([3.0, -6.0, 0.0]), target)
        tensor(3., dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {"degrees": head_pose_error}

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the error of every frame."""
        error: Tensor = self.procedures[self.protocol](self.features(preds), self.features(target))
        return error


class HeadPoseDiversity(HeadPoseMetric, ClipMean, key="pose-diversity"):
    r"""Compute the diversity of the head pose, higher is better, at least 0.

    .. math:: \frac{1}{3} \sum_k \operatorname{std}_t \theta_{t,k}

    with the population standard deviation over the frames of a clip; mean over clips. Protocols:

    - ``degrees`` (default): of pitch, yaw and roll in degrees, of any extractor. With ``extractor=None`` the input is
      ``(T, 3)``.
    - ``sadtalker``: of the 66 logits that Hopenet gives for each angle, mean over the logits, as
      ``chaolongy/KDTalker@f78bf4c evaluation/deep-head-pose/code/cal_std.py`` computes the "Diversity" of the tables
      of SadTalker and KDTalker. The unit is that of the logits. The input is given, ``(T, 3, 66)``, yaw, pitch, roll;
      there is no extractor, since Hopenet's checkpoint has no published hash.

    A frame without a face does not count. A clip of one frame has diversity 0.

    Args:
        protocol: see above.
        extractor, landmarks, face, weights: see `HeadPoseMetric`.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``sadtalker`` is combined with an extractor.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import HeadPoseDiversity
        >>> HeadPoseDiversity(extractor=None)(torch.tensor([[2.0, 0.0, 0.0], [-2.0, 4.0, 0.0]]))
        tensor(1.3333, dtype=torch.float64)
        >>> HeadPoseDiversity(protocol="sadtalker")(torch.stack([torch.zeros(3, 66), torch.ones(3, 66)]))
        tensor(0.5000, dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {"degrees": (3,), "sadtalker": (3, POSE_BINS)}
    """The shape of a row."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feature_shape = self.procedures[self.protocol]
        if self.protocol == "sadtalker" and self.extractor is not None:
            raise InputError(
                "protocol 'sadtalker' reads Hopenet's logits (T, 3, 66), which no extractor gives; leave `extractor` "
                "out, or take the protocol 'degrees'"
            )

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the diversity of a clip."""
        return ClipValue(float(head_pose_diversity(rows.preds)))


class HeadPoseDelta(HeadPoseMetric, ClipMean, key="pose-delta"):
    r"""Compute how far the head turns from frame to frame in degrees, higher is better, 0 to 180.

    .. math:: \frac{1}{T-1} \sum_t \frac{1}{3} \sum_k |\theta_{t+1,k} - \theta_{t,k}|

    Protocol ``vasa``: the pose variation intensity :math:`\Delta P` of S. Xu et al., VASA-1, 2024, in words; no code is
    public, and their pose network is another. It measures how lively the head is; noise of the extractor counts, too,
    and the value depends on the frame rate. Compare with that of the real videos. Both of two neighbouring frames need
    a face. With ``extractor=None`` the input is angles, ``(T, 3)``, in degrees.

    Args:
        average: ``"frame"`` (default), the mean over all pairs of neighbouring frames, or ``"clip"``.
        extractor, landmarks, face, weights: see `HeadPoseMetric`.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import HeadPoseDelta
        >>> HeadPoseDelta(extractor=None)(torch.tensor([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [3.0, -6.0, 0.0]]))
        tensor(1.5000, dtype=torch.float64)
    """

    averages = ("frame", "clip")
    reasons: ClassVar[Mapping[str, str]] = {"no neighbours": "no two neighbouring frames have a face"}
    procedures: ClassVar[Mapping[str, Any]] = {"vasa": head_pose_delta}

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the mean over pairs of neighbouring frames."""
        return mean_of(self.procedures[self.protocol](rows.preds)) or "no neighbours"


class MotionVariance(LandmarkMetric, ClipMean, key="motion-variance"):
    """Compute the variance of head motion or of expression, at least 0, in the square of the landmarks' unit.

    Protocols, as J. Jiang et al., Loopy, 2024, describe them in words; no code is public:

    - ``glo`` (default): variance of the tip of the nose in windows of 12 frames, higher is better.
    - ``exp``: variance of 37 points of the upper face relative to the tip of the nose, likewise.
    - ``dglo``, ``dexp``: absolute difference from the value of the real clip, lower is better.

    `functional.head_pose.motion_variance` has the formula, and says what the paper leaves open. The mean is over the
    windows of a clip, then over clips. A window that holds a frame without a face does not count. The two sides of
    ``dglo`` and ``dexp`` may differ in length. With ``extractor=None`` the input is landmarks, ``(T, 68, 2)``; the
    variance grows with the square of the face in the picture, so compare videos of one size.

    Args:
        protocol: see above.
        extractor, face, upsample, weights: as in `LandmarkDistance`.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import MotionVariance
        >>> still = torch.zeros(24, 68, 2)
        >>> nodding = still.clone()
        >>> nodding[::2, :, 1] = 4
        >>> MotionVariance(extractor=None)(nodding)
        tensor(2., dtype=torch.float64)
        >>> MotionVariance(extractor=None, protocol="dglo")(nodding, still)
        tensor(2., dtype=torch.float64)
    """

    reasons: ClassVar[Mapping[str, str]] = {
        "too short": f"no window of {VARIANCE_WINDOW} frames has a face in all of them"
    }
    procedures: ClassVar[Mapping[str, Any]] = {"glo": "glo", "exp": "exp", "dglo": "glo", "dexp": "exp"}
    """The part of the motion that is measured."""

    def __init__(self, *, protocol: str | None = None, **kwargs: Any) -> None:
        super().__init__(protocol=protocol, **kwargs)
        if self.protocol.startswith("d"):
            self.inputs = ("preds", "target")

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the variance of a clip, or its difference from that of the real one."""
        part = self.procedures[self.protocol]
        sides = [mean_of(motion_variance(side, part)) for side in (rows.preds, rows.target) if side is not None]
        if not all(sides):
            return "too short"
        value, *real = (side.value for side in sides if side)
        return ClipValue(abs(value - sum(real)))


def mean_of(values: Tensor) -> ClipValue | None:
    """Return the mean of values without NaN, weighted by their number; None if there is none."""
    finite = values[values.isfinite()]
    return ClipValue(float(finite.mean()), len(finite)) if len(finite) else None
