"""Metrics that measure a region of the frames."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.frame_mean import FrameMean, FrameMeanRun
from thm_torchmetrics.core.frechet_distance import FrechetDistance, FrechetRun
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.regions.region import ClipRegion, Region, make_region
from thm_torchmetrics.weights import CustomFiles


class RegionFrameMean(FrameMean):
    """A mean over frames of both sides that can be measured on a region.

    The box is that of the target's frame, and cuts both sides.

    Args:
        region: ``"face"``, ``"mouth"`` or ``"upper"``, the boxes of `faces.parts.part_boxes`; ``"x,y,w,h"`` in pixels;
            a file, or a folder with one file per clip by its name, of boxes (``.npy``, ``(T, 4)``, x1, y1, x2, y2, ends
            exclusive) or of masks (a picture for all frames, or a video), whose box holds all white pixels; default:
            the whole frame. A frame without a region is not scored.
        landmarks: the extractor of the face's points: ``"fan"``, ``"dlib"``, or a module.
        weights: your own checkpoints of the landmarks.
        kwargs: the options of `TalkingHeadMetric`.
    """

    _region: Region | None = None

    def __init__(
        self,
        *,
        region: str | Path | None = None,
        landmarks: str | nn.Module = "fan",
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.region = region
        self.landmarks = landmarks
        if region is not None and self.protocol == "eat":
            raise InputError(f"protocol 'eat' has crops of its own; leave out region={region!r}")
        self._region = make_region(region, landmarks, weights)
        if self._region is not None and self._region.place is not None:
            self.region_sha256 = self._region.sha256()
        if self._region is not None and self.extractor is None:
            self.extractor = self._region.landmarks

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        if self._region is None:
            return super().start(preds, target, **inputs)
        return RegionRun(self, self._region.of_clip(target, preds), preds, target)

    def where_missing(self) -> str:
        """Return the side that decides on the region."""
        return super().where_missing() if self._region is None else ", in the target"


class RegionRun(FrameMeanRun):
    """The run scores the region of each frame.

    Args:
        metric: the metric.
        region: the region of the clip.
        preds: the generated clip.
        target: the real clip.
    """

    def __init__(self, metric: FrameMean, region: ClipRegion, preds: AnyClip | None, target: AnyClip | None) -> None:
        super().__init__(metric, preds, target)
        self._region = region

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Score the regions of the frames that both sides have."""
        if preds is None or target is None:
            return
        count = min(len(preds), len(target))
        preds, target = preds.head(count), target.head(count)
        preds = self.metric.same_size(preds, target)
        boxes = self._region.boxes(target)
        for cut, first, second in zip(_spans(boxes), crop(preds, boxes), crop(target, boxes), strict=True):
            if first is None or second is None:
                self.add_values(self.sums.vector.new_full((cut,), torch.nan))
            else:
                self.add_values(self.metric.per_frame(first, second), self.metric.weight(first))


class RegionFrechetRun(FrechetRun):
    """The run adds the features of the region of each frame of each side, which is found on that side.

    Args:
        metric: the metric.
        region: the region.
        preds: the generated clip.
        target: the real clip.
    """

    def __init__(self, metric: FrechetDistance, region: Region, preds: AnyClip | None, target: AnyClip | None) -> None:
        super().__init__(metric, preds, target)
        self._regions = region.of_clip(preds, target), region.of_clip(target, preds)

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Add the features of the regions of both sides."""
        sides = zip(self._regions, (preds, target), strict=True)
        found = [None if chunk is None else list(crop(chunk, region.boxes(chunk))) for region, chunk in sides]
        for name, crops in zip(("preds", "target"), found, strict=True):
            for each in filter(None, crops or ()):
                self.add_features(name, self.metric.features(each))


def crop(chunk: Chunk, boxes: list[list[int]]) -> Iterator[Chunk | None]:
    """Cut boxes out of frames; consecutive frames with boxes of one size stay together, None stands for no box.

    Args:
        chunk: the frames.
        boxes: ``x1, y1, x2, y2`` of each, ends exclusive; all 0 for none.
    """
    start = 0
    for count in _spans(boxes):
        part = boxes[start : start + count]
        if any(part[0]):
            rows = [chunk.rows[start + i, :, y1:y2, x1:x2] for i, (x1, y1, x2, y2) in enumerate(part)]
            yield Chunk(torch.stack(rows), chunk.start + start, chunk.times[start : start + count])
        else:
            yield None
        start += count


def _spans(boxes: list[list[int]]) -> list[int]:
    """Return the numbers of consecutive frames whose boxes have one size."""
    return [len(list(span)) for _, span in groupby(boxes, lambda box: (box[2] - box[0], box[3] - box[1]))]
