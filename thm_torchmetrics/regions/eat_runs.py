"""Metrics that measure EAT's aligned crops in place of the frames."""

from __future__ import annotations

from typing import Any

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.frame_mean import FrameMean, FrameMeanRun
from thm_torchmetrics.core.frechet_distance import FrechetDistance, FrechetRun
from thm_torchmetrics.regions.eat import EatCrops, EatVideo, pair_videos, remark_on_pairs, spread

_SAMPLE = 5  # crops of a clip


class EatFrameMean(FrameMean):
    """A mean over frames that can be measured on EAT's crops.

    Attributes:
        crops: the extractor of the crops; None: whole frames are measured.
    """

    crops: EatCrops | None = None

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        if self.crops is None:
            return super().start(preds, target, **inputs)
        return EatFrameMeanRun(self, self.crops, preds, target)


class EatFrameMeanRun(FrameMeanRun):
    """The run scores each crop of the prediction beside a crop of the target.

    Pairs are known at the end, when the crops of both sides are counted. With ``align="time"`` the frames are brought
    to the target's times before they are cropped.

    Args:
        metric: the metric.
        crops: the extractor of the crops.
        preds: the generated clip.
        target: the real clip.
    """

    def __init__(self, metric: FrameMean, crops: EatCrops, preds: AnyClip | None, target: AnyClip | None) -> None:
        super().__init__(metric, preds, target)
        self._preds, self._target = EatVideo(crops), EatVideo(crops)

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Crop the next frames of both sides."""
        for video, chunk in ((self._preds, preds), (self._target, target)):
            if chunk is not None:
                video.add(chunk)

    def close(self) -> None:
        """Score the pairs of crops."""
        super().close()
        for preds, target in pair_videos(self._preds, self._target):
            self.add_values(self.metric.per_frame(preds, target))
        remark_on_pairs(self._preds, self._target)


class EatFrechetRun(FrechetRun):
    """The run adds the features of five crops of each side, spread over the clip.

    With both sides these are crops that `pair_videos` pairs.

    Args:
        metric: the metric.
        crops: the extractor of the crops.
        preds: the generated clip.
        target: the real clip.
    """

    def __init__(self, metric: FrechetDistance, crops: EatCrops, preds: AnyClip | None, target: AnyClip | None) -> None:
        super().__init__(metric, preds, target)
        self._videos = EatVideo(crops), EatVideo(crops)

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Crop the next frames of both sides."""
        for video, chunk in zip(self._videos, (preds, target), strict=True):
            if chunk is not None:
                video.add(chunk)

    def close(self) -> None:
        """Add the features of the sample; the frames that could be in it count as seen."""
        given = [video for video in self._videos if video.seen]
        count = min((len(video) for video in given), default=0)
        sample = spread(count, min(count, _SAMPLE))
        super().measure(*(self._sampled(video, count, sample) for video in self._videos))
        self.sums.seen = self.sums.vector.new_tensor([min(video.seen, _SAMPLE) for video in self._videos])

    def _sampled(self, video: EatVideo, count: int, sample: list[int]) -> Chunk | None:
        if not video.seen or not sample:
            return None
        places = spread(len(video), count)
        return video.chunk([places[index] for index in sample])
