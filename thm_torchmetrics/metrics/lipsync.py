"""Lip sync by SyncNet: LSE-D, LSE-C and the audio-visual offset, three readings of one state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from thm_torchmetrics.clip import AnyClip, Chunk, Clip, ClipInput
from thm_torchmetrics.errors import InputError, MissingFaceError
from thm_torchmetrics.extractors import choose
from thm_torchmetrics.extractors.face_tracks import EvenFrames, FaceDetector, TrackFinder, TrackOptions
from thm_torchmetrics.extractors.pool import OwnFiles
from thm_torchmetrics.extractors.syncnet import (
    SAMPLE_RATE,
    SIDE,
    DistanceCurve,
    OwnSyncNetwork,
    SyncNetwork,
    SyncRun,
    speech,
)
from thm_torchmetrics.functional.face_tracks import CROP_PAD, Track, crop_boxes, smooth
from thm_torchmetrics.functional.lipsync import SAMPLES_PER_FRAME, sync_scores
from thm_torchmetrics.functional.resize import resize, resize_crops
from thm_torchmetrics.metric import Score, TalkingHeadMetric, Tally
from thm_torchmetrics.precision import exact_arithmetic
from thm_torchmetrics.streaming import stream

AudioInput: TypeAlias = Tensor | Sequence[Tensor] | None

REASONS = ("no audio", "too short", "no face track", "not finite")
"""Why a clip cannot be scored."""

_DISTANCE, _CONFIDENCE, _OFFSET, _WEIGHT, _FIRST_BIN = range(5)
_TAIL = len(REASONS) + 3  # after the histogram: clips by reason, clips scored, clips seen, frames left out


class Stretch(NamedTuple):
    """What was measured of one face: its frames (at 25 per second) and its mean distances."""

    first: int
    frames: int
    windows: int
    curve: Tensor


class Outcome(NamedTuple):
    """What became of a clip: its faces, or the reason why there is none; and how many frames had no sound."""

    stretches: list[Stretch]
    reason: str = ""
    why: str = ""
    left_out: int = 0


class _WholeFrames:
    """Protocol ``wav2lip-lrs``: every frame, resized to 224x224, as if there were 25 per second."""

    def __init__(self, metric: LipSync, samples: Tensor) -> None:
        self._samples = samples
        self._run = SyncRun(metric.extractor, samples, metric.vshift)

    def feed(self, chunk: Chunk) -> None:
        self._run.add(resize(chunk.bytes(), (SIDE, SIDE)))

    def finish(self) -> Outcome:
        frames, audible = self._run.frames, len(self._samples) // SAMPLES_PER_FRAME
        if not self._run.windows:
            return Outcome([], "too short", _too_short(frames, audible))
        stretch = Stretch(0, frames, self._run.windows, self._run.curve())
        return Outcome([stretch], left_out=max(0, frames - audible))


class _Tracked:
    """Protocol ``tracked``: faces are found and followed while the clip is fed, cropped when it is read again."""

    def __init__(self, metric: LipSync, samples: Tensor, clip: Clip, frames: EvenFrames) -> None:
        self._metric = metric
        self._samples = samples
        self._clip = clip
        self._frames = frames
        self._finder = TrackFinder(metric.detector, metric.track_options)

    def feed(self, chunk: Chunk) -> None:
        self._finder.add(self._frames.take(chunk))

    def finish(self) -> Outcome:
        rest = self._frames.rest()
        if rest is not None:
            self._finder.add(rest)
        found = self._finder.tracks()
        if self._metric.tracks == "longest":
            found = sorted(found, key=lambda track: -len(track.boxes))[:1]
        if not found:
            return Outcome([], "no face track", self._no_track())
        audible = len(self._samples) // SAMPLES_PER_FRAME
        left_out = sum(max(0, track.first + len(track.boxes) - max(track.first, audible)) for track in found)
        stretches = self._measured(found)
        if not stretches:
            return Outcome([], "too short", _too_short(max(len(track.boxes) for track in found), audible), left_out)
        return Outcome(stretches, left_out=left_out)

    def _no_track(self) -> str:
        options = self._metric.track_options
        frames, faces = self._finder.seen
        return (
            f"no face track of more than {options.min_track} detections and {options.min_face_size:g} px: faces in "
            f"{faces} of {frames} frames at 25 per second; min_track= and min_face_size= lower the limits"
        )

    def _measured(self, found: list[Track]) -> list[Stretch]:
        """Run SyncNet over the crops of all tracks, which takes one more reading of the clip."""
        height, width = self._clip.size
        boxes = [crop_boxes(smooth(t.boxes), (height, width), self._metric.track_options.crop_scale) for t in found]
        runs = [SyncRun(self._metric.extractor, self._sound(track), self._metric.vshift) for track in found]
        for start, frames in self._read():
            for track, box, run in zip(found, boxes, runs, strict=True):
                low, high = max(start, track.first), min(start + len(frames), track.first + len(box))
                if low < high:
                    part = box[low - track.first : high - track.first]
                    run.add(resize_crops(frames[low - start : high - start], part, (SIDE, SIDE), pad=CROP_PAD))
        return [
            Stretch(track.first, run.frames, run.windows, run.curve())
            for track, run in zip(found, runs, strict=True)
            if run.windows
        ]

    def _sound(self, track: Track) -> Tensor:
        last = track.first + len(track.boxes)
        return self._samples[SAMPLES_PER_FRAME * track.first : SAMPLES_PER_FRAME * last]

    def _read(self) -> Iterator[tuple[int, Tensor]]:
        """The clip's frames at 25 per second, piece by piece, each with the index of its first frame."""
        even, start = self._metric.even_frames(self._clip), 0
        for chunk in self._clip.chunks():
            frames = even.take(chunk.to(self._metric.device))
            yield start, frames
            start += len(frames)
        rest = even.rest()
        if rest is not None:
            yield start, rest


class LipSync(TalkingHeadMetric):
    r"""What LSE-D, LSE-C and the offset share: the mean distances of SyncNet's embeddings, and the state.

    .. math:: m_k = \frac{1}{N} \sum_{i=1}^{N} \| v_i - a_{i+k} + 10^{-6} \|_2, \qquad k = -s \dots s

    between the lip embedding of five frames and the audio embedding of the 0.2 s that begin ``k`` frames later; beyond
    the ends of a clip the audio embedding is zero. LSE-D is the smallest :math:`m_k`, LSE-C the median minus the
    smallest, the offset :math:`s` minus the position of the smallest (J. S. Chung and A. Zisserman, 2016;
    K. R. Prajwal et al., Wav2Lip, 2020).

    Protocols:

    - ``tracked`` (default): github.com/joonson/syncnet_python's pipeline on the frames as decoded: 25 frames per second
      by timestamps (the frame on display at 0, 40, 80 ... ms), S3FD at scale 0.25, shots, tracks by overlap, median
      smoothing, grey-padded crops of 224x224. The published pipeline re-encodes the video three times on the way,
      which changes the number; compare only values of one protocol. It keeps the boxes of a clip and reads the video
      twice. A clip without a track that is long and large enough is not scored, counted, and explained.
    - ``wav2lip-lrs``: the whole frame resized to 224x224, every frame of the file as if there were 25 per second, as
      Wav2Lip's ``calculate_scores_LRS.py`` does, without its JPEG files.

    The networks equal the originals' golden outputs with seeded weights; the published checkpoints could not be run
    where this was written.

    As input to ``forward`` and ``update`` the metric accepts ``preds``, the frames, and ``audio``; or, with
    ``extractor=None``, lip embeddings ``(N, D)`` as ``preds`` and as many audio embeddings as ``audio``. As output it
    returns a 0-d float64 tensor.

    Args:
        protocol: see above.
        average: ``"clip"`` (default): the mean over clips; ``"frame"``: clips weigh as many windows as they have.
        extractor: ``"syncnet"``; a module with the methods of `extractors.syncnet.OwnSyncNetwork`; or None.
        weights: your own checkpoint, or several by name (``syncnet``, ``s3fd``).
        vshift: largest shift in frames, 15 in the published scripts.
        tracks: ``"mean"`` of a clip's tracks, or its ``"longest"`` only.
        min_track: detections that a track must exceed; 100 are 4 s.
        num_failed_det: frames after which a lost face ends its track.
        min_face_size: mean width or height in pixels that a track must exceed.
        crop_scale: how much of the surroundings the crop shows.
        facedet_scale: factor by which frames are shrunk for the detector.
        threshold: smallest score of a face.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if an option has no such value.
        WeightsNotFoundError: if a checkpoint is absent and cannot be downloaded.
    """

    feature_shape = (None,)
    _reading: ClassVar[int] = _DISTANCE

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module | None = "syncnet",
        weights: OwnFiles = None,
        vshift: int = 15,
        tracks: Literal["mean", "longest"] = "mean",
        min_track: int = 100,
        num_failed_det: int = 25,
        min_face_size: float = 100.0,
        crop_scale: float = 0.4,
        facedet_scale: float = 0.25,
        threshold: float = 0.9,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        if tracks not in ("mean", "longest"):
            raise InputError(f"tracks must be 'mean' or 'longest', got {tracks!r}")
        if vshift < 0 or min_track < 0 or not 0 < facedet_scale <= 1 or crop_scale < 0:
            raise InputError(
                "vshift, min_track and crop_scale must be at least 0 and facedet_scale in 0..1, got "
                f"{vshift}, {min_track}, {crop_scale} and {facedet_scale}"
            )
        self.vshift = vshift
        self.tracks = tracks
        self.track_options = TrackOptions(min_track, num_failed_det, min_face_size, crop_scale)
        self.extractor = choose(extractor, {"syncnet": lambda: SyncNetwork.of("syncnet", weights)}, OwnSyncNetwork)
        self.detector: Any = None
        if self.extractor is not None and self.protocol == "tracked":
            self.detector = FaceDetector.of("s3fd", weights, scale=facedet_scale, threshold=threshold)
        self._fps: float | None = None
        self._work: _WholeFrames | _Tracked | None = None
        self._curve: DistanceCurve | None = None
        shifts = 2 * vshift + 1
        self._allocate(
            _FIRST_BIN + shifts + _TAIL, "lipsync", vshift=vshift, tracks=tracks, track=astuple(self.track_options),
            detector=self.detector,
        )  # fmt: skip

    # ---- taking clips

    def update(
        self,
        preds: ClipInput = None,
        target: ClipInput = None,
        *,
        audio: AudioInput = None,
        sample_rate: int = SAMPLE_RATE,
        fps: float | None = None,
    ) -> None:
        """Add clips.

        Args:
            preds: the generated clip or clips, as `TalkingHeadMetric.update` describes them; with ``extractor=None``
                lip embeddings ``(N, D)`` or ``(B, N, D)``, or a list of ``(N, D)``.
            target: ignored.
            audio: ``(S,)``, ``(B, S)`` or a list, mono, float -1..1 or int16; default: that of the Clips, and a Clip
                without any is counted as not scored. With ``extractor=None`` audio embeddings, shaped as ``preds``.
            sample_rate: of ``audio``, in Hz.
            fps: frames per second of clips given as tensors; default: 25, or the Clip's own.

        Raises:
            InputError: if an input is missing or of another shape, dtype, rate or range.
            MismatchError: if there are not as many sounds as clips, or as many audio as lip embeddings.
        """
        if self.extractor is None:
            self._take(preds, audio)
            return
        pairs = list(self._pair(preds, None))
        sounds = _sounds(audio, len(pairs))
        given = preds if isinstance(preds, list | tuple) else [preds]
        if audio is None and not all(isinstance(item, Clip) for item in given):
            raise InputError(f"{type(self).__name__} needs `audio`, which was not given")
        for (clip, _), sound in zip(pairs, sounds, strict=True):
            stream({self.key: self}, clip, audio=sound, sample_rate=sample_rate, fps=fps)

    def _argument(self, side: str) -> str:
        if side == "target":
            return "audio" if self.extractor is None else ""
        return super()._argument(side)

    def begin(
        self,
        preds: AnyClip | None = None,
        target: AnyClip | None = None,
        *,
        audio: Tensor | None = None,
        sample_rate: int = SAMPLE_RATE,
        fps: float | None = None,
        **inputs: Any,
    ) -> None:
        """Start a clip, with its sound; default: that of the Clip.

        Raises:
            InputError: if the sound is of another shape, dtype, rate or range, or ``preds`` is no Clip.
        """
        super().begin(preds, target, **inputs)
        if self.extractor is None:
            self._curve = DistanceCurve(self.vshift)
            return
        if not isinstance(preds, Clip):
            raise InputError(f"{type(self).__name__} needs the Clip at `begin`: it reads the frames a second time")
        if fps is not None and not fps > 0:
            raise InputError(f"fps must be above 0, got {fps}")
        self._fps = fps if isinstance(preds.frames, Tensor) else None
        if audio is None:
            audio, sample_rate = preds.audio, preds.sample_rate
        if audio is not None:
            samples = speech(audio.to(self.device) if isinstance(audio, Tensor) else audio, sample_rate)
            self._work = self._worker(preds, samples)

    def _worker(self, clip: Clip, samples: Tensor) -> _WholeFrames | _Tracked:
        if self.protocol == "wav2lip-lrs":
            return _WholeFrames(self, samples)
        return _Tracked(self, samples, clip, self.even_frames(clip))

    def even_frames(self, clip: Clip) -> EvenFrames:
        """What brings the clip that was begun to 25 frames per second."""
        return EvenFrames(self._fps or clip.fps, fixed=self._fps is not None)

    def abort(self) -> None:
        """Forget the clip that was begun."""
        super().abort()
        self._work = self._curve = None

    def _measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        if self._curve is not None:
            matched = self._matched(preds, target)
            if matched is not None:
                self._curve.add(*(self._features(side) for side in matched))
        elif self._work is not None and preds is not None:
            self._work.feed(preds)

    def _finish(self, clip: Tensor) -> None:
        with exact_arithmetic(self.device):
            outcome = self._outcome()
        for stretch in outcome.stretches:
            weight = float(stretch.windows) if self.average == "frame" else 1 / len(outcome.stretches)
            clip += self._sums_of(stretch.curve.to(clip.device, torch.float64), weight)
        if outcome.reason:
            clip[-_TAIL + REASONS.index(outcome.reason)] = 1
        clip[-3] = (clip[_WEIGHT] > 0).to(torch.float64)
        clip[-2] = 1
        clip[-1] = outcome.left_out
        if self.extractor is not None:
            # Carried by the tensor, because every metric that shares this state reports the clip from the same sums.
            clip.outcome = outcome  # type: ignore[attr-defined]
        if self.missing == "error" and outcome.reason:
            raise MissingFaceError(f"{type(self).__name__}: {outcome.why}")
        self._work = self._curve = None

    def _outcome(self) -> Outcome:
        if self._curve is not None:
            rows = self._curve.rows
            left_out = abs(self._lengths[0] - self._lengths[1])
            return Outcome([Stretch(0, rows, rows, self._curve.finish())], left_out=left_out)
        if self._work is None:
            return Outcome([], "no audio", "no audio: the clip has no sound track and no other sound was given")
        return self._work.finish()

    def _sums_of(self, curve: Tensor, weight: float) -> Tensor:
        """What one face adds: nothing but the mark "not finite" where its distances are none."""
        finite = curve.isfinite().all()
        scores = sync_scores(curve)
        sums = curve.new_zeros(len(self.sums))
        ones = torch.ones_like(scores.distance)
        values = torch.stack([scores.distance, scores.confidence, scores.offset.abs().to(curve), ones])
        sums[:_FIRST_BIN] = torch.where(finite, values * weight, 0.0)
        offsets = torch.arange(-self.vshift, self.vshift + 1, dtype=torch.int64, device=curve.device)
        sums[_FIRST_BIN:-_TAIL] = (offsets == scores.offset) & finite
        sums[-_TAIL + REASONS.index("not finite")] = ~finite
        return sums

    # ---- results

    def _value(self, sums: Tensor) -> Tensor:
        return sums[self._reading] / sums[_WEIGHT]

    def tally(self, sums: Tensor) -> Tally:
        """Clips scored and seen, and frames that had no sound."""
        return Tally(*(int(count) for count in sums[-3:].tolist()))

    def score(self, clip: Tensor) -> Score:
        """One clip's result; its detail has a row per track, or why there is none."""
        score = super().score(clip)
        outcome: Outcome | None = getattr(clip, "outcome", None)
        if outcome is None:
            return score
        tracks = []
        for stretch in outcome.stretches:
            distance, confidence, offset = (float(value) for value in sync_scores(stretch.curve))
            tracks.append(
                {
                    "first": stretch.first, "frames": stretch.frames, "windows": stretch.windows,
                    "lse-d": distance, "lse-c": confidence, "offset": int(offset),
                }
            )  # fmt: skip
        reason = {"not_scored": outcome.why} if outcome.reason else {}
        return score._replace(detail={"tracks": tracks, **reason})

    def _detail(self, sums: Tensor) -> dict[str, Any]:
        counts = sums[_FIRST_BIN:-_TAIL].tolist()
        reasons = zip(REASONS, sums[-_TAIL:-3].tolist(), strict=True)
        return {
            "offsets": {str(k - self.vshift): int(count) for k, count in enumerate(counts) if count},
            "not_scored": {reason: int(count) for reason, count in reasons if count},
        }

    def _why_nan(self, tally: Tally) -> str:
        if not tally.aligned:
            return super()._why_nan(tally)
        reasons = ", ".join(f"{reason}: {count}" for reason, count in self._detail(self.sums)["not_scored"].items())
        return f"none of {tally.aligned} clips could be scored ({reasons})"


class LipSyncDistance(LipSync, key="lse-d"):
    """Lip-sync error, distance (LSE-D, also Sync-D): the smallest mean distance, lower is better; see `LipSync`.

    Real talking heads lie around 6 to 8, values near 13 mean that something is wrong with the input.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LipSyncDistance
        >>> lip = 10 * torch.eye(40, 64)
        >>> LipSyncDistance(extractor=None)(lip, audio=lip + 0.25).round(decimals=3)  # 0.25 * sqrt(64)
        tensor(2., dtype=torch.float64)
    """


class LipSyncConfidence(LipSync, key="lse-c"):
    """Lip-sync error, confidence (LSE-C, also Sync-C): median minus smallest distance, higher is better; see `LipSync`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LipSyncConfidence
        >>> lip = 3 * torch.eye(60, 64)
        >>> LipSyncConfidence(extractor=None)(lip, audio=lip).round(decimals=2)
        tensor(4.0800, dtype=torch.float64)
    """

    _reading = _CONFIDENCE


class LipSyncOffset(LipSync, key="av-offset"):
    """Mean absolute audio-visual offset in frames of 40 ms, lower is better; see `LipSync`.

    Audio that comes k frames late has offset -k, as in syncnet_python. The histogram of signed offsets, one count per
    track, stands in the ``detail`` of reports.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LipSyncOffset
        >>> lip = torch.eye(40, 64)
        >>> metric = LipSyncOffset(extractor=None)
        >>> metric(lip, audio=lip.roll(3, dims=0))
        tensor(3., dtype=torch.float64)
        >>> metric.detail()
        {'offsets': {'-3': 1}, 'not_scored': {}}
    """

    _reading = _OFFSET


def _too_short(frames: int, audible: int) -> str:
    return (
        f"too short: {frames} frames of video and {audible} of audio (40 ms each); lip sync needs six of both, the "
        "first five make one window"
    )


def _sounds(audio: AudioInput, clips: int) -> list[Tensor | None]:
    """One sound per clip; None stands for the Clip's own."""
    if audio is None:
        return [None] * clips
    if isinstance(audio, Tensor):
        if audio.ndim not in (1, 2):
            raise InputError(f"audio must be (S,) or (B, S), got {tuple(audio.shape)}")
        audio = [audio] if audio.ndim == 1 else list(audio)
    if len(audio) != clips:
        raise InputError(f"preds holds {clips} clips and audio {len(audio)} sounds; give one per clip")
    return list(audio)
