"""A lip-sync run takes one clip through a lip-sync metric."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import Any, Protocol

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip, Clip
from thm_torchmetrics.core.clip_run import ClipRun, RunMetric
from thm_torchmetrics.core.clocks import rates_differ
from thm_torchmetrics.errors import MediaWarning, MissingFaceError
from thm_torchmetrics.functional.lipsync import sync_scores
from thm_torchmetrics.lipsync.protocols import NOT_SCORED, LipSyncResult, ScoredTrack, Tracked, WholeFrames
from thm_torchmetrics.lipsync.windows import DistanceCurve


class LipSyncMetric(RunMetric, Protocol):
    """The runs need this interface of their metric; `metrics.lipsync.LipSync` has it."""

    average: Any
    vshift: int

    def features(self, chunk: Chunk) -> Tensor:
        """Return the rows of a chunk in float64."""


class LipSyncRun(ClipRun[LipSyncMetric], ABC):
    """Every run of lip sync adds the readings of a clip's faces."""

    @abstractmethod
    def result(self) -> LipSyncResult:
        """Return the faces of the clip, or the reason why there is none."""

    def close(self) -> None:
        """Add the faces of the clip, or the reason why there is none.

        Raises:
            MissingFaceError: if there is none and the metric has ``missing="error"``.
        """
        result, sums = self.result(), self.sums
        for track in result.tracks:
            weight = {"frame": track.windows, "track": 1, "clip": 1 / len(result.tracks)}[self.metric.average]
            self._add_face(track.curve.to(sums.vector), weight)
        if result.reason:
            if self.metric.missing == "error":
                raise MissingFaceError(f"{type(self.metric).__name__}: {result.why}")
            sums.not_scored[NOT_SCORED.index(result.reason)] = 1
        sums.scored = (sums.weight > 0).to(sums.vector)
        sums.aligned = 1
        sums.left_out = result.left_out

    def _add_face(self, curve: Tensor, weight: float) -> None:
        """Add the readings of one face; if its distances are not finite, only that is counted."""
        sums = self.sums
        finite = curve.isfinite().all()
        scores = sync_scores(curve)
        sums.distance += torch.where(finite, scores.distance * weight, 0.0)
        sums.confidence += torch.where(finite, scores.confidence * weight, 0.0)
        sums.offset += torch.where(finite, scores.offset.abs().to(curve) * weight, 0.0)
        sums.weight += finite.to(curve) * weight
        shift = self.metric.vshift
        offsets = torch.arange(-shift, shift + 1, dtype=torch.int64, device=curve.device)
        sums.offsets += (offsets == scores.offset) & finite
        sums.not_scored[NOT_SCORED.index("not finite")].add_(~finite)


class EmbeddingRun(LipSyncRun):
    """The run compares lip and audio embeddings that are given."""

    def __init__(self, metric: LipSyncMetric, preds: AnyClip | None, target: AnyClip | None) -> None:
        super().__init__(metric, preds, target)
        self._curve = DistanceCurve(metric.vshift)

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Add rows of both embeddings."""
        if preds is not None and target is not None:
            count = min(len(preds), len(target))
            self._curve.add(*(self.metric.features(side.head(count)) for side in (preds, target)))

    def result(self) -> LipSyncResult:
        """Return the distances as those of one face."""
        rows = self._curve.rows
        track = ScoredTrack(0, rows, rows, self._curve.finish())
        return LipSyncResult([track], left_out=abs(self.lengths[0] - self.lengths[1]))


class SyncNetRun(LipSyncRun):
    """The run measures frames and sound by the pipeline of the metric's protocol.

    Args:
        metric: the metric.
        clip: the generated clip.
        pipeline: the pipeline; None if the clip has no sound.
        why: the reason why it has none.
    """

    def __init__(
        self, metric: LipSyncMetric, clip: Clip, pipeline: WholeFrames | Tracked | None, why: str = ""
    ) -> None:
        super().__init__(metric, clip)
        self._pipeline = pipeline
        self._no_audio = why or "no audio: the clip has no sound track and no other sound was given"
        self._origin = {} if clip.audio_source is None else {"audio": clip.audio_source.origin if pipeline else "none"}
        self.reads_chunks = pipeline is not None and pipeline.reads_chunks

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Pass the clip's next frames to the pipeline."""
        if self._pipeline is not None and preds is not None:
            self._pipeline.add(preds)

    def result(self) -> LipSyncResult:
        """Return the faces of the clip, and fill `detail` with a row for each or with the reason."""
        result = self._pipeline.finish() if self._pipeline else LipSyncResult([], "no audio", self._no_audio)
        rows = []
        for track in result.tracks:
            distance, confidence, offset = (float(value) for value in sync_scores(track.curve))
            rows.append(
                {
                    "first": track.first, "frames": track.frames, "windows": track.windows,
                    "lse-d": distance, "lse-c": confidence, "offset": int(offset),
                }
            )  # fmt: skip
        reason = {"not_scored": result.why} if result.reason else {}
        self.why = result.why
        self.detail = {"tracks": rows, **reason, **self._origin}
        return result


def remark_on_clocks(protocol: str, clip: Clip, fps: float | None, sound: float) -> None:
    """Warn where pictures and sound of a clip do not fit, or not to the protocol's clock.

    Args:
        protocol: the protocol of the metric.
        clip: the generated clip.
        fps: frames per second where the caller gave them; default: the Clip's own.
        sound: seconds of sound.
    """
    rate = fps or clip.rate
    if protocol.startswith("wav2lip-lrs") and rates_differ(rate, 25):
        warnings.warn(
            f"the clip has {rate:.6g} frames per second, and {protocol} takes each frame for 40 ms, as its script does",
            MediaWarning,
            stacklevel=4,
        )
    pictures = clip.duration if fps is None or clip.length is None else clip.length / fps
    if pictures and not 1 / 1.2 <= sound / pictures <= 1.2:
        warnings.warn(
            f"the sound lasts {sound:.2f} s and the pictures {pictures:.2f} s; is it the sound of this clip, "
            "at its true sample rate?",
            MediaWarning,
            stacklevel=4,
        )
