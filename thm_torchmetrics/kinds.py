"""The kinds of metric: a mean of per-frame values, a Fréchet distance, a statistic of paired moments."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor

from thm_torchmetrics.clip import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.expression import Statistics, moments, statistics
from thm_torchmetrics.functional.frechet import frechet_distance, frechet_sums
from thm_torchmetrics.metric import Score, TalkingHeadMetric, Tally


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


class FrechetDistance(TalkingHeadMetric):
    """A Fréchet distance between the features of all generated and of all real frames, whose numbers may differ.

    State: for each side the sum over frames of the outer product of ``(1, feature)`` with itself, which holds their
    number, their sum and their second moments; and the number of frames seen on both sides.
    """

    paired = False
    pooled = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.average == "clip":
            raise InputError(f'{type(self).__name__} compares whole sets of frames; it has no average="clip"')

    def _allocate(self, size: int, family: str, **options: Any) -> None:
        self.num_features = size
        super()._allocate(2 * (size + 1) ** 2 + 1, family, **options)

    def _measure(self, preds: Chunk | None, target: Chunk | None) -> Tensor | None:
        blocks = [self._side(chunk) for chunk in (preds, target)]
        return torch.cat([*blocks, blocks[0].new_zeros(1)])

    def _side(self, chunk: Chunk | None) -> Tensor:
        if chunk is None:
            return torch.zeros((self.num_features + 1) ** 2, dtype=torch.float64, device=self.sums.device)
        features = self._features(chunk)
        if features.shape[1] != self.num_features:
            raise InputError(
                f"{type(self).__name__} was made for {self.num_features} features per frame and got "
                f"{features.shape[1]}; pass num_features={features.shape[1]}"
            )
        return frechet_sums(features).flatten()

    def _finish(self, clip: Tensor) -> None:
        clip[-1] = sum(self._lengths)

    def _blocks(self, sums: Tensor) -> tuple[Tensor, Tensor]:
        preds, target = sums[:-1].reshape(2, self.num_features + 1, self.num_features + 1)
        return preds, target

    def _counts(self, sums: Tensor) -> tuple[int, int]:
        preds, target = (int(block[0, 0]) for block in self._blocks(sums))
        return preds, target

    def _value(self, sums: Tensor) -> Tensor:
        return frechet_distance(*self._blocks(sums))

    def tally(self, sums: Tensor) -> Tally:
        """Frames with features and frames seen, of both sides together."""
        return Tally(sum(self._counts(sums)), int(sums[-1]), 0)

    def score(self, clip: Tensor) -> Score:
        """How many frames a clip added; a distance of distributions has no value per clip."""
        return Score(None, self.tally(clip).scored, 0, None)

    def _detail(self, sums: Tensor) -> dict[str, Any]:
        preds, target = self._counts(sums)
        return {"frames_preds": preds, "frames_target": target}


class PairedMoments(TalkingHeadMetric):
    """A statistic of valence or of arousal, of the joint sums of both sides; a frame is scored if both sides have one.

    State: the `moments` of valence and of arousal, summed over frames; every statistic of both, summed over the clips
    that have it, and the number of those clips; and the numbers of frames scored, aligned and left out. So one state
    serves every statistic, over all frames and as a mean over clips.
    """

    series: ClassVar[int] = 0
    """0: valence, 1: arousal."""
    statistic: ClassVar[str] = "rmse"
    """A field of `functional.expression.Statistics`."""

    _BODY: ClassVar[list[int]] = [2 * 8, 2 * len(Statistics._fields), 2 * len(Statistics._fields), 3]

    def _allocate(self, size: int, family: str, **options: Any) -> None:
        super()._allocate(size + sum(self._BODY), family, **options)

    @abstractmethod
    def _affect(self, chunk: Chunk) -> Tensor:
        """Valence and arousal ``(n, 2)`` of a chunk's frames, NaN where there is no face."""

    def _measure(self, preds: Chunk | None, target: Chunk | None) -> Tensor | None:
        matched = self._matched(preds, target)
        if matched is None:
            return None
        rows = moments(*(self._affect(chunk) for chunk in matched)).to(torch.float64).flatten(1)
        scored = ~rows.isnan().any(dim=1)
        sums = rows.new_zeros(sum(self._BODY))
        sums[: self._BODY[0]] = torch.where(scored[:, None], rows, 0.0).sum(dim=0)
        sums[-3] = scored.sum()
        return sums

    def _finish(self, clip: Tensor) -> None:
        _, totals, counts, _ = torch.split(clip, self._BODY)
        values = torch.stack(self._pooled(clip), dim=1).flatten()
        totals += values.nan_to_num(nan=0.0)
        counts += ~values.isnan()
        clip[-2] = min(self._lengths)
        clip[-1] = abs(self._lengths[0] - self._lengths[1])

    def _pooled(self, sums: Tensor) -> Statistics:
        """The statistics over all frames, each ``(2,)``: of valence and of arousal."""
        return statistics(sums[: self._BODY[0]].reshape(2, -1))

    def _over_frames(self, sums: Tensor) -> Tensor:
        value: Tensor = getattr(self._pooled(sums), self.statistic)[self.series]
        return value

    def _over_clips(self, sums: Tensor) -> Tensor:
        _, totals, counts, _ = torch.split(sums, self._BODY)
        index = self.series * len(Statistics._fields) + Statistics._fields.index(self.statistic)
        mean: Tensor = totals[index] / counts[index]
        return mean

    def _value(self, sums: Tensor) -> Tensor:
        return self._over_frames(sums) if self.average == "frame" else self._over_clips(sums)

    def tally(self, sums: Tensor) -> Tally:
        """Frames scored, aligned and left out."""
        return Tally(*(int(count) for count in sums[-3:].tolist()))

    def _detail(self, sums: Tensor) -> dict[str, Any]:
        """The statistic by both averages, which differ most for correlations."""
        values = {"frame": float(self._over_frames(sums)), "clip": float(self._over_clips(sums))}
        return {name: value if value == value else None for name, value in values.items()}
