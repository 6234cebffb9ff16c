"""A lip-sync run takes one clip through a lip-sync metric."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, TypeAlias

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip, Clip
from thm_torchmetrics.core.clip_run import ClipRun, RunMetric
from thm_torchmetrics.core.clocks import rates_differ
from thm_torchmetrics.errors import MediaWarning, MissingFaceError
from thm_torchmetrics.functional.lipsync import SyncScores, sync_scores
from thm_torchmetrics.lipsync.protocols import NOT_SCORED, LipSyncResult, ScoredTrack, Tracked, WholeFrames
from thm_torchmetrics.lipsync.track_rules import JOINED, TrackRule, read_tracks
from thm_torchmetrics.lipsync.windows import DistanceCurve


class LipSyncMetric(RunMetric, Protocol):
    """The runs need this interface of their metric; `metrics.lipsync.LipSync` has it."""

    average: Any
    tracks: TrackRule
    vshift: int

    def features(self, chunk: Chunk) -> Tensor:
        """Return the rows of a chunk in float64."""


class Reading(NamedTuple):
    """A reading of a clip holds scores, 0-d each, whether they are finite, and the windows that they stand on."""

    scores: SyncScores
    finite: Tensor
    windows: int


def readings_of(curves: Sequence[Tensor], windows: Sequence[int], rule: TrackRule) -> list[Reading]:
    """Return what counts of a clip's tracks, by their mean distances and their numbers of windows.

    Tracks that make one reading together are those whose distances are finite.
    """
    found = [Reading(sync_scores(curve), curve.isfinite().all(), n) for curve, n in zip(curves, windows, strict=True)]
    together = [reading for reading in found if reading.finite] if rule in JOINED else []
    if not together:
        return found
    scores = SyncScores(*(torch.stack(values) for values in zip(*(each.scores for each in together), strict=True)))
    distance, confidence, offset = (value[0] for value in read_tracks(scores, rule))
    number = sum(reading.windows for reading in together)
    return [Reading(SyncScores(distance, confidence, offset), together[0].finite, number)]


class Footage:
    """Footage is one clip with its sound on the way through a pipeline.

    Several runs that get the same chunks may share it: it takes each chunk once, and is measured once. What fails for
    one of them fails for all.

    Args:
        clip: the clip.
        pipeline: the pipeline; None if the clip has no sound.
        why: the reason why it has none.
    """

    def __init__(self, clip: Clip, pipeline: WholeFrames | Tracked | None, why: str = "") -> None:
        self.clip = clip
        self._pipeline = pipeline
        self._no_audio = why or "no audio: the clip has no sound track and no other sound was given"
        self._latest: Chunk | None = None
        self._result: LipSyncResult | None = None
        self._fault: Exception | None = None

    @property
    def reads_chunks(self) -> bool:
        """Return whether the pipeline uses the clip's chunks."""
        return self._pipeline is not None and self._pipeline.reads_chunks

    def keep_embeddings(self) -> None:
        """Let the result hold the embeddings of the tracks."""
        if isinstance(self._pipeline, Tracked):
            self._pipeline.keeps_embeddings = True

    def add(self, chunk: Chunk | None) -> None:
        """Pass the clip's next frames to the pipeline."""
        if self._pipeline is None or not self.reads_chunks or chunk is None:
            return
        with self._faults():
            if chunk is not self._latest:
                self._latest = chunk
                self._pipeline.add(chunk)

    def result(self) -> LipSyncResult:
        """Return the faces of the clip."""
        with self._faults():
            if self._result is None:
                no_sound = LipSyncResult([], "no audio", self._no_audio)
                self._result = self._pipeline.finish() if self._pipeline else no_sound
        return self._result

    def detail(self, with_curves: bool = False) -> dict[str, Any]:
        """Return a row for each face, or the reason why there is none, for reports.

        Args:
            with_curves: whether the rows hold the mean distances.
        """
        result = self.result()
        rows: list[dict[str, Any]] = []
        for track in result.tracks:
            distance, confidence, offset = (float(value) for value in sync_scores(track.curve))
            rows.append(
                {
                    "first": track.first, "frames": track.frames, "windows": track.windows,
                    "lse-d": distance, "lse-c": confidence, "offset": int(offset),
                }
            )  # fmt: skip
            if with_curves:
                rows[-1]["curve"] = track.curve.tolist()
        found: dict[str, Any] = {"tracks": rows, **({"not_scored": result.why} if result.reason else {})}
        if self.clip.audio_source is not None:
            found["audio"] = self.clip.audio_source.origin if self._pipeline else "none"
        return found

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Raise what an earlier step raised, and keep what this one raises: half a measurement is none."""
        if self._fault is not None:
            raise self._fault
        try:
            yield
        except Exception as error:
            self._fault = error
            raise


SharedFootage: TypeAlias = dict[Any, Footage]
"""The footage of a clip by pipeline, options and sound, for the metrics that measure the clip together."""


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
        curves = [track.curve.to(sums.vector) for track in result.tracks]
        readings = readings_of(curves, [track.windows for track in result.tracks], self.metric.tracks)
        for reading in readings:
            self._add_reading(reading, {"frame": reading.windows, "track": 1, "clip": 1 / len(readings)})
        for curve in curves:
            self._count_face(curve)
        if result.reason:
            if self.metric.missing == "error":
                raise MissingFaceError(
                    f'{type(self.metric).__name__}: {result.why}; pass missing="skip" to leave the clip out'
                )
            sums.not_scored[NOT_SCORED.index(result.reason)] = 1
        sums.scored = (sums.weight > 0).to(sums.vector)
        sums.aligned = 1
        sums.left_out = result.left_out

    def _add_reading(self, reading: Reading, weights: Mapping[str, float]) -> None:
        sums, weight = self.sums, weights[self.metric.average]
        finite, scores = reading.finite, reading.scores
        offset = scores.offset.to(sums.vector)
        sums.distance += torch.where(finite, scores.distance * weight, 0.0)
        sums.confidence += torch.where(finite, scores.confidence * weight, 0.0)
        sums.offset += torch.where(finite, offset.abs() * weight, 0.0)
        sums.signed += torch.where(finite, offset * weight, 0.0)
        sums.weight += finite.to(sums.vector) * weight

    def _count_face(self, curve: Tensor) -> None:
        """Count the offset of one face, or that its distances are not finite."""
        sums, shift = self.sums, self.metric.vshift
        finite = curve.isfinite().all()
        offsets = torch.arange(-shift, shift + 1, dtype=torch.int64, device=curve.device)
        sums.offsets += (offsets == sync_scores(curve).offset) & finite
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
    """The run measures frames and sound by the pipeline of the metric's protocol."""

    def __init__(self, metric: LipSyncMetric, footage: Footage) -> None:
        super().__init__(metric, footage.clip)
        self._footage = footage
        self.reads_chunks = footage.reads_chunks

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Pass the clip's next frames to the pipeline."""
        self._footage.add(preds)

    def result(self) -> LipSyncResult:
        """Return the faces of the clip, and fill `detail` with a row for each or with the reason."""
        result = self._footage.result()
        self.why, self.detail = result.why, self._footage.detail(with_curves=self.kept is not None)
        return result


def counts_by_reason(counts: Tensor) -> dict[str, int]:
    """Return the numbers of clips that were not scored, by reason, where there are any."""
    return {reason: int(count) for reason, count in zip(NOT_SCORED, counts.tolist(), strict=True) if count}


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
