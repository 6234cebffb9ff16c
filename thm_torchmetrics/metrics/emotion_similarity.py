"""Compare the emotion features, or the blink features, of clips as ESD and BSD."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk, why_missing
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.frame_mean import FrameMean
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.extractors import landmarks_in_use, make_extractor
from thm_torchmetrics.extractors.emotion import FEATURES, Emotion
from thm_torchmetrics.faces.boxes import FaceRule
from thm_torchmetrics.functional.checks import finite_or_nan
from thm_torchmetrics.functional.emotion import emotion_similarity_distance
from thm_torchmetrics.functional.identity import cosine_similarity
from thm_torchmetrics.metrics.identity import NO_DIRECTION
from thm_torchmetrics.weights import CustomFiles


class EmotionSimilarityDistance(FrameMean, key="esd"):
    r"""Compare the emotion features of two clips by the emotion similarity distance (ESD).

    Protocols, each with a direction of its own:

    - ``survey`` (default): the cosine of the clips' features, **higher is better**, in ``[-1, 1]``, mean over clips:

      .. math:: \text{ESD} = \frac{\hat f \cdot f}{\|\hat f\| \, \|f\|}

      where the feature of a clip is the mean over its frames. The formula, the arrow and the average are those of
      L. Chen et al. ("What comprises a good talking-head video generation?", arXiv 2005.03201, section 4.4 and
      table 5), who call a similarity a distance. Their network gives one feature per clip and was not released; the
      features of EmoNet put in its place give another scale. A feature of your own network is given as ``(1, D)`` with
      ``extractor=None``. The clips may differ in length.
    - ``cosine``: :math:`1 - \cos(f(\hat x_t), f(x_t))`, mean over frames, lower is better, in ``[0, 2]``.
    - ``l2``: :math:`\|f(\hat x_t) - f(x_t)\|`, mean over frames, lower is better, in the features' own unit.

    The last two are this package's own readings. The features are the 128 inputs of EmoNet's last layer, on the face as
    `ValenceError` crops it (protocol ``face`` there). With equal options the two metrics share one pass of the network.
    The two sides may differ in size. With ``extractor=None`` the input is features, ``(T, D)``.

    Args:
        protocol: see above.
        extractor: ``"emonet8"`` or ``"emonet5"``; a module that maps whole frames ``(N, 3, H, W)``, float32 in 0..1, to
            features ``(N, D)``; or None.
        landmarks, face, weights: as in `ValenceError`.
        mirror: whether to average the features with those of the mirrored image.
        kwargs: the options of `TalkingHeadMetric`; ``survey`` has ``average="clip"`` only.

    Raises:
        InputError: if ``average="frame"`` is combined with ``survey``.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import EmotionSimilarityDistance
        >>> preds, target = torch.tensor([[3.0, 1.0], [1.0, -1.0]]), torch.tensor([[5.0, 0.0]])
        >>> EmotionSimilarityDistance(extractor=None)(preds, target)  # both means lie in one direction
        tensor(1., dtype=torch.float64)
        >>> metric = EmotionSimilarityDistance(extractor=None, protocol="cosine")
        >>> metric(torch.tensor([[3.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.0, 4.0], [2.0, 2.0]]))
        tensor(0.5000, dtype=torch.float64)
    """

    feature_shape = (None,)
    procedures: ClassVar[Mapping[str, Any]] = {
        "survey": cosine_similarity,
        "cosine": emotion_similarity_distance,
        "l2": partial(emotion_similarity_distance, kind="l2"),
    }

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module | None = "emonet8",
        landmarks: Literal["fan", "dlib"] = "fan",
        face: FaceRule = "largest",
        mirror: bool = False,
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        if self._of_clips and self.average == "frame":
            raise InputError('protocol "survey" has one value per clip and no average="frame"; leave it out')
        self.extractor = make_extractor("emotion", extractor, weights, landmarks=landmarks, face=face, mirror=mirror)
        self.landmarks = landmarks_in_use(self.extractor)

    @property
    def _of_clips(self) -> bool:
        return bool(self.protocol == "survey")

    @property
    def frame_by_frame(self) -> bool:
        """Return whether frames are compared, not clips."""
        return not self._of_clips

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        return ClipSimilarityRun(self, preds, target) if self._of_clips else super().start(preds, target, **inputs)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the distance of every frame."""
        distance: Tensor = self.procedures[self.protocol](self.features(preds), self.features(target))
        return distance

    def unusable(self) -> str:
        """Return the contents of a given row that cannot be measured, in words."""
        return super().unusable() if self.protocol == "l2" else NO_DIRECTION

    def features(self, chunk: Chunk) -> Tensor:
        """Return the emotion features of a chunk's frames."""
        rows = super().features(chunk)
        return rows[:, FEATURES] if isinstance(self.extractor, Emotion) else rows


class BlinkSimilarityDistance(TalkingHeadMetric, key="bsd"):
    r"""Compute the cosine of the blink features of two clips (BSD), higher is better, -1 to 1.

    .. math:: \text{BSD} = \frac{\hat f \cdot f}{\|\hat f\| \, \|f\|}

    mean over clips, as L. Chen et al. ("What comprises a good talking-head video generation?", arXiv 2005.03201,
    section 4.4 and table 5) define it. Their blink network was not released, so the input is features: ``(1, D)``, one
    per clip, or ``(T, D)``, whose mean over frames is the clip's. A row that holds NaN or infinity is left out.

    Args:
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import BlinkSimilarityDistance
        >>> BlinkSimilarityDistance()(torch.tensor([[3.0, 4.0]]), torch.tensor([[4.0, 3.0]]))
        tensor(0.9600, dtype=torch.float64)
    """

    feature_shape = (None,)
    averages = ("clip",)
    procedures: ClassVar[Mapping[str, Any]] = {"survey": cosine_similarity}

    def fields(self) -> Fields:
        """Return the sum over clips, their number, and the numbers of frames."""
        return {"total": 1, "weight": 1, "scored": 1, "aligned": 1, "left_out": 1}

    @property
    def frame_by_frame(self) -> bool:
        """Return False; clips are compared."""
        return False

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        return ClipSimilarityRun(self, preds, target)

    def value(self, sums: Sums) -> Tensor:
        """Return the mean over clips."""
        return sums.total / sums.weight

    def why_nan(self, sums: Sums) -> str:
        """Return why there is no value, for the warning."""
        aligned = self.tally(sums).aligned
        return why_missing(None, aligned, aligned, NO_DIRECTION) if aligned else super().why_nan(sums)


class ClipSimilarityRun(ClipRun[Any]):
    """The run compares the mean features of both sides; frames count on the side that has them."""

    def __init__(self, metric: TalkingHeadMetric, preds: AnyClip | None = None, target: AnyClip | None = None) -> None:
        super().__init__(metric, preds, target)
        self._totals: list[Tensor | None] = [None, None]
        self._counts = [torch.zeros_like(self.sums.scored), torch.zeros_like(self.sums.scored)]

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Add the features of both sides."""
        for side, chunk in enumerate((preds, target)):
            if chunk is None:
                continue
            rows = finite_or_nan(self.metric.features(chunk)).to(self.sums.vector)
            whole = ~rows.isnan().any(dim=1, keepdim=True)
            total, before = torch.where(whole, rows, 0.0).sum(dim=0, keepdim=True), self._totals[side]
            self._totals[side] = total if before is None else before + total
            self._counts[side] += whole.sum(dtype=rows.dtype)

    def close(self) -> None:
        """Compare the sides, and count their frames."""
        sums = self.sums
        sums.aligned = sum(self.lengths)
        preds, target = self._totals
        if preds is None or target is None:
            return
        if preds.shape != target.shape:
            raise MismatchError(
                f"the features of the prediction have length {preds.shape[1]} and those of the target "
                f"{target.shape[1]}; give both sides features of one network"
            )
        # a cosine does not depend on the length, so that sums serve as means
        (cosine,) = self.metric.procedures[self.metric.protocol](preds, target)
        measured = ~cosine.isnan()
        sums.total = torch.where(measured, cosine, 0.0)
        sums.weight = measured.to(sums.vector)
        sums.scored = torch.where(measured, sum(self._counts), 0.0)
