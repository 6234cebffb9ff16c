"""Compare SyncNet's embeddings of the lips and of the sound of a clip as sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, cast

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_mean import ClipMeanRun
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.metric import one_of
from thm_torchmetrics.errors import MissingFaceError
from thm_torchmetrics.lipsync.protocols import NOT_SCORED
from thm_torchmetrics.lipsync.windows import SAMPLE_RATE
from thm_torchmetrics.metrics.lipsync_run import Footage, SharedFootage
from thm_torchmetrics.metrics.sequences import SequenceDistance
from thm_torchmetrics.metrics.syncnet_metric import SyncNetMetric


class LipSyncSequenceDistance(SyncNetMetric, SequenceDistance, key="lse-d-seq"):
    r"""Compute the distance of SyncNet's embeddings of lips and sound as sequences (Sync-D_seq), lower is better.

    The sequences are those of one generated clip: the embeddings of the lips, one per window of five frames, and of the
    sound, one per window of 0.2 s, in steps of 40 ms. The distance of two windows is the squared Euclidean distance; no
    offset is searched for, and embeddings are not scaled, so that values are on another scale than LSE-D. For formula
    and the protocols ``seq`` and ``frame`` see `SequenceDistance`.

    The paper does not say how faces are found. They are found as by ``tracked``, the default of `LipSyncDistance`: its
    windows are those that LSE-D is computed from, on frames and sound as they were decoded, so that no re-encoding
    moves the sound against the pictures, which is what is measured here. Both sequences have one row per window, up to
    the end of the track or of the sound, whichever is first.

    Each face track of a clip is measured with the sound from its first frame to its last; the value of a clip is the
    mean over its tracks, or that of the ``"longest"`` or ``"last"`` one. A clip without sound, without a track that is
    long and large enough, of fewer than six frames, or with an embedding that is not finite is counted and not scored,
    with the reason. Coverage counts clips. The embeddings of a clip are kept while it is measured, 8 kB per window.

    `TalkingHeadMetrics.add_clip` and the command line look for faces and run SyncNet once for this metric and ``lse-d``
    and ``lse-c`` of equal options.

    The input is ``preds``, the frames, and ``audio``. With ``extractor=None`` it is embeddings of the lips as ``preds``
    and of the sound of the same clip as ``target``, ``(T, D)`` each, which may differ in length; coverage then counts
    their rows.

    Args:
        extractor, weights: as in `SyncNetMetric`.
        tracks: what counts of a clip's tracks: the ``"mean"``; the ``"longest"`` one; or the ``"last"`` one.
        gamma: see `SequenceDistance`.
        kwargs: the options of `SyncNetMetric`, by which tracks are found, and of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LipSyncSequenceDistance
        >>> lips = 3 * torch.eye(40, 64)
        >>> LipSyncSequenceDistance(extractor=None, gamma=0)(lips, lips[2:])  # the sound starts two windows later
        tensor(0.9000, dtype=torch.float64)
    """

    reasons: ClassVar[Mapping[str, str]] = {
        **SequenceDistance.reasons,
        **dict(zip(NOT_SCORED, NOT_SCORED, strict=True)),  # the pipeline has the sentences
    }
    inputs_of_features = ("preds", "target")

    def __init__(self, *, tracks: Literal["mean", "longest", "last"] = "mean", **kwargs: Any) -> None:
        super().__init__(tracks=one_of("tracks", tracks, ("mean", "longest", "last")), **kwargs)
        if self.extractor is None:
            self.inputs = self.inputs_of_features
        else:
            self.counted = "clips"

    def start(
        self,
        preds: AnyClip | None = None,
        target: AnyClip | None = None,
        *,
        audio: Tensor | None = None,
        sample_rate: int = SAMPLE_RATE,
        fps: float | None = None,
        shared: SharedFootage | None = None,
        **inputs: Any,
    ) -> ClipRun[Any]:
        """Start the run of one clip with a sound, by default that of the Clip.

        Raises:
            InputError: if the sound is of another shape, dtype, rate or range, or ``preds`` is not a Clip.
        """
        if self.extractor is None:
            return super().start(preds, target, fps=fps)
        footage = self.footage(preds, audio, sample_rate, fps, shared)
        footage.keep_embeddings()
        return TrackSequencesRun(self, footage)


class TrackSequencesRun(ClipMeanRun):
    """The run measures the tracks of a clip, each with its sound."""

    def __init__(self, metric: LipSyncSequenceDistance, footage: Footage) -> None:
        super().__init__(metric, footage.clip)
        self._footage = footage
        self.reads_chunks = footage.reads_chunks

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Pass the clip's next frames to the pipeline."""
        self._footage.add(preds)

    def close(self) -> None:
        """Add the mean over the tracks, or the reason why there is none.

        Raises:
            MissingFaceError: if there is none and the metric has ``missing="error"``.
        """
        result, self.detail = self._footage.result(), self._footage.detail()
        self.sums.aligned, self.sums.left_out = 1, result.left_out
        pairs = [cast(tuple[Tensor, Tensor], track.embeddings) for track in result.tracks]
        if result.reason:
            self.count(result.reason, result.why)
        elif not all(bool(rows.isfinite().all()) for pair in pairs for rows in pair):
            self.count("not finite", "an embedding of SyncNet is NaN or infinite")
        else:
            distances = [self.metric.distance(*(rows.to(torch.float64) for rows in pair)) for pair in pairs]
            for row, distance in zip(self.detail["tracks"], distances, strict=True):
                row[self.metric.key] = distance
            self.sums.total, self.sums.weight, self.sums.scored = sum(distances) / len(distances), 1, 1
        if self.why and self.metric.missing == "error":
            raise MissingFaceError(
                f'{type(self.metric).__name__}: {self.why}; pass missing="skip" to leave the clip out'
            )
