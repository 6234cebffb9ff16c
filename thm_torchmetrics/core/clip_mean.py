"""A clip-mean metric averages one value per clip, computed from all its frames at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk, list_counts, why_missing
from thm_torchmetrics.core.clip import AnyClip, Clip, check_fps
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.sums import Fields, Sums

DEFAULT_FPS = 25.0
"""Frames per second of clips that do not know their rate."""

NO_FACE = "no face"
"""The reason of a clip of which no frame has features."""


@dataclass(frozen=True)
class ClipRows:
    """The rows of a clip's features, one per frame, NaN throughout in frames without features.

    Attributes:
        preds: the rows of the generated clip.
        target: those of the real clip, or what the sound gives; None if the metric reads none.
        fps: frames per second of the generated clip.
    """

    preds: Tensor
    target: Tensor | None
    fps: float


class ClipValue(NamedTuple):
    """The value of one clip.

    Attributes:
        value: the value.
        weight: the weight of the clip with ``average="frame"``, such as its number of frames.
        detail: further results, for reports.
    """

    value: float
    weight: float = 1.0
    detail: Mapping[str, Any] | None = None


class ClipMean(TalkingHeadMetric):
    """Average one value per clip, computed from all its frames at once.

    A subclass defines `per_clip`, and lists in ``reasons`` why a clip may have no value. Such a clip is counted: none
    of its frames is scored. A metric that has a mean over frames, too, adds ``"frame"`` to ``averages``.
    """

    averages: ClassVar[tuple[str, ...]] = ("clip",)
    reasons: ClassVar[Mapping[str, str]] = {}
    """Why a clip may have no value, in short and in a sentence; that no frame has features is always among them."""

    @abstractmethod
    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the value of a clip, or, if it has none, one of ``reasons``.

        Args:
            rows: the features of the clip, at least one of them on each side that is read.
        """

    @property
    def frame_by_frame(self) -> bool:
        """Return False: clips are measured whole, and may differ in length."""
        return False

    def fields(self) -> Fields:
        """Return the sums of values and weights, of clips by reason, and the numbers of frames."""
        return {
            "total": 1, "weight": 1, "not_scored": (1 + len(self.reasons),), "scored": 1, "aligned": 1, "left_out": 1,
        }  # fmt: skip

    def start(
        self, preds: AnyClip | None = None, target: AnyClip | None = None, *, fps: float | None = None, **inputs: Any
    ) -> ClipRun[Any]:
        """Start the run of one clip.

        Raises:
            InputError: if ``fps`` is not above 0.
        """
        return ClipMeanRun(self, preds, target, fps)

    def value(self, sums: Sums) -> Tensor:
        """Return the mean over clips."""
        return sums.total / sums.weight

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return the numbers of clips that have no value, by reason."""
        counts = zip((NO_FACE, *self.reasons), sums.not_scored.tolist(), strict=True)
        return {"not_scored": {reason: int(count) for reason, count in counts if count}}

    def why_nan(self, sums: Sums) -> str:
        """Return why there is no value, by the reasons of the clips."""
        if not self.tally(sums).aligned:
            return super().why_nan(sums)
        counts = self.details(sums)["not_scored"]
        return f"none of {sum(counts.values())} clips has a value ({list_counts(counts)})"


class ClipMeanRun(ClipRun[Any]):
    """The run keeps the features of a clip, and measures them at its end.

    Args:
        metric: the metric.
        preds: the generated clip, if it is known at the start.
        target: the real clip, likewise.
        fps: frames per second; default: the generated clip's own, or 25.

    Raises:
        InputError: if ``fps`` is not above 0.
    """

    def __init__(
        self, metric: ClipMean, preds: AnyClip | None = None, target: AnyClip | None = None, fps: float | None = None
    ) -> None:
        super().__init__(metric, preds, target)
        check_fps(fps)
        # a clip of given features may know no rate
        self.fps = fps or (preds.fps if isinstance(preds, Clip) else preds and preds.rate) or DEFAULT_FPS
        self.rows: dict[str, list[Tensor]] = {"preds": [], "target": []}

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Keep the rows of both sides."""
        if preds is not None:
            self.rows["preds"].append(self.metric.features(preds))
        if target is not None and self.metric.reads("target"):
            features = self.metric.features(target) if self.metric.argument("target") == "target" else target.rows
            self.rows["target"].append(features.to(torch.float64))

    def close(self) -> None:
        """Measure the clip, and count its frames."""
        sides = {side: torch.cat(rows) for side, rows in self.rows.items() if rows}
        frames = [rows for side, rows in sides.items() if side == "preds" or self.metric.argument(side) == side]
        found = [int(rows.flatten(1).isfinite().all(dim=1).sum()) for rows in frames]
        sums = self.sums
        sums.aligned = sum(map(len, frames))
        if not all(found) or "preds" not in sides:
            self.count(NO_FACE, why_missing(self.metric.extractor, int(sums.aligned) - sum(found), int(sums.aligned)))
            return
        result = self.metric.per_clip(ClipRows(sides["preds"], sides.get("target"), self.fps))
        if isinstance(result, str):
            self.count(result, self.metric.reasons[result])
            return
        weight = result.weight if self.metric.average == "frame" else 1.0
        sums.total, sums.weight, sums.scored = result.value * weight, weight, sum(found)
        self.detail = {**(self.detail or {}), **(result.detail or {})} or None

    def count(self, reason: str, why: str) -> None:
        """Count the clip as one without a value."""
        self.why = why
        self.sums.not_scored[(NO_FACE, *self.metric.reasons).index(reason)] = 1
