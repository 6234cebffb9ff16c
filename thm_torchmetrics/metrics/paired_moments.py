"""Compute statistics of two series (RMSE, sign agreement, correlations) from sums."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk, why_missing
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.functional.emotion import Statistics, moments, statistics


class PairedMoments(TalkingHeadMetric):
    """Compute a statistic of valence or of arousal over frames in which both sides have a face.

    One state serves every statistic and both averages. It holds the `moments` of valence and of arousal, summed over
    frames, and every statistic of both, summed over the clips that have it, with the number of those clips.
    """

    series: ClassVar[int] = 0
    """0: valence, 1: arousal."""
    statistic: ClassVar[str] = "rmse"
    """A field of `functional.emotion.Statistics`."""

    @abstractmethod
    def affect(self, chunk: Chunk) -> Tensor:
        """Return valence and arousal ``(n, 2)`` of a chunk's frames, NaN without a face."""

    def fields(self) -> Fields:
        """Return the sums of moments over frames and of statistics over clips, and the counts."""
        each = (2, len(Statistics._fields))
        return {"moments": (2, 8), "of_clips": each, "clips": each, "scored": 1, "aligned": 1, "left_out": 1}

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        return MomentsRun(self, preds, target)

    def value(self, sums: Sums) -> Tensor:
        """Return the statistic by the metric's average."""
        return self.over_frames(sums) if self.average == "frame" else self.over_clips(sums)

    def over_frames(self, sums: Sums) -> Tensor:
        """Return the statistic of all frames of all clips."""
        value: Tensor = getattr(statistics(sums.moments), self.statistic)[self.series]
        return value

    def over_clips(self, sums: Sums) -> Tensor:
        """Return the mean of the statistic over the clips that have one."""
        at = self.series, Statistics._fields.index(self.statistic)
        return sums.of_clips[at] / sums.clips[at]

    def why_nan(self, sums: Sums) -> str:
        """Return why there is no value, for the warning."""
        tally = self.tally(sums)
        if not tally.aligned:
            return super().why_nan(sums)
        if not tally.scored:
            return f"{why_missing(self.extractor, tally.aligned, tally.aligned)}, on one side or both"
        if tally.scored == 1:
            return f"1 of {tally.aligned} frames has a value on both sides: at least 2 needed"
        constant = [f"the {side}" for side in ("prediction", "target") if self._is_constant(sums, side)]
        if constant:
            return f"{' and '.join(constant)} {'is' if len(constant) == 1 else 'are'} constant"
        return "in every clip a side is constant, or fewer than 2 frames have a value on both sides"

    def _is_constant(self, sums: Sums, side: str) -> bool:
        """Return whether a side is constant, as far as sums can tell: it has no correlation with itself."""
        count, x, y, xx, yy = sums.moments[self.series, :5]
        total, squares = (x, xx) if side == "prediction" else (y, yy)
        with_itself = torch.stack([count, total, total, squares, squares, squares, 0 * count, count])
        return bool(statistics(with_itself).pcc.isnan())

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return the statistic by both averages, which differ most for correlations."""
        values = {"frame": float(self.over_frames(sums)), "clip": float(self.over_clips(sums))}
        return {name: value if value == value else None for name, value in values.items()}


class MomentsRun(ClipRun[PairedMoments]):
    """The run adds valence and arousal of both sides, frame by frame."""

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Add the moments of the frames that both sides have."""
        if preds is None or target is None:
            return
        count = min(len(preds), len(target))
        ours, real = (self.metric.affect(side.head(count)) for side in (preds, target))
        self.keep(preds=ours, target=real)
        rows = moments(ours, real).to(self.sums.vector)
        scored = ~rows.flatten(1).isnan().any(dim=1)
        self.sums.moments += torch.where(scored[:, None, None], rows, 0.0).sum(dim=0)
        self.sums.scored += scored.sum()

    def series(self, rows: Mapping[str, Tensor], metric: Any) -> dict[str, Tensor]:
        """Return valence, or arousal, of each frame of both sides."""
        return {side: values[:, metric.series] for side, values in rows.items()}

    def close(self) -> None:
        """Add the clip's own statistics, and the numbers of aligned and left-out frames."""
        super().close()
        values = torch.stack(statistics(self.sums.moments), dim=1)
        self.sums.of_clips += values.nan_to_num(nan=0.0)
        self.sums.clips += ~values.isnan()
