"""Measure how many frames a clip is late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_mean import ClipMean, ClipMeanRun, ClipRows, ClipValue
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.metric import whole_number
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.extractors import make_extractor
from thm_torchmetrics.faces.boxes import FaceRule
from thm_torchmetrics.functional.delay import MAX_DELAY, delay_distances, least_delay
from thm_torchmetrics.weights import CustomFiles


class FrameDelay(ClipMean, key="delay"):
    r"""Compute the delay of the generated clip behind the real one in frames, lower is better, at least 0.

    .. math:: \left| \arg\min_{-K \le k \le K} \frac{1}{|O_k|} \sum_{t \in O_k} \|f_{t+k} - g_t\|^2 \right|

    with features :math:`f` of the generated and :math:`g` of the real frames, over the frames :math:`O_k` that both
    have. A delay that saves less than 5 % of the distance without it is taken for chance, and is 0. The value is the
    mean over clips of the absolute delay. The ``detail`` of a clip holds the signed one, above 0 if the generated clip
    is late, with the distance there and without it; that of the whole the number of clips by signed delay. A delay of K
    or -K may in truth be longer.

    Protocol ``squared-l2``, this package's own: the squared Euclidean distance, and K of 10 frames. What ``@aligned``
    takes out of a clip before frames are compared is the delay of the default extractor, or of given features.

    Clips may differ in length. A frame without features is not compared, and counted. With ``extractor=None`` the input
    is features of any kind, ``(T, D)``.

    Args:
        extractor: what frames are told apart by: ``"thumbnail"`` (default), 32x32 grey pixels of the whole frame;
            ``"fan"`` or ``"dlib"``, the 68 landmarks; a module that maps frames ``(N, 3, H, W)``, float32 in 0..1, to
            ``(N, D)``; or None. Where head and body are those of the real video, thumbnails follow them, and landmarks
            follow the lips.
        max_delay: the largest delay K that is looked for, in frames.
        face, upsample, weights: as in `LandmarkDistance`.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``max_delay`` is no whole number of at least 0.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import FrameDelay
        >>> walk = torch.arange(20.0)[:, None].square()
        >>> metric = FrameDelay(extractor=None)
        >>> metric(walk[:-3], walk[3:])
        tensor(3., dtype=torch.float64)
        >>> metric.detail()
        {'delays': {'3': 1}, 'not_scored': {}}
    """

    feature_shape = (None,)
    procedures: ClassVar[Mapping[str, Any]] = {"squared-l2": delay_distances}
    reasons: ClassVar[Mapping[str, str]] = {"no pair": "at no delay two frames with features meet"}

    def __init__(
        self,
        *,
        extractor: str | nn.Module | None = "thumbnail",
        max_delay: int = MAX_DELAY,
        face: FaceRule = "largest",
        upsample: int = 0,
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_delay = whole_number("max_delay", max_delay, 0)
        self.extractor = make_extractor("delay", extractor, weights, face=face, upsample=upsample)

    def fields(self) -> Fields:
        """Return the sums of `ClipMean`, and the number of clips by delay."""
        return {**super().fields(), "delays": (2 * self.max_delay + 1,)}

    def start(
        self, preds: AnyClip | None = None, target: AnyClip | None = None, *, fps: float | None = None, **inputs: Any
    ) -> ClipRun[Any]:
        """Start the run of one clip."""
        return DelayRun(self, preds, target, fps)

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the absolute delay of a clip, with the signed one in the detail.

        Raises:
            MismatchError: if the rows of both sides differ in length.
        """
        preds, target = (side.flatten(1) for side in (rows.preds, rows.target) if side is not None)
        distances: Tensor = self.procedures[self.protocol](preds, target, self.max_delay)
        delay = least_delay(distances)
        if delay is None:
            return "no pair"
        found, without = (float(distances[self.max_delay + shift]) for shift in (delay, 0))
        detail = {"delay": delay, "distance": found, "distance_without": without if without == without else None}
        return ClipValue(abs(delay), detail=detail)

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return the numbers of clips by signed delay, and of those without a value by reason."""
        counts = enumerate(sums.delays.tolist(), -self.max_delay)
        return {"delays": {str(delay): int(count) for delay, count in counts if count}, **super().details(sums)}


class DelayRun(ClipMeanRun):
    """The run counts the clip by its delay."""

    def close(self) -> None:
        """Measure the clip, and count its frames and its delay."""
        super().close()
        if self.detail:
            self.sums.delays[self.metric.max_delay + self.detail["delay"]] = 1
