"""The kinds of metric: a mean of per-frame values, a Fréchet distance, a statistic of paired moments."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.metric import TalkingHeadMetric, Tally


class FrameMean(TalkingHeadMetric):
    """A mean of per-frame values, or of per-frame rows of ``width`` values.

    State: the ``width`` weighted totals, their weight, and the numbers of frames scored, aligned and left out.
    """

    def _allocate(self, size: int, family: str, **options: Any) -> None:
        super()._allocate(size + 4, family, **options)

    @abstractmethod
    def _per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """One value, or one row, per frame; NaN where the frame cannot be scored.

        A metric without a target gets the prediction as ``target``.
        """

    def _weight(self, preds: Chunk) -> float:
        """What each frame of the chunk weighs."""
        return 1.0

    def _of_mean(self, mean: Tensor) -> Tensor:
        """The metric of the mean row."""
        return mean[0]

    def _measure(self, preds: Chunk | None, target: Chunk | None) -> Tensor | None:
        matched = self._matched(preds, target if self.takes("target") else preds)
        if matched is None:
            return None
        return self._summed(self._per_frame(*matched), self._weight(matched[0]))

    def _summed(self, values: Tensor, weight: float = 1.0) -> Tensor:
        """What frames with these values add to the state."""
        values = values.to(torch.float64).reshape(len(values), -1)
        scored = ~values.isnan().any(dim=1)
        sums = values.new_zeros(values.shape[1] + 4)
        sums[:-4] = torch.where(scored[:, None], values, 0.0).sum(dim=0) * weight
        sums[-3] = scored.sum()
        sums[-4] = sums[-3] * weight
        return sums

    def _finish(self, clip: Tensor) -> None:
        preds, target = self._lengths if self.takes("target") else self._lengths[:1] * 2
        clip[-2] = min(preds, target)
        clip[-1] = abs(preds - target)

    def _contribution(self, clip: Tensor) -> Tensor:
        if self.average == "frame":
            return clip
        weight = clip[-4:-3]
        mean = torch.where(weight > 0, clip[:-4] / weight, 0.0)
        return torch.cat([mean, (weight > 0).to(torch.float64), clip[-3:]])

    def _mean(self, sums: Tensor) -> Tensor:
        return sums[:-4] / sums[-4]

    def _value(self, sums: Tensor) -> Tensor:
        return self._of_mean(self._mean(sums))

    def tally(self, sums: Tensor) -> Tally:
        """Frames scored, aligned and left out."""
        return Tally(*(int(count) for count in sums[-3:].tolist()))
