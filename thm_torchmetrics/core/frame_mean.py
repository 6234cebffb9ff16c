"""A frame-mean metric averages one value per frame."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from thm_torchmetrics.core.chunk import Chunk, why_missing
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.errors import MismatchError


class FrameMean(TalkingHeadMetric):
    """Average one value, or one row of ``width`` values, per frame.

    A subclass defines `per_frame`, and `weight` and `from_mean` where they differ from the plain mean.
    """

    width: int = 1
    """Values per frame."""
    pixelwise: ClassVar[bool] = False
    """Whether both sides need one frame size even with an extractor; without one they always do."""

    @abstractmethod
    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return one value, or one row, per frame; NaN where the frame cannot be scored.

        Args:
            preds: some frames of the generated clip.
            target: the same frames of the real clip; the generated ones again if the metric reads no target.
        """

    def weight(self, preds: Chunk) -> float:
        """Return the weight of each frame of the chunk."""
        return 1.0

    def from_mean(self, mean: Tensor) -> Tensor:
        """Return the metric of the mean value, or of the mean row."""
        return mean

    def fields(self) -> Fields:
        """Return the sums of values and of weights, and the numbers of frames."""
        return {"total": self.width, "weight": 1, "scored": 1, "aligned": 1, "left_out": 1}

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        return FrameMeanRun(self, preds, target)

    def contribution(self, sums: Sums) -> Sums:
        """Return the sums that one clip adds to the state.

        With ``average="clip"`` they are its mean, with weight 1.
        """
        if self.average == "frame":
            return sums
        added = self.named(sums.vector.clone())
        added.total = torch.where(sums.weight > 0, self.mean(sums), 0.0)
        added.weight = (sums.weight > 0).to(sums.vector)
        return added

    def mean(self, sums: Sums) -> Tensor:
        """Return the mean value, or the mean row."""
        return sums.total / sums.weight

    def value(self, sums: Sums) -> Tensor:
        """Return the metric of the state or of one clip's sums."""
        return self.from_mean(self.mean(sums))

    def why_nan(self, sums: Sums) -> str:
        """Return why there is no value, for the warning."""
        tally = self.tally(sums)
        if tally.scored or not tally.aligned:
            return super().why_nan(sums)
        if self.extractor is None and self.feature_shape is None:
            return f"none of {tally.aligned} frames has a value"
        return why_missing(self.extractor, tally.aligned, tally.aligned, self.unusable()) + self.where_missing()

    def unusable(self) -> str:
        """Return the contents of a row of given features that cannot be measured, in words."""
        return "NaN or infinity"

    def where_missing(self) -> str:
        """Return on which side a row without features leaves a frame without a value, as the end of a sentence."""
        return ", on one side or both" if self.reads("target") else ""

    def same_size(self, preds: Chunk, target: Chunk) -> Chunk:
        """Return the prediction with its frames in the target's size, by the option ``resize``.

        Raises:
            MismatchError: if they differ in size and the metric has no ``resize``.
        """
        size = target.rows.shape[-2:]
        if preds.rows.shape[-2:] == size:
            return preds
        mode = self.resize
        if mode is None:
            (height, width), (target_height, target_width) = preds.rows.shape[-2:], size
            raise MismatchError(
                f"the prediction is {width}x{height} and the target {target_width}x{target_height}; "
                'pass resize="bilinear" to bring the prediction to the target\'s size'
            )

        def resized() -> Chunk:
            frames = interpolate(preds.as_float(), size, mode=mode, antialias=True).clamp(0, 1)
            return Chunk(frames, preds.start, preds.times)

        chunk: Chunk = preds.cached(("resized", tuple(size), mode), resized)
        return chunk


class FrameMeanRun(ClipRun[FrameMean]):
    """The run scores each frame of the prediction beside the same frame of the target."""

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Score the frames that both sides have."""
        metric = self.metric
        if not metric.reads("target"):
            target = preds
        if preds is None or target is None:
            return
        count = min(len(preds), len(target))
        preds, target = preds.head(count), target.head(count)
        if preds.rows.ndim == 4 and (metric.extractor is None or metric.pixelwise):
            preds = metric.same_size(preds, target)
        self.add_values(metric.per_frame(preds, target), metric.weight(preds))

    def add_values(self, values: Tensor, weight: float = 1.0) -> None:
        """Add one value or row per frame; one that holds NaN is not scored."""
        sums = self.sums
        values = values.to(sums.vector)
        self.keep(value=values)
        if values.ndim == 1:
            total, count = values.nansum(), (values == values).sum(dtype=values.dtype)
        else:
            values = values.reshape(len(values), -1)
            whole = ~values.isnan().any(dim=1, keepdim=True)
            total, count = torch.where(whole, values, 0.0).sum(dim=0), whole.sum(dtype=values.dtype)
        sums.total.add_(total.view_as(sums.total), alpha=weight)
        sums.weight.add_(count, alpha=weight)
        sums.scored.add_(count)

    def series(self, rows: Mapping[str, Tensor], metric: Any) -> dict[str, Tensor]:
        """Return the metric of each frame by itself."""
        return {name: torch.stack([metric.from_mean(row) for row in values]) for name, values in rows.items()}
