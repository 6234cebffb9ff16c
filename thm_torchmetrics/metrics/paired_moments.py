"""Compute statistics of two series (RMSE, sign agreement, correlations) from sums."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk, why_missing
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.inputs import ClipInput, clips_from
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.emotion import Statistics, moments, statistics
from thm_torchmetrics.imaging.checks import check_numbers
from thm_torchmetrics.metrics.clip_labels import ClipLabels

Wanted: TypeAlias = Tensor | Sequence["Tensor | Sequence[float] | float"] | None


class PairedMoments(TalkingHeadMetric):
    """Compute a statistic of valence or of arousal over frames in which both sides have a face.

    One state serves every statistic and both averages. It holds the `moments` of valence and of arousal, summed over
    frames, and every statistic of both, summed over the clips that have it, with the number of those clips. With
    ``labels`` a clip is compared with the pair of values that is wanted of it, in place of a real clip.
    """

    series: ClassVar[int] = 0
    """0: valence, 1: arousal."""
    statistic: ClassVar[str] = "rmse"
    """A field of `functional.emotion.Statistics`."""

    labels: ClipLabels | None = None
    """The wanted valence and arousal of each clip; None if real clips are given."""

    @abstractmethod
    def affect(self, chunk: Chunk) -> Tensor:
        """Return valence and arousal ``(n, 2)`` of a chunk's frames, NaN without a face."""

    def fields(self) -> Fields:
        """Return the sums of moments over frames and of statistics over clips, and the counts."""
        each = (2, len(Statistics._fields))
        sums: Fields = {"moments": (2, 8), "of_clips": each, "clips": each, "scored": 1, "aligned": 1, "left_out": 1}
        return sums if self.labels is None else {**sums, "unlabeled": 1}

    def update(self, preds: ClipInput = None, target: ClipInput = None, *, wanted: Wanted = None) -> None:
        """Add clips, all of them or, if one cannot be measured, none.

        Args:
            preds: the generated clip or clips, as `TalkingHeadMetric.update` describes them.
            target: the real clip or clips, likewise; not used with ``wanted`` or ``labels``.
            wanted: valence and arousal that every frame of a clip is compared with, in place of real clips: one pair
                for all clips, or one for each, ``(2,)`` or ``(B, 2)``, each value in -1..1.

        Raises:
            InputError: if an input is missing or of another shape, dtype or range.
            MismatchError: if the clips of both sides differ, or there are not as many pairs as clips.
        """
        if wanted is None:
            super().update(preds, target)
            return
        clips = clips_from(preds, "preds", self.feature_shape if self.extractor is None else None)
        for clip, pair in zip(clips, _pairs(wanted, len(clips)), strict=True):
            self.measure(clip, wanted=pair)

    def start(
        self,
        preds: AnyClip | None = None,
        target: AnyClip | None = None,
        *,
        wanted: tuple[float, ...] | None = None,
        **inputs: Any,
    ) -> ClipRun[Any]:
        """Start the run of one clip; with ``wanted``, a pair of valence and arousal, it has no target."""
        return MomentsRun(self, preds, target, wanted)

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
        if self.labels is not None and sums.unlabeled and not tally.scored:
            return f"{int(sums.unlabeled)} of {tally.aligned} frames are of clips without a label in {self.labels}"
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
        found: dict[str, Any] = {name: value if value == value else None for name, value in values.items()}
        return found if self.labels is None else {**found, "frames_without_label": int(sums.unlabeled)}


class MomentsRun(ClipRun[PairedMoments]):
    """The run adds valence and arousal of both sides, frame by frame."""

    def __init__(
        self,
        metric: PairedMoments,
        preds: AnyClip | None = None,
        target: AnyClip | None = None,
        wanted: tuple[float, ...] | None = None,
    ) -> None:
        super().__init__(metric, preds, target)
        self._wanted = wanted
        self._has_target = wanted is None and metric.labels is None
        self.by_time = self.by_time and self._has_target
        if wanted is None and metric.labels is not None:
            found = metric.labels.find("" if preds is None else preds.key)
            if isinstance(found, str):
                self.why = found
            else:
                self._wanted = found

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Add the moments of the frames that both sides have."""
        if not self._has_target:
            self.lengths[1] = self.lengths[0]
            if preds is not None and self._wanted is not None:
                ours = self.metric.affect(preds)
                self._add(ours, ours.new_tensor(self._wanted).expand_as(ours))
        elif preds is not None and target is not None:
            count = min(len(preds), len(target))
            ours, real = (self.metric.affect(side.head(count)) for side in (preds, target))
            self._add(ours, real)

    def _add(self, ours: Tensor, real: Tensor) -> None:
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
        if self.metric.labels is not None and self._wanted is None:
            self.sums.unlabeled = self.sums.aligned
        values = torch.stack(statistics(self.sums.moments), dim=1)
        self.sums.of_clips += values.nan_to_num(nan=0.0)
        self.sums.clips += ~values.isnan()


def _pairs(wanted: Tensor | Sequence[Any], clips: int) -> list[tuple[float, ...]]:
    """Return a pair of valence and arousal for each clip.

    Raises:
        InputError: if it holds something else than pairs of numbers in -1..1.
        MismatchError: if there are not as many pairs as clips.
    """
    try:
        rows = torch.as_tensor([_plain(row) for row in wanted] if isinstance(wanted, list | tuple) else wanted)
        check_numbers("wanted", rows)
        pairs = rows.detach().to(torch.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"wanted must be pairs of numbers, valence and arousal ({error})") from error
    if pairs.ndim not in (1, 2) or pairs.shape[-1] != 2 or not bool((pairs.abs() <= 1).all()):
        raise InputError(f"wanted must be (2,) or (B, 2), valence and arousal in -1..1, got {wanted!r}")
    found = [tuple(pair) for pair in pairs.reshape(-1, 2).tolist()]
    if pairs.ndim == 1:
        return found * clips
    if len(found) != clips:
        raise MismatchError(
            f"preds holds {clips} clips and wanted {len(found)} pairs; give one per clip, or one for all"
        )
    return found


def _plain(value: Any) -> Any:
    """Return the numbers of a tensor in a list, which PyTorch reads only if it is one number."""
    return value.tolist() if isinstance(value, Tensor) else value
