"""The protocols of lip sync: from a clip and its sound to the mean distances of each face."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.faces.tracks import CROP_PAD, Track, crop_boxes, smooth
from thm_torchmetrics.functional.lipsync import SAMPLES_PER_FRAME
from thm_torchmetrics.imaging.resize import resize, resize_crops
from thm_torchmetrics.lipsync.tracking import Detector, ConstantFrameRate, TrackFinder, TrackOptions
from thm_torchmetrics.lipsync.windows import SIDE, WindowScorer, SyncEmbeddings

NOT_SCORED = ("no audio", "too short", "no face track", "not finite")
"""Why a clip cannot be scored."""

Recode: TypeAlias = Callable[[Tensor], Tensor]


class ScoredTrack(NamedTuple):
    """What was measured of one face: its frames (at 25 per second) and its mean distances."""

    first: int
    frames: int
    windows: int
    curve: Tensor


class LipSyncResult(NamedTuple):
    """What became of a clip: its faces, or the reason why there is none; and how many frames had no sound."""

    stretches: list[ScoredTrack]
    reason: str = ""
    why: str = ""
    left_out: int = 0


class LipSyncOptions(NamedTuple):
    """What a protocol measures with.

    Attributes:
        towers: what gives the embeddings.
        detector: what finds faces, where the protocol looks for them.
        options: what makes a run of faces a track.
        tracks: which tracks of a clip count.
        vshift: largest shift in frames.
        ffmpeg: the version whose rules the re-encoding follows.
        device: where to compute.
        fps: frames per second that the caller gave, which count instead of the clip's own times.
    """

    towers: SyncEmbeddings
    detector: Detector | None
    options: TrackOptions
    tracks: Literal["mean", "longest"]
    vshift: int
    ffmpeg: Literal[4, 7]
    device: torch.device
    fps: float | None


class WholeFrames:
    """Protocol ``wav2lip-lrs``: every frame, resized to 224x224, as if there were 25 per second."""

    def __init__(self, setup: LipSyncOptions, clip: Clip, samples: Tensor) -> None:
        self._setup = setup
        self._clip = clip
        self._samples = samples
        self._run = WindowScorer(setup.towers, samples, setup.vshift)

    def feed(self, chunk: Chunk) -> None:
        """Take the clip's next frames."""
        self._add(chunk.as_uint8())

    def finish(self) -> LipSyncResult:
        """What became of the clip."""
        frames, audible = self._run.frames, len(self._samples) // SAMPLES_PER_FRAME
        if not self._run.windows:
            return LipSyncResult([], "too short", _too_short(frames, audible))
        stretch = ScoredTrack(0, frames, self._run.windows, self._run.curve())
        return LipSyncResult([stretch], left_out=max(0, frames - audible))

    def _add(self, frames: Tensor) -> None:
        self._run.add(resize(frames, (SIDE, SIDE)))


class Tracked:
    """Protocol ``tracked``: faces are found and followed while the clip is fed, cropped when it is read again."""

    def __init__(self, setup: LipSyncOptions, clip: Clip, samples: Tensor) -> None:
        assert setup.detector is not None  # noqa: S101  (the metric makes one for this protocol)
        self._setup = setup
        self._clip = clip
        self._samples = samples
        self._finder = TrackFinder(setup.detector, setup.options)
        self._even = self._even_frames()

    def feed(self, chunk: Chunk) -> None:
        """Take the clip's next frames."""
        self._finder.add(self._even.take(chunk))

    def finish(self) -> LipSyncResult:
        """What became of the clip."""
        rest = self._even.rest()
        if rest is not None:
            self._finder.add(rest)
        return self._outcome()

    def _outcome(self) -> LipSyncResult:
        found = self._finder.tracks()
        if self._setup.tracks == "longest":
            found = sorted(found, key=lambda track: -len(track.boxes))[:1]
        if not found:
            return LipSyncResult([], "no face track", self._no_track())
        audible = len(self._samples) // SAMPLES_PER_FRAME
        left_out = sum(max(0, track.first + len(track.boxes) - max(track.first, audible)) for track in found)
        stretches = self._measured(found)
        if not stretches:
            return LipSyncResult([], "too short", _too_short(max(len(track.boxes) for track in found), audible), left_out)
        return LipSyncResult(stretches, left_out=left_out)

    def _no_track(self) -> str:
        options = self._setup.options
        frames, faces = self._finder.seen
        return (
            f"no face track of more than {options.min_track} detections and {options.min_face_size:g} px: faces in "
            f"{faces} of {frames} frames at 25 per second; min_track= and min_face_size= (--min-track and "
            "--min-face-size) lower the limits"
        )

    def _measured(self, found: list[Track]) -> list[ScoredTrack]:
        """Run SyncNet over the crops of all tracks, which takes one more reading of the clip."""
        scale = self._setup.options.crop_scale
        boxes = [crop_boxes(smooth(track.boxes), self._clip.size, scale) for track in found]
        runs = [WindowScorer(self._setup.towers, self._sound(track), self._setup.vshift) for track in found]
        recodes = [self._recode() for _ in found]
        start = 0
        for frames in self._frames():
            for track, box, run, recode in zip(found, boxes, runs, recodes, strict=True):
                low, high = max(start, track.first), min(start + len(frames), track.first + len(box))
                if low < high:
                    part = box[low - track.first : high - track.first]
                    crops = resize_crops(frames[low - start : high - start], part, (SIDE, SIDE), pad=CROP_PAD)
                    run.add(recode(crops))
            start += len(frames)
        return [
            ScoredTrack(track.first, run.frames, run.windows, run.curve())
            for track, run in zip(found, runs, strict=True)
            if run.windows
        ]

    def _sound(self, track: Track) -> Tensor:
        last = track.first + len(track.boxes)
        return self._samples[SAMPLES_PER_FRAME * track.first : SAMPLES_PER_FRAME * last]

    def _recode(self) -> Recode:
        """What becomes of the crops of one track, in order, before SyncNet sees them."""
        return lambda crops: crops

    def _frames(self) -> Iterator[Tensor]:
        """The clip's frames once more, as the detector saw them, piece by piece."""
        even = self._even_frames()
        for chunk in self._clip.chunks():
            yield even.take(chunk.to(self._setup.device))
        rest = even.rest()
        if rest is not None:
            yield rest

    def _even_frames(self) -> ConstantFrameRate:
        fps = self._setup.fps
        return ConstantFrameRate(fps or self._clip.fps, fixed=fps is not None)


def _too_short(frames: int, audible: int) -> str:
    return (
        f"too short: {frames} frames of video and {audible} of audio (40 ms each); lip sync needs six of both, the "
        "first five make one window"
    )
