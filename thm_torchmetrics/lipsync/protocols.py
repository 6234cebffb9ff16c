"""Measure the mean distances of each face in a clip, on frames as they are decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AudioSource, Clip
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.syncnet import SyncEmbeddings
from thm_torchmetrics.faces.tracks import CROP_PAD, SHORTEST_TRACK, Track, crop_boxes, smooth
from thm_torchmetrics.functional.lipsync import SAMPLES_PER_FRAME
from thm_torchmetrics.imaging.resize import resize, resize_crops
from thm_torchmetrics.lipsync.track_rules import TrackRule, choose_tracks
from thm_torchmetrics.lipsync.tracking import ConstantFrameRate, Detector, TrackFinder, TrackOptions
from thm_torchmetrics.lipsync.windows import SIDE, WindowScorer, speech

NOT_SCORED = ("no audio", "too short", "no face track", "not finite")
"""The reasons why a clip is not scored."""

Reencoding: TypeAlias = Callable[[Tensor], Tensor]


class ScoredTrack(NamedTuple):
    """A scored track holds frames (at 25 per second), windows and mean distances of one face.

    ``embeddings`` are those of lips and of sound, ``(windows, D)`` each, if the pipeline keeps them.
    """

    first: int
    frames: int
    windows: int
    curve: Tensor
    embeddings: tuple[Tensor, Tensor] | None = None


class LipSyncResult(NamedTuple):
    """A result holds the faces of a clip, or the reason why there is none.

    ``reason`` is one of `NOT_SCORED`, ``why`` a sentence; ``left_out`` counts the frames without sound.
    """

    tracks: list[ScoredTrack]
    reason: str = ""
    why: str = ""
    left_out: int = 0


class LipSyncOptions(NamedTuple):
    """The options hold the networks and settings of a protocol.

    Attributes:
        network: the network of the embeddings.
        detector: the face detector, if the protocol detects faces.
        tracking: the conditions under which a run of faces is a track.
        tracks: the rule by which the tracks of a clip count.
        vshift: largest shift in frames.
        ffmpeg: the version whose rules the re-encoding follows.
        device: the device on which to compute.
        fps: frames per second from the caller, used instead of the clip's own times.
        audio_source: the source of the sound, if it is the clip's own.
    """

    network: SyncEmbeddings
    detector: Detector | None
    tracking: TrackOptions
    tracks: TrackRule
    vshift: int
    ffmpeg: Literal[4, 7]
    device: torch.device
    fps: float | None
    audio_source: AudioSource | None = None


class WholeFrames:
    """Protocol ``wav2lip-lrs`` scores whole frames, resized to 224x224, as 25 per second."""

    reads_chunks = True

    def __init__(self, options: LipSyncOptions, clip: Clip, audio: Tensor, sample_rate: int) -> None:
        self._options = options
        self._clip = clip
        self._samples = speech(audio, sample_rate).to(options.device)
        self._run = WindowScorer(options.network, self._samples, options.vshift)

    def add(self, chunk: Chunk) -> None:
        """Add the clip's next frames."""
        self._add_frames(chunk.as_uint8())

    def finish(self) -> LipSyncResult:
        """Return the result of the clip."""
        frames, audible = self._run.frames, len(self._samples) // SAMPLES_PER_FRAME
        if not self._run.windows:
            return LipSyncResult([], "too short", _too_short(frames, audible))
        track = ScoredTrack(0, frames, self._run.windows, self._run.curve())
        return LipSyncResult([track], left_out=max(0, frames - audible))

    def _add_frames(self, frames: Tensor) -> None:
        self._run.add(resize(frames, (SIDE, SIDE)))


class Tracked:
    """Protocol ``tracked`` finds faces in a first reading of a clip and crops them in a second.

    With ``keeps_embeddings`` the result holds the embeddings of the tracks.
    """

    reads_chunks = True
    keeps_embeddings = False

    def __init__(self, options: LipSyncOptions, clip: Clip, audio: Tensor, sample_rate: int) -> None:
        if options.detector is None:
            raise InputError(f"{type(self).__name__} looks for faces and needs a detector")
        self._options = options
        self._clip = clip
        self._samples = self._read_sound(audio, sample_rate).to(options.device)
        self._finder = TrackFinder(options.detector, self._tracking())
        self._constant = self._constant_rate()

    def add(self, chunk: Chunk) -> None:
        """Add the clip's next frames."""
        for frames in self._constant.pieces(chunk):
            self._finder.add(frames)

    def finish(self) -> LipSyncResult:
        """Return the result of the clip."""
        rest = self._constant.rest()
        if rest is not None:
            self._finder.add(rest)
        return self._result()

    def _result(self) -> LipSyncResult:
        found = [track for track in self._finder.tracks() if len(track.boxes) >= SHORTEST_TRACK]
        found = choose_tracks(found, self._options.tracks)
        if not found:
            return LipSyncResult([], "no face track", self._no_track())
        audible = len(self._samples) // SAMPLES_PER_FRAME
        left_out = sum(max(0, track.first + len(track.boxes) - max(track.first, audible)) for track in found)
        tracks = self._measured(found)
        if not tracks:
            return LipSyncResult(
                [], "too short", _too_short(max(len(track.boxes) for track in found), audible), left_out
            )
        return LipSyncResult(tracks, left_out=left_out)

    def _no_track(self) -> str:
        options = self._options.tracking
        frames, faces = self._finder.seen
        longest = max(options.min_track, SHORTEST_TRACK - 1)
        return (
            f"no face track of more than {longest} detections and {options.min_face_size:g} px: faces in "
            f"{faces} of {frames} frames at 25 per second; a lower min_track= or min_face_size= finds more"
        )

    def _measured(self, found: list[Track]) -> list[ScoredTrack]:
        """Run SyncNet over the crops of all tracks, in one more reading of the clip."""
        scale = self._options.tracking.crop_scale
        boxes = [crop_boxes(smooth(track.boxes), self._clip.size, scale) for track in found]
        network, vshift = self._options.network, self._options.vshift
        runs = [WindowScorer(network, self._sound(track), vshift, self.keeps_embeddings) for track in found]
        encoders = [self._reencoding() for _ in found]
        start = 0
        for frames in self._frames():
            for track, box, run, encode in zip(found, boxes, runs, encoders, strict=True):
                low, high = max(start, track.first), min(start + len(frames), track.first + len(box))
                if low < high:
                    part = box[low - track.first : high - track.first]
                    crops = resize_crops(frames[low - start : high - start], part, (SIDE, SIDE), pad=CROP_PAD)
                    run.add(encode(crops))
            start += len(frames)
        return [
            ScoredTrack(track.first, run.frames, run.windows, run.curve(), run.embeddings)
            for track, run in zip(found, runs, strict=True)
            if run.windows
        ]

    def _tracking(self) -> TrackOptions:
        """Return the conditions under which a run of faces is a track."""
        return self._options.tracking

    def _read_sound(self, audio: Tensor, sample_rate: int) -> Tensor:
        """Return the sound in the form that SyncNet takes."""
        return speech(audio, sample_rate)

    def _sound(self, track: Track) -> Tensor:
        last = track.first + len(track.boxes)
        return self._samples[SAMPLES_PER_FRAME * track.first : SAMPLES_PER_FRAME * last]

    def _reencoding(self) -> Reencoding:
        """Return the function that re-encodes the crops of one track; here it changes nothing."""
        return lambda crops: crops

    def _frames(self) -> Iterator[Tensor]:
        """Yield the clip's frames once more, with the detector's input, piece by piece."""
        frames = self._constant_rate()
        for chunk in self._clip.chunks():
            yield from frames.pieces(chunk.to(self._options.device))
        rest = frames.rest()
        if rest is not None:
            yield rest

    def _constant_rate(self) -> ConstantFrameRate:
        fps = self._options.fps
        return ConstantFrameRate(fps or self._clip.fps, fixed=fps is not None)


def _too_short(frames: int, audible: int) -> str:
    return (
        f"too short: {frames} frames of video and {audible} of audio (40 ms each); lip sync needs six of both, the "
        "first five make one window"
    )
