"""Compute THEval's metrics of lips, brows and head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip_mean import ClipMean, ClipRows, ClipValue
from thm_torchmetrics.core.sums import Sums
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.head_pose import Deep3DPose, PerspectivePose
from thm_torchmetrics.faces.fan import POINTS
from thm_torchmetrics.functional.silence import speech_of_sound
from thm_torchmetrics.functional.theval import (
    MESH_POINTS,
    eyebrow_dynamics,
    head_motion,
    lip_dynamics,
    lip_opening,
    silent_lip_motion,
    theval_score,
)
from thm_torchmetrics.metrics.audio_clip_mean import AudioClipMean
from thm_torchmetrics.metrics.eyes_and_mouth import silent_frames
from thm_torchmetrics.metrics.head_pose import HeadPoseMetric
from thm_torchmetrics.metrics.landmark_metric import LandmarkMetric

_SIDE = 256  # pixels of the frame to which THEval resizes
_NEEDED = "needed are two frames with a face"


class THEvalMetric(ClipMean):
    """Compute a metric of THEval, with its relative score; mean over clips.

    Protocols:

    - ``theval`` (default): on given features of the networks that the benchmark runs; ``Newbyl/THEval@cfe23fe``.
    - ``theval-68``: this package's own reading, the same formula on 68 landmarks or their head pose; values of the two
      protocols do not compare.

    THEval asks how near a value is to that of the real videos, neither for more nor for less. ``detail["score"]`` is
    its relative score, :math:`1 - |m - g| / |g|`, with the real videos' value g in ``reference``. Two faults of the
    programs are not kept: MediaPipe's tracker goes from one video to the next, so that a value depends on the order of
    the files, and the lip-sync program hands red and blue over exchanged.

    Args:
        protocol: see above.
        reference: the value of the real videos; default: that of the benchmark's own videos.
        kwargs: the options of the class and of `TalkingHeadMetric`.

    Raises:
        InputError: if ``theval`` is combined with an extractor, or ``reference`` is 0.
    """

    procedures: ClassVar[Mapping[str, Any]] = {"theval": MESH_POINTS, "theval-68": POINTS}
    """The number of landmarks that a protocol reads, with one formula."""
    benchmark: ClassVar[float]
    """The value of the benchmark's real videos, ``examples/gt_metrics.csv``."""
    reasons: ClassVar[Mapping[str, str]] = {"too short": _NEEDED}

    def __init__(self, *, protocol: str | None = None, reference: float | None = None, **kwargs: Any) -> None:
        super().__init__(protocol=protocol, **kwargs)
        self.reference = self.benchmark if reference is None else reference
        if not self.reference:
            raise InputError("reference must not be 0, because THEval's score divides by it")
        if self.protocol == "theval" and self.extractor is not None:
            raise InputError(
                f"protocol 'theval' of {self.key} reads given features of the benchmark's networks, which no extractor "
                "gives; leave `extractor` out, or take the protocol 'theval-68'"
            )

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return THEval's score, and the numbers of clips that have no value, by reason."""
        score = float(theval_score(self.value(sums), self.reference))
        return {**super().details(sums), "score": score if score == score else None}


class _LipMetric(LandmarkMetric):
    """Read the face mesh, or 68 landmarks of a frame of 256x256."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feature_shape = (self.procedures[self.protocol], 2)

    def features(self, chunk: Chunk) -> Tensor:
        """Return the landmarks; those of frames as if these were resized to 256x256."""
        rows = super().features(chunk)
        if self.extractor is None:
            return rows
        height, width = chunk.rows.shape[-2:]
        return rows * rows.new_tensor([_SIDE / width, _SIDE / height])


class LipDynamics(THEvalMetric, _LipMetric, key="lip-dynamics"):
    """Compute how much the lips move in pixels of a frame of 256x256, higher is livelier, at least 0.

    It is the standard deviation over time of the distance of each pair of lip points, mean over pairs; see
    `functional.theval.lip_dynamics`. With ``extractor=None`` the input is the face mesh, ``(T, 478, 2)``, as fractions
    of the frame, or for ``theval-68`` landmarks, ``(T, 68, 2)``, in pixels of a frame of 256x256.

    Args:
        protocol, reference: see `THEvalMetric`.
        extractor, face, upsample, weights: as in `LandmarkDistance`, for ``theval-68``.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LipDynamics
        >>> landmarks = torch.zeros(2, 68, 2)
        >>> landmarks[1, 48, 0] = 10  # one of 20 points moves
        >>> LipDynamics(protocol="theval-68", extractor=None)(landmarks)
        tensor(0.5000, dtype=torch.float64)
    """

    benchmark = 1.716603

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the motion of the lips of a clip."""
        if int(rows.preds.flatten(1).isfinite().all(dim=1).sum()) < 2:
            return "too short"
        return ClipValue(float(lip_dynamics(rows.preds)))


class SilentLip(THEvalMetric, _LipMetric, AudioClipMean, key="silent-lip"):
    """Compute how restless the lips are in silence, lower is calmer, at least 0.

    It is the median over silent frames of the absolute deviation of the lips' opening from its mean, in distances of
    the eyes; see `functional.theval.silent_lip_motion`. The input is ``preds`` and ``audio``. With ``extractor=None``
    these are the face mesh, ``(T, 478, 2)``, as fractions of the frame, or for ``theval-68`` landmarks,
    ``(T, 68, 2)``, in pixels of a frame of 256x256; and ``(T,)``, 1 in frames with speech and 0 in silence, which
    `functional.silence.speech_of_segments` makes from Silero's segments by THEval's rule. On frames the silence is
    found by this package's own rule of energy, `functional.silence.speech_of_sound`; both leave out pauses of less than
    0.3 s.

    Args:
        protocol, reference: see `THEvalMetric`.
        extractor, face, upsample, weights: as in `LandmarkDistance`, for ``theval-68``.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import SilentLip
        >>> landmarks = torch.zeros(5, 68, 2)
        >>> landmarks[:, 45, 0] = 100
        >>> landmarks[:, 65:68, 1] = torch.tensor([1.0, 1.0, 1.0, 5.0, 9.0])[:, None]
        >>> metric = SilentLip(protocol="theval-68", extractor=None)
        >>> metric(landmarks, audio=torch.tensor([0, 0, 0, 0, 1]))
        tensor(0.0100, dtype=torch.float64)
    """

    benchmark = 0.0263
    reasons: ClassVar[Mapping[str, str]] = {
        **AudioClipMean.reasons,
        "no pause": "fewer than two frames with a face lie in a pause of the sound",
    }

    def from_sound(self, samples: Tensor, sample_rate: int, frames: int, fps: float) -> Tensor:
        """Return 1 for each frame with speech, 0 in silence."""
        return speech_of_sound(samples, sample_rate, frames, fps)

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the motion of the lips in the pauses of a clip."""
        value = float(silent_lip_motion(lip_opening(rows.preds)[silent_frames(rows)]))
        return ClipValue(value) if value == value else "no pause"


class EyebrowMotion(THEvalMetric, LandmarkMetric, key="eyebrow"):
    """Compute how much the brows move, higher is livelier, at least 0.

    It is the mean absolute change from frame to frame of the distance of brow and eye, in distances of the eyes; see
    `functional.theval.eyebrow_dynamics`. With ``extractor=None`` the input is the face mesh, ``(T, 478, 2)``, as
    fractions of the frame, or for ``theval-68`` landmarks, ``(T, 68, 2)``, in pixels.

    Args:
        protocol, reference: see `THEvalMetric`.
        aspect: width over height of the frame, for fractions.
        extractor, face, upsample, weights: as in `LandmarkDistance`, for ``theval-68``.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import EyebrowMotion
        >>> landmarks = torch.zeros(2, 68, 2)
        >>> landmarks[:, 42:48, 0] = 100
        >>> landmarks[:, 22:27, 0] = 100
        >>> landmarks[1, 17:22, 1] = -10  # the left brow rises
        >>> EyebrowMotion(protocol="theval-68", extractor=None)(landmarks)
        tensor(0.0500, dtype=torch.float64)
    """

    benchmark = 0.006777

    def __init__(self, *, aspect: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feature_shape = (self.procedures[self.protocol], 2)
        self.aspect = aspect

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the motion of the brows of a clip."""
        value = float(eyebrow_dynamics(rows.preds, self.aspect))
        return ClipValue(value) if value == value else "too short"


class HeadMotion(THEvalMetric, HeadPoseMetric, key="head-motion"):
    r"""Compute how much the head moves, higher is livelier, at least 0.

    .. math:: \sqrt{\overline{\operatorname{std}}(\theta) \cdot \overline{\operatorname{var}}(\Delta\theta)
        + \overline{\operatorname{var}}(c)}

    of pitch, yaw and roll in degrees, their changes from frame to frame, and the center of the face in pixels; see
    `functional.theval.head_motion`. It grows with the size of the picture, so compare videos of one size. THEval takes
    the angles from FaceXFormer and the center from RetinaFace's box. With ``extractor=None`` the input is
    ``(T, 5)``: pitch, yaw, roll, x, y. On frames (``theval-68``) the angles are those of the extractor, and the center
    is that of the box around its 68 landmarks.

    Args:
        protocol, reference: see `THEvalMetric`.
        extractor, landmarks, face, weights: as in `HeadPoseError`, for ``theval-68``; a module of your own maps frames
            to ``(N, 5)``.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import HeadMotion
        >>> HeadMotion()(torch.tensor([[0.0, 0, 0, 10, 10], [0.0, 0, 0, 14, 10]]))
        tensor(1.4142, dtype=torch.float64)
    """

    feature_shape = (5,)
    benchmark = 18.46757

    def features(self, chunk: Chunk) -> Tensor:
        """Return angles and center of the face of a chunk's frames."""
        rows = super().features(chunk)
        if not isinstance(self.extractor, PerspectivePose | Deep3DPose) or self.extractor.landmarks is None:
            return rows
        points = chunk.features(self.extractor.landmarks).to(rows)
        return torch.cat([rows, (points.amax(dim=1) + points.amin(dim=1)) / 2], dim=1)

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the motion of the head of a clip."""
        value = float(head_motion(rows.preds))
        return ClipValue(value) if value == value else "too short"
