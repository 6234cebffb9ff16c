"""Compare the features of two clips as sequences, which may differ in length and timing."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_mean import ClipMean, ClipMeanRun, ClipRows, ClipValue
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.extractors import landmarks_in_use, make_extractor
from thm_torchmetrics.faces.boxes import FaceRule
from thm_torchmetrics.functional.face3d import COEFFICIENTS
from thm_torchmetrics.functional.landmarks import POINTS
from thm_torchmetrics.functional.time_warping import soft_dtw
from thm_torchmetrics.metrics.landmark_metric import LandmarkMetric
from thm_torchmetrics.weights import CustomFiles

WARPED, RIGID = "any alignment in order", "frame i with frame i"


class SequenceDistance(ClipMean):
    r"""Compare two clips as sequences of features :math:`f_1 \dots f_T` and :math:`g_1 \dots g_S`.

    Protocols, after Z. Zhang et al., "Temporally-Aligned Evaluation for Audio-Driven Talking Head Generation", arXiv
    2606.01031, section 3.4; no code is public:

    - ``seq`` (default): :math:`\text{SoftDTW}_\gamma(f, g) / \max(T, S)`, the soft minimum of the summed distances over
      all alignments that keep the order, `functional.soft_dtw`. Clips may differ in length, and a short delay or
      another speaking rate costs little. All alignments count, so equal clips have a value below 0, by at most
      :math:`1.763\,\gamma`.
    - ``frame``: the mean of :math:`d(f_t, g_t)` over the common length, the alignment of ``seq`` that pairs equal frame
      numbers. What the longer clip has beyond is counted as left out.

    The distance of two frames is the squared Euclidean distance of their features. The mean is over clips. A frame
    without features is taken out of its sequence, or with its partner in ``frame``, and counted as not scored. The
    features of a whole clip are kept while it is measured, in float64.

    It is the base of the metrics; a subclass says which features are compared.

    Args:
        gamma: smoothing of the minimum, in the unit of the distances, at least 0; 0 is plain dynamic time warping. The
            paper calls 0.0001 to 0.05 stable; 0.01 is this package's choice.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``gamma`` is negative or not finite.
    """

    procedures: ClassVar[Mapping[str, Any]] = {"seq": WARPED, "frame": RIGID}
    """Which frames are compared."""
    reasons: ClassVar[Mapping[str, str]] = {"no common frame": "no frame has features in both clips"}

    def __init__(self, *, gamma: float = 0.01, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= gamma < float("inf"):
            raise InputError(f"gamma must be at least 0 and finite, got {gamma}")
        self.gamma = gamma

    def start(
        self, preds: AnyClip | None = None, target: AnyClip | None = None, *, fps: float | None = None, **inputs: Any
    ) -> ClipRun[Any]:
        """Start the run of one clip."""
        return SequenceRun(self, preds, target, fps)

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the distance of two clips.

        Raises:
            MismatchError: if the rows of both sides differ in length.
        """
        preds, target = (side.flatten(1) for side in (rows.preds, rows.target) if side is not None)
        if preds.shape[1] != target.shape[1]:
            raise MismatchError(
                f"a row of the prediction has {preds.shape[1]} numbers and one of the target {target.shape[1]}; take "
                "both from one extractor"
            )
        detail = {"frames": [len(preds), len(target)]}
        of_preds, of_target = (side.isfinite().all(dim=1) for side in (preds, target))
        if self.procedures[self.protocol] == RIGID:
            of_preds = of_target = of_preds & of_target
            if not of_preds.any():
                return "no common frame"
        return ClipValue(self.distance(preds[of_preds], target[of_target]), detail=detail)

    def distance(self, preds: Tensor, target: Tensor) -> float:
        """Return the distance of two sequences of finite rows, ``(T, D)`` and ``(S, D)``; with ``frame`` T equals S."""
        if self.procedures[self.protocol] == RIGID:
            return float((preds - target).square().sum(dim=1).mean())
        return float(soft_dtw(preds, target, self.gamma)) / max(len(preds), len(target))


class SequenceRun(ClipMeanRun):
    """The run cuts the longer clip where the protocol pairs frame by frame."""

    def close(self) -> None:
        """Measure the clip, and count its frames."""
        if self.metric.procedures[self.metric.protocol] == RIGID:
            common = min(self.lengths)
            self.sums.left_out = abs(self.lengths[0] - self.lengths[1])
            self.rows = {side: [torch.cat(rows)[:common]] for side, rows in self.rows.items() if rows}
        super().close()


class _FaceSequenceDistance(SequenceDistance):
    """Compare what a network finds in the face.

    Args:
        extractor: the network; a module from frames ``(N, 3, H, W)``, float32 in 0..1, to rows; or None.
        landmarks: the extractor that finds the face, ``"fan"`` or ``"dlib"``; default: the extractor's own.
        face: the face of a frame that counts: ``"largest"``, ``"first"`` (best score), ``"last"`` or ``"center"``.
        weights: your own checkpoint of the network, or several by name.
        kwargs: the options of `SequenceDistance`.
    """

    feature_shape = (None,)
    kind: ClassVar[str]
    """The kind of the extractors."""

    def __init__(
        self,
        *,
        extractor: str | nn.Module | None,
        landmarks: Literal["fan", "dlib"] | None = None,
        face: FaceRule = "largest",
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.extractor = make_extractor(self.kind, extractor, weights, landmarks=landmarks, face=face)
        self.landmarks = landmarks_in_use(self.extractor)


class IdentitySequenceDistance(_FaceSequenceDistance, key="csim-seq"):
    """Compute the distance of two sequences of identity embeddings (CSIM_seq), lower is better.

    The embeddings of aligned faces are scaled to length 1, so that the distance of two frames is ``2 - 2 cos``, 0 to 4.
    For formula and protocols see `SequenceDistance`, for extractors `IdentitySimilarity`. With ``extractor=None`` the
    input is embeddings, ``(T, D)``; a row of zeros has no direction, and is not scored.

    Args:
        extractor, landmarks, face, weights: as in `IdentitySimilarity`.
        gamma: see `SequenceDistance`.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import IdentitySequenceDistance
        >>> metric = IdentitySequenceDistance(extractor=None, gamma=0)
        >>> metric(torch.tensor([[3.0, 0.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, -1.0]]))
        tensor(1.3333, dtype=torch.float64)
    """

    kind = "identity"

    def __init__(self, *, extractor: str | nn.Module | None = "arcface-r100", **kwargs: Any) -> None:
        super().__init__(extractor=extractor, **kwargs)

    def features(self, chunk: Chunk) -> Tensor:
        """Return embeddings of length 1, NaN where there is none."""
        return normalize(super().features(chunk), dim=1, eps=0.0)


class HeadPoseSequenceDistance(_FaceSequenceDistance, key="pose-seq"):
    """Compute the distance of two sequences of head poses in squared degrees, lower is better.

    The distance of two frames is the sum of the squared differences of pitch, yaw and roll; angles are not wrapped
    around. The paper reads seven numbers of LivePortrait's motion encoder instead: give them as features. For formula
    and protocols see `SequenceDistance`, for extractors `HeadPoseMetric`. With ``extractor=None`` the input is poses,
    ``(T, D)``, of any unit.

    Args:
        extractor, landmarks, face, weights: as in `HeadPoseError`.
        gamma: see `SequenceDistance`.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import HeadPoseSequenceDistance
        >>> turn = torch.tensor([[0.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 9.0, 0.0]])
        >>> HeadPoseSequenceDistance(extractor=None, gamma=0)(turn[[0, 0, 1, 2]], turn)  # one frame late
        tensor(0., dtype=torch.float64)
        >>> HeadPoseSequenceDistance(extractor=None, protocol="frame")(turn[[0, 0, 1, 2]], turn)
        tensor(15., dtype=torch.float64)
    """

    kind = "pose"

    def __init__(self, *, extractor: str | nn.Module | None = "pnp", **kwargs: Any) -> None:
        super().__init__(extractor=extractor, **kwargs)


class ExpressionSequenceDistance(_FaceSequenceDistance, key="expression-seq"):
    """Compute the distance of two sequences of expressions, lower is better.

    The features are the 64 expression coefficients of Deep3DFaceRecon, as in `AverageExpressionDistance`. The paper
    reads 63 numbers of LivePortrait's motion encoder instead: give them as features. For formula and protocols see
    `SequenceDistance`. With ``extractor=None`` the input is expressions, ``(T, D)``, all of whose numbers count.

    Args:
        extractor, landmarks, face, weights: as in `AverageExpressionDistance`.
        gamma: see `SequenceDistance`.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ExpressionSequenceDistance
        >>> smile = torch.linspace(0, 1, 5)[:, None].expand(5, 63)
        >>> ExpressionSequenceDistance(extractor=None, gamma=0)(smile.repeat_interleave(2, dim=0), smile)
        tensor(0., dtype=torch.float64)
    """

    kind = "face3d"

    def __init__(self, *, extractor: str | nn.Module | None = "deep3d", **kwargs: Any) -> None:
        super().__init__(extractor=extractor, **kwargs)

    def features(self, chunk: Chunk) -> Tensor:
        """Return the expressions, NaN where there is none."""
        rows = super().features(chunk)
        return rows if self.extractor is None else rows[:, COEFFICIENTS["exp"]]


class LandmarkSequenceDistance(LandmarkMetric, SequenceDistance, key="lmd-seq"):
    """Compute the distance of two sequences of lip landmarks in square pixels, lower is better.

    The distance of two frames is the mean over the 20 lip points of their squared distance, after the mean of the
    points is subtracted on each side, as `LandmarkDistance` does; a shift of the head does not count. The value grows
    with the square of the face in the picture, so compare videos of one size. For formula and protocols see
    `SequenceDistance`; landmarks are this package's own addition to the paper's features. With ``extractor=None`` the
    input is landmarks, ``(T, 68, 2)``.

    Args:
        extractor, face, upsample, weights: as in `LandmarkDistance`.
        gamma: see `SequenceDistance`.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LandmarkSequenceDistance
        >>> shut = torch.zeros(10, 68, 2)
        >>> talk = shut.clone()
        >>> talk[::3, 56:59, 1] = 6
        >>> round(LandmarkSequenceDistance(extractor=None, gamma=0)(talk[:-1], talk[1:]).item(), 3)
        1.02
        >>> round(LandmarkSequenceDistance(extractor=None, protocol="frame")(talk[:-1], talk[1:]).item(), 3)
        3.06
    """

    def features(self, chunk: Chunk) -> Tensor:
        """Return the lips without their mean, scaled so that the squared distance is a mean over points."""
        lips = super().features(chunk)[:, POINTS["mouth"]]
        return (lips - lips.mean(dim=1, keepdim=True)) / sqrt(lips.shape[1])


class PerceptualSequenceDistance(SequenceDistance, key="lpips-seq"):
    """Compute the distance of two sequences of LPIPS features (LPIPS_seq), lower is better.

    The features are those of `LearnedPerceptualSimilarity` with the classifier ``alex``, of the frames shrunk to 64x64
    (bilinear, antialiased); the squared distance of two frames is then their LPIPS. Classifier and size are this
    package's choice. They are 31,872 numbers per frame, 0.25 MB in float64, of both clips at once. For formula and
    protocols see `SequenceDistance`. With ``extractor=None`` the input is features, ``(T, D)``.

    Args:
        extractor: ``"lpips"``; a module that maps frames ``(N, 3, H, W)``, float32 in 0..1, to rows ``(N, D)``; or
            None.
        weights: your own checkpoint of the classifier, or several by name.
        gamma: see `SequenceDistance`.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import PerceptualSequenceDistance
        >>> fade = torch.linspace(0, 1, 6)[:, None]
        >>> PerceptualSequenceDistance(extractor=None, gamma=0)(fade[:-1], fade)
        tensor(0.0067, dtype=torch.float64)
    """

    feature_shape = (None,)

    def __init__(
        self, *, extractor: str | nn.Module | None = "lpips", weights: CustomFiles = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.extractor = make_extractor("lpips", extractor, weights, net="alex")
